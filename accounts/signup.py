"""Signing up: as somebody who wants to be certified, or as somebody who pays for coaches."""

from __future__ import annotations

from typing import Any

from allauth.account import forms as allauth
from allauth.core import context
from django import forms

from .models import Role

# Every other role is given by staff.  Source: the programme's rules, section 1.
OPEN_TO_ALL = (
    (Role.CANDIDATE.value, "I am a coach and want to be certified"),
    (Role.SPONSOR.value, "I pay for coaches, for a school or district"),
)


class PurposeField(forms.ChoiceField):
    """What an account is for; without a choice, for becoming a candidate."""

    def clean(self, value: Any) -> str:
        return str(super().clean(value or Role.CANDIDATE.value))


class SignupForm(allauth.SignupForm):
    """allauth's own, with the choice of what the account is for; `?as=sponsor` chooses beforehand."""

    purpose = PurposeField(
        label="What the account is for",
        choices=OPEN_TO_ALL,
        widget=forms.RadioSelect,
        error_messages={"invalid_choice": "Choose one of the two."},
        help_text="One account is for one of them alone.",
    )
    field_order = ["purpose", "email", "password1", "password2"]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        wanted = context.request.GET.get("as")
        self.fields["purpose"].initial = wanted if wanted in dict(OPEN_TO_ALL) else Role.CANDIDATE.value
