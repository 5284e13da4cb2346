"""What staff say about a blinding: looked at, signed, sent back, recorded, settled."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django import forms

LOOKED_AT = "Every page and the whole of each video was looked at, with sound, and shows and names nobody."


class LookedAtForm(forms.Form):
    """The one statement of both the check and the sign-off, and which copies it is about."""

    seen = forms.CharField(widget=forms.HiddenInput)
    looked_at = forms.BooleanField(
        label=LOOKED_AT,
        error_messages={"required": "Look at every page and all of each video first, then say so here."},
    )


class SendBackForm(forms.Form):
    reason = forms.CharField(
        label="Why it goes back",
        max_length=300,
        help_text="The next person checks for exactly that.",
        error_messages={"required": "Say why it goes back: the next person checks for exactly that."},
    )
    also_cover = forms.CharField(
        label="Also cover these words",
        required=False,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="One in a line, as spelled in the document: a nickname, a colleague, a place.",
    )

    def clean_also_cover(self) -> list[str]:
        return [line for line in self.cleaned_data["also_cover"].splitlines() if line.strip()]


class RecordForm(forms.Form):
    """Something that names the candidate and that cleaning again cannot cover."""

    evidence = forms.ChoiceField(label="File")
    where = forms.CharField(
        label="Where", max_length=120, help_text="For a video minutes and seconds, say 2:41; else the page."
    )
    what = forms.CharField(
        label="What can be recognised", max_length=300, help_text="For example: the teacher says the name."
    )

    def __init__(self, *args: Any, files: list[tuple[UUID, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["evidence"].choices = files  # type: ignore[attr-defined]


class SettleForm(forms.Form):
    """What became of something recorded before."""

    finding = forms.ChoiceField(label="What was recorded")
    how = forms.CharField(
        label="How it was settled",
        max_length=300,
        error_messages={"required": "Say how it was settled, for the person who signs off."},
    )

    def __init__(self, *args: Any, findings: list[tuple[UUID, str]], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["finding"].choices = findings  # type: ignore[attr-defined]
