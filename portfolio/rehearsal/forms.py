"""The rehearsal's two forms: what the browser measured, and a short clip."""

from __future__ import annotations

import json
from typing import Any

from django import forms
from django.forms.utils import ErrorDict
from django.utils.datastructures import MultiValueDict

from certification.kernel.errors import BadInput

from .rules import Sample

_MOST_CHARACTERS = 20_000


class LineForm(forms.Form):
    """The pieces that arrived, as the script fills them in; nobody sees these fields."""

    ticket = forms.CharField(max_length=300)
    samples = forms.CharField(max_length=_MOST_CHARACTERS)
    breaks = forms.IntegerField(min_value=0)

    def measured(self) -> tuple[str, list[Sample], int]:
        """The measurement's ticket, the pieces, and how often the line broke.

        Raises:
            BadInput: they cannot be read.
        """
        try:
            if not self.is_valid():
                raise ValueError("fields are missing")
            rows = json.loads(self.cleaned_data["samples"])
            samples = [_sample(*row) for row in rows]
            return self.cleaned_data["ticket"], samples, self.cleaned_data["breaks"]
        except (ValueError, TypeError, RecursionError):
            raise BadInput("The measurement did not arrive whole. Measure the line once more.") from None


class ClipForm(forms.Form):
    """A short video.  What it is, the inspection finds out."""

    clip = forms.FileField(
        label="A clip of about ten seconds",
        help_text="Filmed with the device and the app that you will use. Up to 200 MB; it is looked at "
        "and thrown away.",
        allow_empty_file=True,  # the inspection has the better sentence for an empty file
        error_messages={
            "required": "Choose a clip first, then press the button again.",
            "max_length": "The clip’s name is too long. Give it a shorter name and choose it again.",
        },
        widget=forms.ClearableFileInput(attrs={"accept": "video/*"}),
    )

    @classmethod
    def refused(cls, sentence: str) -> ClipForm:
        """An empty form that shows a sentence beside the file: a browser never keeps the file."""
        form = cls({}, MultiValueDict())
        form._errors = ErrorDict(clip=form.error_class([sentence]))  # type: ignore[attr-defined]
        return form


def _sample(size: Any, began_ms: Any, took_ms: Any) -> Sample:
    numbers = (size, began_ms, took_ms)
    if any(isinstance(number, bool) or not isinstance(number, int) for number in numbers):
        raise TypeError("a piece is three whole numbers")
    return Sample(*numbers)
