"""The demo clock's form."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings

from candidates.models import Cohort


@dataclass(frozen=True, slots=True)
class Stop:
    """An instant worth travelling to: what happens then, and the form's text for it."""

    label: str
    at: datetime
    value: str


class ClockForm(forms.Form):
    at = forms.DateTimeField(
        label="Show the site as at",
        help_text="Date and time in the programme’s zone.",
        widget=forms.DateTimeInput(attrs={"type": "datetime-local"}, format="%Y-%m-%dT%H:%M"),
    )

    def clean_at(self) -> datetime:
        chosen: datetime = self.cleaned_data["at"]
        if not 2000 <= chosen.year <= 2100:
            raise forms.ValidationError("Choose a date between the years 2000 and 2100.")
        return chosen

    @staticmethod
    def stops() -> tuple[Stop, ...]:
        """The instants of the newest cohort, in order, each a moment after its window opens or closes."""
        cohort = Cohort.objects.prefetch_related("years").order_by("-number").first()
        if cohort is None:
            return ()
        moments = [
            ("Registration opens", cohort.registration_opens_at),
            ("Registration has closed", cohort.registration_closes_at),
        ]
        for year in cohort.years.all():
            moments += [
                (f"Submission opens, year {year.number}", year.submission_opens_at),
                (f"Submission has closed, year {year.number}", year.submission_closes_at),
                (f"Scores come out, year {year.number}", year.release_at),
            ]
        return tuple(_stop(label, at + timedelta(minutes=1)) for label, at in moments)


def _stop(label: str, at: datetime) -> Stop:
    return Stop(label, at, at.astimezone(ZoneInfo(settings.PROGRAMME_ZONE)).strftime("%Y-%m-%dT%H:%M"))
