"""What staff type in about a scorer.  Apart from the forms behind the wall: an account is chosen here."""

from __future__ import annotations

from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings

from accounts.models import BLIND_ROLES, User
from certification.kernel import clock
from certification.kernel.windows import civil

from .models import Conflict, RubricEntry, Scorer


def _today() -> date:
    return clock.now().astimezone(ZoneInfo(settings.PROGRAMME_ZONE)).date()


class EnlistForm(forms.ModelForm):
    """Enlists an account; the scorer keeps its bare key and nothing else of it."""

    account = forms.ModelChoiceField(
        queryset=User.objects.none(),
        help_text="An open account in the role of scorer or lead scorer that is not enlisted yet. "
        "Its role makes the scorer a lead or not. Accounts are added under Users.",
    )

    class Meta:
        model = Scorer
        fields = ["employer", "district"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        field = self.fields["account"]
        assert isinstance(field, forms.ModelChoiceField)
        enlisted = Scorer.objects.values("account_id")
        field.queryset = User.objects.filter(role__in=BLIND_ROLES, is_active=True).exclude(pk__in=enlisted)


class QualifyForm(forms.Form):
    """What a scorer reached on the benchmark papers of one kind of entry.  The service holds the gate."""

    rubric_entry = forms.ModelChoiceField(label="Entry", queryset=RubricEntry.objects.all())
    exact_percent = forms.DecimalField(
        label="Exact marks, in %", min_value=0, max_value=100, max_digits=5, decimal_places=2
    )
    within_one_percent = forms.DecimalField(
        label="Within one level, in %", min_value=0, max_value=100, max_digits=5, decimal_places=2
    )
    passed_on = forms.DateField(
        label="Passed on",
        help_text="The day in the programme's zone.",
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        initial=_today,
    )

    def clean_passed_on(self) -> date:
        day: date = self.cleaned_data["passed_on"]
        if day > _today():
            raise forms.ValidationError("This day is still to come. Enter the day the papers were scored.")
        return day

    @property
    def passed_at(self) -> datetime:
        return civil(self.cleaned_data["passed_on"], settings.PROGRAMME_ZONE)


class ConflictForm(forms.ModelForm):
    """An organisation whose candidates the scorer must not score."""

    class Meta:
        model = Conflict
        fields = ["organisation"]
        help_texts = {"organisation": "As candidates write their school, district or employer."}
