"""Forms: anybody asks for a certificate by its number; staff take one back with a reason."""

from __future__ import annotations

from django import forms

from .models import Certificate
from .selectors import normalised


class NumberForm(forms.Form):
    number = forms.CharField(
        label="Certificate number",
        help_text="It stands at the foot of the certificate, for example ICG-2027-4KQ7XW2M.",
        max_length=40,
        error_messages={
            "required": "Type the number of the certificate.",
            "max_length": "A certificate number is shorter than this. Type only the number.",
        },
    )

    def clean_number(self) -> str:
        """The number as it is stored."""
        number = normalised(self.cleaned_data["number"])
        if not number:
            raise forms.ValidationError("A certificate number is made of letters and digits.")
        return number


class RevokeForm(forms.Form):
    reason = forms.CharField(
        label="Why is it taken back?",
        help_text="Kept on record for the office. The public page shows the date, never the reason.",
        max_length=Certificate._meta.get_field("revoked_reason").max_length,
        widget=forms.Textarea(attrs={"rows": 3}),
        error_messages={
            "required": "Revoking a certificate needs a reason. Write down why it is taken back."
        },
    )
