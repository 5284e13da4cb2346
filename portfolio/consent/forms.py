"""The forms of the consent ledger."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any
from uuid import UUID

from django import forms

from ..models import PersonSeen
from .keeping import ACCEPT
from .ledger import FormLine, Source, live_form
from .services import NewPerson


class PersonForm(forms.Form):
    """Somebody, or a group, seen in a video.  A form sent with it is kept also when the rest is refused."""

    who = forms.CharField(
        label="Who is seen or heard",
        max_length=120,
        help_text="As you call them: “the teacher”, “grade 4, 22 students”. Full names are not needed.",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
        error_messages={"required": "Say who is seen: “the teacher”, or “grade 4, 22 students”."},
    )
    minors = forms.BooleanField(
        label="There are minors among them",
        required=False,
        help_text="Then the form is signed by a parent or guardian of each.",
    )
    release_form = forms.ChoiceField(
        label="Release form that covers them",
        required=False,
        help_text="One form may cover several people and clips.",
    )
    file = forms.FileField(
        label="Or upload the signed form",
        required=False,
        allow_empty_file=True,  # the inspection has the better sentence for an empty file
        help_text=(
            "PDF, or a scan or photo as JPEG or PNG; up to 20 MB."
            " Kept apart from your entry: scorers never see it."
        ),
        widget=forms.FileInput(attrs={"accept": ACCEPT}),
        error_messages={
            "max_length": "The file's name is too long. Give it a shorter name and upload it again."
        },
    )
    for_scoring = forms.BooleanField(label="Scoring by the programme's scorers", required=False, initial=True)
    for_training = forms.BooleanField(label="Training of scorers and coaches", required=False)
    for_research = forms.BooleanField(label="Research", required=False)
    until_on = forms.DateField(
        label="Last day of the consent",
        required=False,
        help_text="Leave it empty if the form names no end.",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={"invalid": "Write the day as year-month-day, for example 2027-12-31."},
    )

    def __init__(self, *args: Any, choices: Iterable[FormLine], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["release_form"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [("", "None yet"), *((str(form.id), form.title) for form in choices)]

    @classmethod
    def values_of(cls, person: PersonSeen) -> dict[str, Any]:
        """What the form shows of somebody on record."""
        form = live_form(person)
        return {
            "who": person.who,
            "minors": person.minors,
            "release_form": str(form.pk) if form else "",
            "for_scoring": person.for_scoring,
            "for_training": person.for_training,
            "for_research": person.for_research,
            "until_on": person.until_on,
        }

    def person(self) -> NewPerson:
        """What was filled in, once it is valid."""
        values = self.cleaned_data
        return NewPerson(
            who=values["who"],
            minors=values["minors"],
            release_form_id=UUID(chosen) if (chosen := values["release_form"]) else None,
            for_scoring=values["for_scoring"],
            for_training=values["for_training"],
            for_research=values["for_research"],
            until_on=values["until_on"],
        )


class ReleaseFormForm(forms.Form):
    """A signed form, for everybody it covers."""

    title = forms.CharField(
        label="What you call it",
        max_length=120,
        required=False,
        help_text=(
            "For example “the teacher's release” or “class list, spring”."
            " Without a name, the file's name is used."
        ),
    )
    file = forms.FileField(
        label="The signed form",
        allow_empty_file=True,
        help_text="PDF, or a scan or photo as JPEG or PNG; up to 20 MB.",
        widget=forms.FileInput(attrs={"accept": ACCEPT}),
        error_messages={
            "required": "Choose a file first, then press the button again.",
            "max_length": "The file's name is too long. Give it a shorter name and upload it again.",
        },
    )


class CopyForm(forms.Form):
    """Which clip's people are taken over."""

    source = forms.ChoiceField(label="Same people as in", error_messages={"required": "Choose a clip first."})

    def __init__(self, *args: Any, sources: Iterable[Source], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["source"]
        assert isinstance(field, forms.ChoiceField)
        field.choices = [(str(source.evidence_id), source.label) for source in sources]
