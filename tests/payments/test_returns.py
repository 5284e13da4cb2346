"""Money that is no fee goes back once, and the ledger says under which reference."""

from __future__ import annotations

from datetime import timedelta

import pytest

from accounts.models import Role
from certification.kernel.errors import BadInput, NotAllowed
from certification.kernel.models import AuditEvent, OutboxMessage
from payments import services
from payments.gateways import PaymentStatus
from payments.models import LedgerRow
from payments.states import LedgerKind
from tests.factories import payments as make
from tests.factories.payments import NOW

from .second_provider import SecondProvider

pytestmark = pytest.mark.django_db

LATER = NOW + timedelta(days=2)


@pytest.fixture
def row(second: SecondProvider) -> LedgerRow:
    """A sum to return: more came in than was owed."""
    return _to_return(second)


def _to_return(second: SecondProvider) -> LedgerRow:
    attempt = make.attempt(make.order(), gateway="second")
    second.decide(attempt.provider_ref, PaymentStatus.SUCCEEDED, amount_minor=60_000)
    services.check_attempt(attempt_id=attempt.pk, now=NOW)
    return attempt.order.ledger.get()


def _return(row: LedgerRow, **given: object) -> LedgerRow:
    values = {"by": make.office(), "reference": "re_1", "returned_at": LATER, "now": LATER} | given
    return services.record_return(ledger_row_id=row.pk, **values)  # type: ignore[arg-type]


def test_returned_money_is_a_row_of_its_own_that_names_the_one_it_came_in_with(row: LedgerRow) -> None:
    returned = _return(row)
    assert (returned.kind, returned.amount_minor, returned.currency) == (LedgerKind.RETURNED, -60_000, "USD")
    assert (returned.about, returned.provider_ref) == (row, "re_1")
    assert returned.received_at == LATER
    assert sum(row.order.ledger.values_list("amount_minor", flat=True)) == 0


def test_recording_it_twice_is_once_and_audited_once(row: LedgerRow) -> None:
    assert _return(row) == _return(row, reference=" re_1 ")
    assert LedgerRow.objects.count() == 2
    event = AuditEvent.objects.get(action="recorded money returned")
    assert event.detail["amount_minor"] == 60_000


def test_the_payer_is_told_when_money_came_in_that_is_not_kept_and_when_it_went_back(row: LedgerRow) -> None:
    told = OutboxMessage.objects.get(subject="We will send $600.00 USD back")
    assert told.recipient == row.order.payer.email
    assert row.note in told.body
    _return(row)
    _return(row)
    gone = OutboxMessage.objects.get(subject="We sent $600.00 USD back")
    assert "re_1" in gone.body


def test_one_sum_is_not_returned_under_two_references(row: LedgerRow) -> None:
    _return(row)
    with pytest.raises(NotAllowed, match="under “re_1”"):
        _return(row, reference="re_2")


def test_a_fee_is_kept() -> None:
    fee = make.paid_order().ledger.get()
    with pytest.raises(NotAllowed, match="a fee is kept"):
        _return(fee)


@pytest.mark.parametrize("role", [Role.CANDIDATE, Role.SPONSOR, Role.SCORER])
def test_only_staff_say_that_money_was_returned(row: LedgerRow, role: Role) -> None:
    with pytest.raises(NotAllowed, match="staff"):
        _return(row, by=make.payer(role=role))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"reference": "  "}, "reference"),
        ({"reference": "x" * 121}, "120 characters"),
        ({"reference": "re\0"}, "typed"),
        ({"returned_at": LATER + timedelta(seconds=1)}, "future"),
        ({"returned_at": NOW - timedelta(days=1)}, "before it came in"),
    ],
)
def test_what_cannot_be_right_is_refused(row: LedgerRow, given: dict[str, object], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        _return(row, **given)
    assert LedgerRow.objects.count() == 1


def test_one_reference_of_a_provider_returns_one_sum(second: SecondProvider) -> None:
    first, other = _to_return(second), _to_return(second)
    _return(first)
    for taken in ("re_1", other.provider_ref):
        with pytest.raises(BadInput, match="its own reference"):
            _return(other, reference=taken)


def test_one_bank_transfer_may_return_the_money_of_several_orders() -> None:
    staff = make.office()
    for _ in range(2):
        order = make.accepted_order(staff=staff)
        services.record_transfer(
            order_id=order.pk, by=staff, amount_minor=60_000, reference="T-1", received_at=NOW, now=NOW
        )
        _return(order.ledger.get(kind=LedgerKind.TO_RETURN), reference="T-9")
    assert LedgerRow.objects.filter(kind=LedgerKind.RETURNED).count() == 2
