"""The public form that asks for a certificate's number."""

from django import forms


class NumberForm(forms.Form):
    number = forms.CharField(
        label="Certificate number",
        help_text="It stands at the foot of the certificate, for example ICG-2027-4KQ7XW2M.",
        max_length=40,
        error_messages={"required": "Type the number of the certificate."},
    )
