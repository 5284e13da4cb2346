"""Purchase orders, the files sent with them, and the seats they pay for.

Source: the programme's rules, section 4.
"""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.files.storage import Storage, storages
from django.db import models
from django.db.models import Q

from certification.kernel import ids
from certification.kernel.states import append_only, frozen_fields, state_is_known, state_machine
from payments import states
from payments.states import PurchaseOrderState, SeatState

from .orders import Order


def originals() -> Storage:
    return storages["identity"]


def last_day_before(due_at: datetime) -> date:
    """The programme's last civil day that holds an instant before `due_at`."""
    return (due_at - datetime.resolution).astimezone(ZoneInfo(settings.PROGRAMME_ZONE)).date()


class PurchaseOrder(models.Model):
    """A request to pay by invoice.  Personal data: a billing contact's name, e-mail and address."""

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="purchase_orders")
    number = models.CharField("purchase order number", max_length=60)
    seats = models.PositiveSmallIntegerField(
        default=1, help_text="How many candidates it pays for; one means the payer alone."
    )
    organisation = models.CharField(max_length=150)
    billing_name = models.CharField("billing contact", max_length=150)
    billing_email = models.EmailField("billing e-mail")
    billing_address = models.TextField("billing address")
    state = models.CharField(max_length=20, choices=PurchaseOrderState, default=PurchaseOrderState.REQUESTED)
    requested_at = models.DateTimeField()
    decided_at = models.DateTimeField(null=True, blank=True)
    decided_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    decision_reason = models.CharField(
        max_length=300,
        blank=True,
        help_text="Why it was declined or cancelled, or what its sender is asked.",
    )
    due_at = models.DateTimeField(
        null=True, blank=True, help_text="Of an accepted one: it is overdue from then on."
    )

    class Meta:
        ordering = ["-requested_at"]
        constraints = [
            state_is_known(PurchaseOrderState, name="purchase_order_state_known"),
            models.UniqueConstraint(
                fields=["order"],
                condition=Q(state__in=sorted(states.LIVE_PURCHASE_ORDERS)),
                name="purchase_order_one_live_per_order",
            ),
            models.CheckConstraint(
                condition=Q(state=PurchaseOrderState.REQUESTED)
                | Q(decided_at__isnull=False, decided_by__isnull=False),
                name="purchase_order_decision_signed",
                violation_error_message="A decided purchase order needs who decided it, and when.",
            ),
            models.CheckConstraint(
                condition=~Q(
                    state__in=[
                        PurchaseOrderState.ASKED_BACK,
                        PurchaseOrderState.DECLINED,
                        PurchaseOrderState.CANCELLED,
                    ]
                )
                | ~Q(decision_reason=""),
                name="purchase_order_refused_with_reason",
                violation_error_message=(
                    "Asking back, declining or cancelling a purchase order needs a reason "
                    "for the person who sent it."
                ),
            ),
            models.CheckConstraint(
                condition=~Q(state=PurchaseOrderState.ACCEPTED) | Q(due_at__isnull=False),
                name="purchase_order_accepted_has_due_date",
                violation_error_message="An accepted purchase order needs the day its money is due.",
            ),
            models.CheckConstraint(condition=Q(seats__gte=1), name="purchase_order_has_a_seat"),
        ]
        triggers = state_machine(states.PURCHASE_ORDER_ALLOWED, initial=[PurchaseOrderState.REQUESTED])

    def __str__(self) -> str:
        return f"{self.number} of {self.organisation}"

    @property
    def due_on(self) -> date | None:
        """The last day to pay, in the programme's zone, as the invoice names it."""
        return last_day_before(self.due_at) if self.due_at else None


class PurchaseOrderFile(models.Model):
    """The document behind a purchase order, as it was sent; a corrected one is a new row.

    Personal data: whatever the purchasing office wrote on it.
    """

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    purchase_order = models.ForeignKey(PurchaseOrder, on_delete=models.PROTECT, related_name="files")
    file = models.FileField(storage=originals, max_length=200)
    name = models.CharField(max_length=200, help_text="As its sender called it; never used as a path.")
    content_type = models.CharField(max_length=60)
    size = models.PositiveIntegerField()
    sha256 = models.CharField(max_length=64)
    uploaded_at = models.DateTimeField()

    class Meta:
        ordering = ["uploaded_at"]
        constraints = [
            models.UniqueConstraint(fields=["purchase_order", "sha256"], name="purchase_order_file_once"),
        ]
        triggers = append_only()

    def __str__(self) -> str:
        return self.name


class Seat(models.Model):
    """What pays for one candidate on a sponsor's purchase order, taken with its code.

    Personal data: the name and e-mail address the sponsor wrote on the roster.
    """

    id = models.UUIDField(primary_key=True, default=ids.uuid, editable=False)
    purchase_order = models.ForeignKey(PurchaseOrder, on_delete=models.PROTECT, related_name="all_seats")
    number = models.PositiveSmallIntegerField()
    code = models.CharField(max_length=20, unique=True)
    name = models.CharField(max_length=150, blank=True)
    email = models.EmailField(blank=True)
    state = models.CharField(max_length=20, choices=SeatState, default=SeatState.FREE)
    order = models.OneToOneField(
        Order,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        related_name="seat",
        help_text="The candidate's order it pays for.",
    )
    claimed_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["purchase_order", "number"]
        constraints = [
            state_is_known(SeatState, name="seat_state_known"),
            models.UniqueConstraint(fields=["purchase_order", "number"], name="seat_number_unique"),
            models.CheckConstraint(
                condition=Q(state=SeatState.CLAIMED, order__isnull=False, claimed_at__isnull=False)
                | (~Q(state=SeatState.CLAIMED) & Q(order__isnull=True, claimed_at__isnull=True)),
                name="seat_claimed_has_order",
                violation_error_message="A claimed seat names the order it pays for, and no other seat does.",
            ),
        ]
        triggers = [
            *state_machine(states.SEAT_ALLOWED, initial=[SeatState.FREE]),
            *frozen_fields("purchase_order", "number", "code"),
        ]

    def __str__(self) -> str:
        return f"seat {self.number} of {self.purchase_order}"
