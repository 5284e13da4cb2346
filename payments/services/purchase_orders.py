"""Purchase orders from their sender's side: handed in, and corrected when staff ask back."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.urls import reverse

from accounts.models import Role, User
from certification.kernel import audit, ids
from certification.kernel.errors import BadInput, NotAllowed
from certification.kernel.states import require
from payments import locks, notices, offers, purchase_files
from payments.models import Order, PurchaseOrder, Seat
from payments.purchase_files import Document, Keeper
from payments.states import (
    LIVE_PURCHASE_ORDERS,
    PURCHASE_ORDER_ALLOWED,
    SEATS,
    UNDECIDED_PURCHASE_ORDERS,
    AttemptState,
    OrderState,
    PurchaseOrderState,
)

from . import orders, seats

MOST_UNDECIDED = 20
"""Of one sponsor: anybody may sign up, and staff read each purchase order."""


@dataclass(frozen=True, slots=True)
class PurchaseOrderDetails:
    """What an invoice needs.  Personal data: a billing contact."""

    number: str
    organisation: str
    billing_name: str
    billing_email: str
    billing_address: str


def request_purchase_order(
    *,
    order_id: UUID,
    by: User,
    details: PurchaseOrderDetails,
    now: datetime,
    document: Document | None = None,
) -> PurchaseOrder:
    """Hand in a purchase order for staff to decide.  The same one twice is one request.

    Raises:
        Order.DoesNotExist: there is no such order of this person.
        NotAllowed: it is covered or lapsed, or another way of paying it is undecided.
        WindowClosed: it is too late to begin paying.
    """
    with purchase_files.keeper() as files:
        return _request(order_id, by, details, files, document, now)


def request_seats(
    *,
    offer_id: UUID,
    by: User,
    how_many: int,
    details: PurchaseOrderDetails,
    now: datetime,
    document: Document | None = None,
) -> PurchaseOrder:
    """Order seats for candidates on one purchase order.  The same one twice is one request.

    The seats have their codes at once, so that candidates can claim them while staff decide.

    Raises:
        NotAllowed: `by` is no sponsor, the offer is not on sale any more, or too many others wait.
        BadInput: nobody orders that many seats.
    """
    if by.role != Role.SPONSOR:
        raise NotAllowed("Only a sponsor’s account orders seats. Sign up as somebody who pays for coaches.")
    _require_plausible(how_many)
    with purchase_files.keeper() as files:
        return _request_seats(offer_id, by, how_many, details, files, document, now)


def resend_purchase_order(
    *,
    purchase_order_id: UUID,
    by: User,
    details: PurchaseOrderDetails,
    now: datetime,
    how_many: int | None = None,
    document: Document | None = None,
) -> PurchaseOrder:
    """Answer staff's question with a corrected purchase order.  Sent twice, it is corrected once.

    Another number of seats is another amount, so a new order takes the place of the old one.

    Raises:
        PurchaseOrder.DoesNotExist: there is no such purchase order of this person.
        NotAllowed: staff did not ask, or have decided meanwhile.
        BadInput: fewer seats are asked for than are claimed, or more than anybody orders.
    """
    with purchase_files.keeper() as files:
        return _resend(purchase_order_id, by, details, how_many, files, document, now)


@transaction.atomic
def _request(
    order_id: UUID,
    by: User,
    details: PurchaseOrderDetails,
    files: Keeper,
    document: Document | None,
    now: datetime,
) -> PurchaseOrder:
    order = locks.order(order_id, payer=by)
    live = order.purchase_orders.filter(state__in=LIVE_PURCHASE_ORDERS).first()
    if live is not None and details_of(live) == details:
        if live.state in UNDECIDED_PURCHASE_ORDERS:
            files.keep(live, document, now)
        return live
    orders.require_payable(order, now)
    if live is not None:
        raise NotAllowed(
            f"Purchase order {live.number} is with our staff already. "
            "Wait for their answer, or write to us to correct it."
        )
    if order.attempts.filter(state=AttemptState.PENDING).exists():
        raise NotAllowed(
            "A card payment of yours is still being decided. "
            "Please wait for it, so that you do not pay twice."
        )
    if Seat.objects.filter(order=order).exists():
        raise NotAllowed(
            "A seat somebody else pays for is reserved for you. Give it back before you pay in another way."
        )
    request = PurchaseOrder.objects.create(order=order, requested_at=now, **asdict(details))
    files.keep(request, document, now)
    return request


@transaction.atomic
def _request_seats(
    offer_id: UUID,
    by: User,
    how_many: int,
    details: PurchaseOrderDetails,
    files: Keeper,
    document: Document | None,
    now: datetime,
) -> PurchaseOrder:
    locks.requests_of(by)
    own = PurchaseOrder.objects.filter(
        order__payer=by,
        order__purpose=SEATS,
        order__offer_id=offer_id,
        state=PurchaseOrderState.REQUESTED,
        seats=how_many,
        **asdict(details),
    )
    if (same := own.first()) is not None:
        files.keep(same, document, now)
        return same
    offer = offers.get(offer_id, now)
    if offer is None:
        raise NotAllowed("Seats of this cohort are not on sale any more. Choose another one.")
    _require_few_undecided(by)
    key = ids.uuid()
    order = _open(
        key,
        by,
        offer_id=offer.id,
        title=offer.title,
        how_many=how_many,
        unit_minor=offer.amount_minor,
        currency=offer.currency,
        payable_until=offer.payable_until,
        now=now,
    )
    request = PurchaseOrder.objects.create(
        pk=key, order=order, seats=how_many, requested_at=now, **asdict(details)
    )
    seats.add(request, how_many)
    files.keep(request, document, now)
    notices.purchase_order_received(request)
    audit.record(actor=by, action="ordered seats", subject=request, detail={"seats": how_many})
    return request


@transaction.atomic
def _resend(
    purchase_order_id: UUID,
    by: User,
    details: PurchaseOrderDetails,
    how_many: int | None,
    files: Keeper,
    document: Document | None,
    now: datetime,
) -> PurchaseOrder:
    PurchaseOrder.objects.get(pk=purchase_order_id, order__payer=by)
    order, request = locks.purchase_order(purchase_order_id)
    wanted = request.seats if how_many is None or order.purpose != SEATS else how_many
    if request.state == PurchaseOrderState.REQUESTED and _says(request, details, wanted):
        files.keep(request, document, now)
        return request
    if request.state != PurchaseOrderState.ASKED_BACK:
        raise NotAllowed(
            f"Purchase order {request.number} cannot be corrected: nobody has asked you to. "
            "Write to the programme office if something is wrong."
        )
    _require_plausible(wanted)
    if wanted != request.seats:
        _change_seats(order, request, wanted, now)
    require(PURCHASE_ORDER_ALLOWED, request.state, PurchaseOrderState.REQUESTED, what="This purchase order")
    for name, value in asdict(details).items():
        setattr(request, name, value)
    request.state = PurchaseOrderState.REQUESTED
    request.decided_at = request.decided_by = None
    request.decision_reason = ""
    request.save()
    files.keep(request, document, now)
    audit.record(actor=by, action="corrected purchase order", subject=request, detail={"seats": wanted})
    return request


def details_of(request: PurchaseOrder) -> PurchaseOrderDetails:
    """What its sender wrote."""
    return PurchaseOrderDetails(
        number=request.number,
        organisation=request.organisation,
        billing_name=request.billing_name,
        billing_email=request.billing_email,
        billing_address=request.billing_address,
    )


def _says(request: PurchaseOrder, details: PurchaseOrderDetails, wanted: int) -> bool:
    return details_of(request) == details and request.seats == wanted


def _change_seats(order: Order, request: PurchaseOrder, wanted: int, now: datetime) -> None:
    seats.resize(request, wanted)
    orders.move(order, OrderState.LAPSED)
    request.order = _open(
        request.pk,
        order.payer,
        offer_id=order.offer_id,
        title=_title_of(order),
        how_many=wanted,
        unit_minor=order.amount_minor // request.seats,
        currency=order.currency,
        payable_until=order.payable_until,
        now=now,
    )
    request.seats = wanted


def _open(
    purchase_order_id: UUID,
    payer: User,
    *,
    offer_id: UUID | None,
    title: str,
    how_many: int,
    unit_minor: int,
    currency: str,
    payable_until: datetime,
    now: datetime,
) -> Order:
    seats = "1 seat" if how_many == 1 else f"{how_many} seats"
    return orders.open_order(
        purpose=SEATS,
        purpose_id=purchase_order_id,
        offer_id=offer_id,
        payer=payer,
        description=f"{seats}: {title}"[:200],
        amount_minor=how_many * unit_minor,
        currency=currency,
        payable_until=payable_until,
        return_path=reverse("payments:sponsor_purchase_order", args=[purchase_order_id]),
        now=now,
    )


def _title_of(order: Order) -> str:
    return order.description.partition(": ")[2]


def _require_few_undecided(by: User) -> None:
    waiting = PurchaseOrder.objects.filter(
        order__payer=by, order__purpose=SEATS, state__in=UNDECIDED_PURCHASE_ORDERS
    ).count()
    if waiting >= MOST_UNDECIDED:
        raise NotAllowed(
            f"{waiting} purchase orders of yours wait for an answer. Send the next one when some are decided."
        )


def _require_plausible(how_many: int) -> None:
    if not 1 <= how_many <= offers.LARGEST_REQUEST:
        raise BadInput(
            f"One purchase order pays for 1 to {offers.LARGEST_REQUEST} seats. "
            "Send several purchase orders for more."
        )
