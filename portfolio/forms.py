"""The forms beside an entry: a file for a slot, captions for a video, and the self-assessment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django import forms
from django.core.files.uploadedfile import UploadedFile
from django.forms import BoundField
from django.forms.utils import ErrorDict
from django.utils.datastructures import MultiValueDict

from certification.kernel.errors import Refusal

from .selectors import FileCard, SlotCard
from .self_assessment import OwnLookFor
from .services.self_assessment import Judgement
from .states import EvidenceKind

NOTE_LETTERS = 4000


class UploadForm(forms.Form):
    """A file for a slot.  What the file is, the inspection finds out; nothing is believed here."""

    file = forms.FileField(
        label="File",
        allow_empty_file=True,  # the inspection has the better sentence for an empty file
        error_messages={
            "required": "Choose a file first, then press the button again.",
            "max_length": "The file's name is too long. Give it a shorter name and upload it again.",
        },
    )

    replaces = forms.UUIDField(required=False, widget=forms.HiddenInput)

    def __init__(
        self,
        slot: SlotCard,
        data: Mapping[str, Any] | None = None,
        files: MultiValueDict[str, UploadedFile] | None = None,
        *,
        in_place_of: FileCard | None = None,
    ) -> None:
        names = f"{slot.rules.key}_{in_place_of.number}_%s" if in_place_of else f"{slot.rules.key}_%s"
        super().__init__(data, files, auto_id=names, initial={"replaces": in_place_of and in_place_of.id})
        field = self.fields["file"]
        kind = "New file" if slot.replaces else "Another file" if slot.files else "File"
        field.label = f"{kind} for “{slot.rules.title}”"
        if in_place_of:
            field.label = f"New file in place of “{in_place_of.name}”"
        # A video's formats are many, and said once for each slot beside the form.
        is_video = slot.rules.kind == EvidenceKind.VIDEO
        field.help_text = slot.rules.amount_in_words if is_video else slot.rules.limits_in_words
        field.widget.attrs.update(accept=slot.accept)

    @classmethod
    def refused(cls, slot: SlotCard, refusal: Refusal, *, in_place_of: FileCard | None = None) -> UploadForm:
        """An empty form that shows a refusal beside the file field: a browser never keeps the file."""
        again = {"replaces": in_place_of.id} if in_place_of else {}
        form = cls(slot, again, MultiValueDict(), in_place_of=in_place_of)
        form._errors = ErrorDict(file=form.error_class([refusal.message, *refusal.details]))  # type: ignore[attr-defined]
        return form


class CaptionsForm(forms.Form):
    """Captions for a video.  What they are, the reading finds out."""

    captions = forms.FileField(
        label="Captions of this video",
        help_text="A WebVTT (.vtt) or SRT (.srt) file, up to 1 MB. Names in it are left out for scorers.",
        allow_empty_file=True,
        widget=forms.FileInput(attrs={"accept": ".vtt,.srt"}),
        error_messages={"required": "Choose a file first, then press the button again."},
    )

    @classmethod
    def refused(cls, refusal: Refusal) -> CaptionsForm:
        """An empty form that shows a refusal beside the field."""
        form = cls({}, MultiValueDict())
        form._errors = ErrorDict(captions=form.error_class([refusal.message, *refusal.details]))  # type: ignore[attr-defined]
        return form


class SelfAssessmentForm(forms.Form):
    """A level and a note for each look-for; what is not sent stays as it was."""

    def __init__(self, look_fors: Sequence[OwnLookFor], data: Mapping[str, Any] | None = None) -> None:
        super().__init__(data)
        self._look_fors = look_fors
        for look_for in look_fors:
            self.fields[f"level-{look_for.key}"] = forms.TypedChoiceField(
                label=look_for.title,
                choices=[
                    *((str(level.number), level.words) for level in reversed(look_for.levels)),
                    ("", "Not judged yet"),
                ],
                coerce=int,
                empty_value=None,
                required=False,
                initial="" if look_for.level is None else look_for.level,
                widget=forms.RadioSelect,
            )
            self.fields[f"note-{look_for.key}"] = forms.CharField(
                label=f"Your note on “{look_for.title}”",
                max_length=NOTE_LETTERS,
                required=False,
                initial=look_for.note,
                widget=forms.Textarea(attrs={"rows": 3}),
                error_messages={
                    "max_length": f"The note on “{look_for.title}” is longer than {NOTE_LETTERS:,} letters. "
                    "Shorten it; until then it is not saved."
                },
            )

    def rows(self) -> list[tuple[OwnLookFor, BoundField, BoundField]]:
        """Each look-for with its two fields."""
        return [(one, self[f"level-{one.key}"], self[f"note-{one.key}"]) for one in self._look_fors]

    def judgements(self) -> list[Judgement]:
        """What was said of the look-fors that the data names."""
        return [
            Judgement(one.key, self.cleaned_data[f"level-{one.key}"], self.cleaned_data[f"note-{one.key}"])
            for one in self._look_fors
            if f"note-{one.key}" in self.data
        ]
