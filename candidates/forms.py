"""The forms of a registration, one per step, and of the programme office."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from django import forms
from django.core.exceptions import ValidationError

from certification.kernel.names import validate_name

from .answers import MAX_YEARS_EMPLOYED, About, Employment
from .models import Candidacy, PolicyDocument, Registration
from .states import AffirmationKind

_YES_NO = [("yes", "Yes"), ("no", "No")]


def _as_bool(choice: str) -> bool:
    return choice == "yes"


class AboutForm(forms.Form):
    """Who registers."""

    name_on_certificate = forms.CharField(
        label="Name on the certificate",
        max_length=150,
        validators=[validate_name],
        help_text=(
            "Exactly as it should be printed. It is also used to find and cover your name in your evidence."
        ),
        error_messages={"required": "Write your name as the certificate should show it."},
        widget=forms.TextInput(attrs={"autocomplete": "name", "dir": "auto"}),
    )

    @classmethod
    def showing(cls, registration: Registration) -> AboutForm:
        return cls(initial={"name_on_certificate": registration.name_on_certificate})

    def answers(self, registration: Registration) -> About:
        """What was typed, with the saved answer where the typed one cannot be used."""
        return About(
            name_on_certificate=self.cleaned_data.get("name_on_certificate", registration.name_on_certificate)
        )


class EmploymentForm(forms.Form):
    """Where the person works, and what decides on eligibility."""

    school = forms.CharField(
        label="School or organisation",
        max_length=150,
        error_messages={"required": "Name the school or organisation that employs you."},
        widget=forms.TextInput(attrs={"autocomplete": "organization", "dir": "auto"}),
    )
    district = forms.CharField(
        label="District",
        max_length=150,
        required=False,
        help_text="Scorers from the same district never score your work.",
        widget=forms.TextInput(attrs={"dir": "auto"}),
    )
    country = forms.CharField(
        label="Country",
        max_length=80,
        error_messages={"required": "Name the country you work in."},
        widget=forms.TextInput(attrs={"autocomplete": "country-name", "dir": "auto"}),
    )
    role_title = forms.CharField(
        label="Job title",
        max_length=120,
        error_messages={"required": "Give your job title, such as “instructional coach”."},
        widget=forms.TextInput(attrs={"autocomplete": "organization-title", "dir": "auto"}),
    )
    full_time = forms.TypedChoiceField(
        label="Are you employed full-time as an instructional coach?",
        choices=_YES_NO,
        coerce=_as_bool,
        empty_value=None,
        widget=forms.RadioSelect,
        error_messages={"required": "Choose yes or no."},
    )
    years_employed = forms.DecimalField(
        label="Full school years in that role",
        min_value=0,
        max_value=MAX_YEARS_EMPLOYED,
        max_digits=4,
        decimal_places=1,
        help_text="Completed by the day you register. Halves are fine: 2.5",
        error_messages={
            "required": "Say how many full school years you have been in that role.",
            "invalid": "Write the years as a number, such as 2 or 2.5.",
            "min_value": "The years cannot be fewer than 0.",
            "max_value": f"The years cannot be more than {MAX_YEARS_EMPLOYED}.",
        },
        widget=forms.NumberInput(attrs={"step": "0.5", "inputmode": "decimal"}),
    )
    coaching_percent = forms.DecimalField(
        label="Share of your work time in coaching cycles (%)",
        min_value=0,
        max_value=100,
        max_digits=5,
        decimal_places=2,
        help_text="Coaching teachers one to one in cycles, as partners, over a usual year.",
        error_messages={
            "required": "Say what share of your work time goes to coaching cycles.",
            "invalid": "Write the share as a number from 0 to 100, such as 70.",
            "max_value": "The share is a percentage and cannot be more than 100.",
            "min_value": "The share cannot be less than 0.",
        },
        widget=forms.NumberInput(attrs={"step": "any", "inputmode": "decimal"}),
    )

    def clean_coaching_percent(self) -> Decimal:
        """Ask again about a share typed as a fraction: the refusal of 0.7 % would baffle who meant 70 %."""
        share: Decimal = self.cleaned_data["coaching_percent"]
        if 0 < share < 1:
            raise ValidationError(f"Write the share in percent: {share * 100:.0f} rather than {share}.")
        return share

    @classmethod
    def showing(cls, registration: Registration) -> EmploymentForm:
        saved: dict[str, Any] = {name: getattr(registration, name) for name in cls.base_fields}
        if registration.full_time is not None:
            saved["full_time"] = "yes" if registration.full_time else "no"
        return cls(initial=saved)

    def answers(self, registration: Registration) -> Employment:
        """What was typed, with the saved answer where the typed one cannot be used."""
        return Employment(
            **{name: self.cleaned_data.get(name, getattr(registration, name)) for name in self.fields}
        )


class AdvisoryForm(forms.Form):
    """The advisory about coaching time."""

    acknowledged = forms.BooleanField(
        label="I have read this and want to register all the same.",
        error_messages={"required": "Tick the box to go on, or correct your answer."},
    )


class AffirmForm(forms.Form):
    """A box for each text not affirmed yet, bound to the version that was shown."""

    def __init__(self, *args: Any, documents: Iterable[PolicyDocument], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for document in documents:
            self.fields[document.kind] = forms.BooleanField(
                label=AffirmationKind(document.kind).label,
                required=True,
                error_messages={"required": "Not affirmed yet. Tick it once you have read the text."},
            )
            self.fields[f"{document.kind}-version"] = forms.IntegerField(
                initial=document.version, widget=forms.HiddenInput
            )

    def ticked(self) -> dict[str, int]:
        """The kinds that were ticked and the version each was shown in; also when others were not."""
        return {
            kind: self.cleaned_data.get(f"{kind}-version", 0)
            for kind in AffirmationKind.values
            if self.cleaned_data.get(kind)
        }


class ReminderForm(forms.Form):
    """Whether a person wants to hear when the next cohort opens."""

    wanted = forms.BooleanField(required=False)


class ExtensionForm(forms.Form):
    """A later deadline for one person: asked for as pages show it, by its last admitted minute.

    Source: docs/adr/0003.
    """

    year = forms.TypedChoiceField(label="Year", coerce=int)
    closes_at = forms.SplitDateTimeField(
        label="Open until and including",
        widget=forms.SplitDateTimeWidget(
            date_attrs={"type": "date", "aria-label": "Open until and including: date"},
            time_attrs={"type": "time", "aria-label": "Open until and including: time"},
        ),
        help_text=(
            "The last minute in which this person may submit, in the programme's time zone: "
            "23:59 for the whole day. The person reads this very minute."
        ),
    )
    reason = forms.CharField(
        label="Reason",
        max_length=300,
        widget=forms.Textarea(attrs={"rows": 3}),
        help_text="Kept in the audit trail.",
    )

    def __init__(self, *args: Any, candidacy: Candidacy, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        years = candidacy.cohort.years.order_by("number")
        self.fields["year"].choices = [(year.number, f"Year {year.number}") for year in years]  # type: ignore[attr-defined]

    def clean_closes_at(self) -> datetime:
        """The instant at which the window closes: the minute after the last admitted one."""
        last_minute: datetime = self.cleaned_data["closes_at"]
        if last_minute.second or last_minute.microsecond:
            raise ValidationError("Choose a whole minute.")
        return last_minute.astimezone(UTC) + timedelta(minutes=1)
