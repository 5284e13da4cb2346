"""What staff type: reasons and questions, what a bank statement says, and a period to export."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings

from certification.kernel import clock
from certification.kernel.windows import civil
from payments import exports, money
from payments.models import LedgerRow, Order
from payments.services.transfers import LARGEST_AMOUNT_MINOR

EARLIEST_YEAR = 2000


def today() -> date:
    """The civil day in the programme's zone."""
    return clock.now().astimezone(ZoneInfo(settings.PROGRAMME_ZONE)).date()


def _day(label: str, help_text: str) -> forms.DateField:
    return forms.DateField(
        label=label,
        help_text=help_text,
        widget=forms.DateInput(attrs={"type": "date"}, format="%Y-%m-%d"),
        error_messages={
            "required": "Give the day.",
            "invalid": "Write the day as year-month-day, such as 2026-12-05.",
        },
    )


def _plausible(day: date, what: str) -> date:
    if day.year < EARLIEST_YEAR:
        raise forms.ValidationError(f"{what} cannot lie before {EARLIEST_YEAR}. Check the year.")
    if day > today():
        raise forms.ValidationError(f"{what} cannot lie in the future.")
    return day


class ReasonForm(forms.Form):
    """Why a purchase order is declined or cancelled."""

    reason = forms.CharField(
        label="Reason",
        max_length=300,
        help_text="Its sender reads this, on the order page and in a mail.",
        error_messages={"required": "Say why: the sender of the purchase order reads the reason."},
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class QuestionForm(forms.Form):
    """What the sender of a purchase order is asked."""

    question = forms.CharField(
        label="Question",
        max_length=300,
        help_text="Say what is missing or unclear. Its sender reads this, on the order page and in a mail.",
        error_messages={"required": "Write the question: its sender has to know what to answer."},
        widget=forms.Textarea(attrs={"rows": 3}),
    )


class TransferForm(forms.Form):
    """Money that came by cheque or transfer, as staff read it off the bank statement."""

    amount = forms.DecimalField(
        label="Amount",
        max_digits=12,
        decimal_places=2,
        error_messages={"required": "Give the amount that came in."},
    )
    reference = forms.CharField(
        label="Reference",
        max_length=120,
        help_text="By which the statement or cheque can be found again.",
        error_messages={
            "required": "Give the reference by which the bank statement or cheque can be found again."
        },
    )
    received_on = _day("Received on", "The day in the programme's zone.")

    def __init__(self, order: Order, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.order = order
        self.fields["amount"].help_text = f"In {order.currency}, decimals after a point."

    def clean_amount(self) -> int:
        """The amount in minor units."""
        typed: Decimal = self.cleaned_data["amount"]
        try:
            minor = money.to_minor(typed, self.order.currency)
        except ValueError as error:
            raise forms.ValidationError(str(error)) from error
        if minor <= 0:
            raise forms.ValidationError("The amount received must be more than nothing.")
        if minor > LARGEST_AMOUNT_MINOR:
            raise forms.ValidationError(
                "The amount received cannot be that large. Read it off the statement again."
            )
        return minor

    def clean_received_on(self) -> date:
        return _plausible(self.cleaned_data["received_on"], "The day on which the money came in")

    def seal(self) -> None:
        """Carry what was typed along unseen, on the page that says it back."""
        for field in self.fields.values():
            field.widget = forms.HiddenInput()

    @property
    def received_at(self) -> datetime:
        return civil(self.cleaned_data["received_on"], settings.PROGRAMME_ZONE)


class ReturnForm(forms.Form):
    """How money went back, as staff read it off the bank's or provider's statement."""

    reference = forms.CharField(
        label="Reference",
        max_length=120,
        help_text="By which the statement names the refund or transfer.",
        error_messages={"required": "Give the reference by which the refund can be found again."},
    )
    returned_on = _day("Returned on", "The day in the programme's zone.")

    def __init__(self, row: LedgerRow, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.row = row

    def clean_returned_on(self) -> date:
        return _plausible(self.cleaned_data["returned_on"], "The day on which the money went back")

    @property
    def returned_at(self) -> datetime:
        """The day's first instant; of the day on which the money came in, the instant at which it did."""
        day = self.cleaned_data["returned_on"]
        begins = civil(day, settings.PROGRAMME_ZONE)
        came_that_day = begins < self.row.received_at < begins + timedelta(days=1)
        return self.row.received_at if came_that_day else begins


class ExportForm(forms.Form):
    """Which list to export, and of which days."""

    what = forms.ChoiceField(label="List", choices=[(one.name, one.label) for one in exports.EXPORTS])
    first_day = _day("From", "The first day, in the programme's zone.")
    last_day = _day("To", "The last day; it is part of the period.")

    def clean_first_day(self) -> date:
        return self._known(self.cleaned_data["first_day"])

    def clean_last_day(self) -> date:
        return self._known(self.cleaned_data["last_day"])

    def clean(self) -> None:
        super().clean()
        first, last = self.cleaned_data.get("first_day"), self.cleaned_data.get("last_day")
        if first and last and last < first:
            self.add_error("last_day", "The last day lies before the first. Swap them.")

    @property
    def period(self) -> exports.Period:
        return exports.Period(self.cleaned_data["first_day"], self.cleaned_data["last_day"])

    @staticmethod
    def _known(day: date) -> date:
        if not EARLIEST_YEAR <= day.year <= today().year + 10:
            raise forms.ValidationError("There is nothing from that year. Check the year.")
        return day


def lately() -> dict[str, date]:
    """The period that is offered first: from the first of last month until today."""
    now = today()
    return {"first_day": (now.replace(day=1) - timedelta(days=1)).replace(day=1), "last_day": now}
