"""What people type: a card in the sandbox, and staff's decisions."""

from __future__ import annotations

from datetime import datetime

from django import forms
from django.conf import settings

from certification.kernel.windows import civil

from . import money
from .models import Order


class CardForm(forms.Form):
    """The sandbox's card.  Browsers must not offer a real card here."""

    card_number = forms.CharField(
        label="Card number",
        max_length=30,
        help_text="One of the numbers below. Never type the number of a real card here.",
        error_messages={"required": "Type one of the card numbers below."},
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )


class DeclineForm(forms.Form):
    """Why a purchase order is declined."""

    reason = forms.CharField(
        label="Reason",
        max_length=300,
        help_text="Its sender reads this, on the order page and in a mail.",
        error_messages={"required": "Say why: the sender of the purchase order reads the reason."},
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class TransferForm(forms.Form):
    """Money that came by cheque or transfer, as staff read it off the bank statement."""

    amount = forms.DecimalField(label="Amount", max_digits=12, decimal_places=2)
    reference = forms.CharField(
        label="Reference",
        max_length=120,
        help_text="By which the statement or cheque can be found again.",
    )
    received_on = forms.DateField(
        label="Received on",
        help_text="The day in the programme's zone.",
        widget=forms.DateInput(attrs={"type": "date"}),
    )

    def __init__(self, order: Order, *args: object, **kwargs: object) -> None:
        super().__init__(*args, **kwargs)  # type: ignore[arg-type]
        self.order = order
        self.fields["amount"].help_text = f"In {order.currency}, decimals after a point."

    def clean_amount(self) -> int:
        """The amount in minor units."""
        try:
            return money.to_minor(self.cleaned_data["amount"], self.order.currency)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error

    @property
    def received_at(self) -> datetime:
        return civil(self.cleaned_data["received_on"], settings.PROGRAMME_ZONE)
