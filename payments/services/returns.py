"""Recording that money which is no fee went back to whoever paid it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Q

from accounts.models import User
from certification.kernel import audit
from certification.kernel.errors import BadInput, NotAllowed
from payments import locks, money, notices
from payments.models import LedgerRow
from payments.states import TRANSFER, LedgerKind

from .staff import require_staff

_LONGEST_REFERENCE = 120


@transaction.atomic
def record_return(
    *, ledger_row_id: UUID, by: User, reference: str, returned_at: datetime, now: datetime
) -> LedgerRow:
    """Enter that a sum to return was returned, at the bank or at the provider.  The same twice is once.

    The money is moved there by a person; here it is written down, as a negative row that names the row
    it came in with.  What a bank took back of it in disputes is not returned once more.

    Raises:
        LedgerRow.DoesNotExist: there is no such row.
        NotAllowed: `by` is not staff, the row is a fee, it was returned under another reference, or a
            bank took all of it back.
        BadInput: the reference or the day cannot be right.
    """
    require_staff(by)
    order = locks.order(LedgerRow.objects.values_list("order_id", flat=True).get(pk=ledger_row_id))
    row = LedgerRow.objects.get(pk=ledger_row_id)
    if row.kind != LedgerKind.TO_RETURN:
        raise NotAllowed("Only money that is to be returned can be recorded as returned; a fee is kept.")
    reference = reference.strip()
    if (known := row.went_back.filter(kind=LedgerKind.RETURNED).first()) is not None:
        return _the_same(known, reference)
    left_minor = row.left_minor
    if left_minor <= 0:
        raise NotAllowed("This money was taken back in a dispute already. Nothing is left to return.")
    _require_plausible(row, reference=reference, returned_at=returned_at, now=now)
    returned = LedgerRow.objects.create(
        order=order,
        kind=LedgerKind.RETURNED,
        gateway=row.gateway,
        provider_ref=reference,
        about=row,
        amount_minor=-left_minor,
        currency=row.currency,
        received_at=returned_at,
        note=f"Returned. {row.note}"[:200],
    )
    notices.money_returned(returned)
    audit.record(
        actor=by,
        action="recorded money returned",
        subject=order,
        detail={
            "ledger_row": str(row.pk),
            "reference": reference,
            "amount_minor": left_minor,
            "currency": row.currency,
            "returned_at": returned_at.isoformat(),
        },
    )
    return returned


def _the_same(known: LedgerRow, reference: str) -> LedgerRow:
    if known.provider_ref != reference:
        raise NotAllowed(
            f"{money.spoken(-known.amount_minor, known.currency)} was recorded as returned already, "
            f"under “{known.provider_ref}”. It is returned once."
        )
    return known


def _require_plausible(row: LedgerRow, *, reference: str, returned_at: datetime, now: datetime) -> None:
    if not reference:
        raise BadInput("Give the reference by which the returned money can be found again.")
    if len(reference) > _LONGEST_REFERENCE or "\0" in reference:
        raise BadInput(f"A reference has at most {_LONGEST_REFERENCE} characters, and they can be typed.")
    if returned_at > now:
        raise BadInput("The day on which the money was returned cannot lie in the future.")
    if returned_at < row.received_at:
        raise BadInput("The money cannot have been returned before it came in.")
    # A bank's reference names a transfer, which may carry several sums; a provider's names one.
    taken = LedgerRow.objects.filter(gateway=row.gateway, provider_ref=reference)
    if row.gateway == TRANSFER:
        taken = taken.filter(Q(order=row.order), kind=LedgerKind.RETURNED)
    if taken.exists():
        raise BadInput(f"“{reference}” stands in the ledger already. Give this return its own reference.")
