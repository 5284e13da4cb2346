"""The form of a submission: the three affirmations, each with the version of its text that was shown."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django import forms

from candidates.models import PolicyDocument
from candidates.states import SubmissionKind


class AffirmForm(forms.Form):
    """One box for each text; a text that changed since the page was opened has to be read again."""

    def __init__(
        self,
        *args: Any,
        texts: Mapping[str, PolicyDocument],
        asked: str = "Affirm this before you submit.",
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.texts = texts
        for kind, text in texts.items():
            self.fields[kind] = forms.BooleanField(
                label=SubmissionKind(kind).label, error_messages={"required": asked}
            )
            self.fields[f"{kind}-version"] = forms.IntegerField(
                initial=text.version, widget=forms.HiddenInput, required=False, label="Version"
            )

    def clean(self) -> dict[str, Any]:
        data: dict[str, Any] = super().clean() or {}
        for kind, text in self.texts.items():
            if data.get(kind) and data.get(f"{kind}-version") != text.version:
                self.add_error(
                    kind, "This text has changed since you opened the page. Read it and affirm it."
                )
        return data

    @property
    def affirmed(self) -> tuple[SubmissionKind, ...]:
        """What was affirmed, each in the version in force; also of a form that lacks something."""
        data = getattr(self, "cleaned_data", {})
        return tuple(SubmissionKind(kind) for kind in self.texts if data.get(kind))
