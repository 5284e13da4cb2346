"""The form of a submission: the three affirmations, each with the version of its text that was shown."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
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
        changed = [
            kind
            for kind, text in self.texts.items()
            if data.get(kind) and data.get(f"{kind}-version") != text.version
        ]
        for kind in changed:
            self.add_error(kind, "This text has changed since you opened the page. Read it and affirm it.")
        self._show_anew(changed)
        return data

    def _show_anew(self, kinds: Iterable[str]) -> None:
        """The page that comes back shows these texts as they are now, not affirmed yet."""
        self.data = {name: value for name, value in self.data.items() if name not in kinds} | {
            f"{kind}-version": str(self.texts[kind].version) for kind in kinds
        }

    @property
    def affirmed(self) -> dict[SubmissionKind, str]:
        """What was affirmed, with the SHA-256 of the text shown; also of a form that lacks something."""
        data = getattr(self, "cleaned_data", {})
        return {SubmissionKind(kind): text.sha256 for kind, text in self.texts.items() if data.get(kind)}
