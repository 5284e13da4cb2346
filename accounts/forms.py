"""Forms about accounts: a person's own, and the staff's."""

from __future__ import annotations

from typing import Any, ClassVar

from django import forms
from django.conf import settings

from certification.kernel.errors import NotAllowed
from certification.kernel.names import validate_name

from . import services
from .models import User
from .zones import zone_choices


class ZoneField(forms.ChoiceField):
    """A time zone, or none: dates are then shown in the programme's zone alone."""

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("label", "Time zone")
        kwargs.setdefault("help_text", "Dates are shown in this zone beside the programme’s.")
        kwargs.setdefault("required", False)
        super().__init__(choices=_choices, **kwargs)


def _choices() -> list[Any]:
    return [("", f"As the programme ({settings.PROGRAMME_ZONE})"), *zone_choices()]


class ProfileForm(forms.Form):
    """What a person may change about themselves."""

    full_name = forms.CharField(
        label="Full name",
        max_length=150,
        validators=[validate_name],
        widget=forms.TextInput(attrs={"autocomplete": "name"}),
        help_text="How the programme office addresses you. A certificate carries the name you register with.",
    )
    timezone = ZoneField()


class AccountForm(forms.ModelForm):
    """An account as staff see it; `by`, the staff member, is set by the admin."""

    by: ClassVar[User]
    timezone = ZoneField()

    class Meta:
        model = User
        fields: ClassVar[list[str]] = ["full_name", "timezone", "role", "is_active"]

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean() or {}
        before = User.objects.filter(pk=self.instance.pk).first()
        if before is not None and "role" in cleaned:
            try:
                services.require_change(
                    before, role=cleaned["role"], is_active=cleaned["is_active"], by=self.by
                )
            except NotAllowed as refusal:
                raise forms.ValidationError(refusal.message) from refusal
        return cleaned


class NewAccountForm(forms.ModelForm):
    """A new account; its owner chooses the password through a mailed link."""

    by: ClassVar[User]
    timezone = ZoneField()

    class Meta:
        model = User
        fields: ClassVar[list[str]] = ["email", "full_name", "timezone", "role"]

    def clean_role(self) -> str:
        role = str(self.cleaned_data["role"])
        try:
            services.require_may_make(role, by=self.by)
        except NotAllowed as refusal:
            raise forms.ValidationError(refusal.message) from refusal
        return role
