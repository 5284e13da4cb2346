"""What people type on the sandbox's page: a card."""

from __future__ import annotations

from django import forms


class CardForm(forms.Form):
    """The sandbox's card.  Browsers must not offer a real card here."""

    card_number = forms.CharField(
        label="Card number",
        max_length=30,
        help_text="One of the numbers below. Never type the number of a real card here.",
        error_messages={"required": "Type one of the card numbers below."},
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
