"""Attempts to use what anybody may do, as a sponsor or a payer, until it harms somebody else."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from pytest_django import Settings

from certification.kernel import clock
from certification.kernel.errors import BadInput, NotAllowed
from certification.kernel.models import OutboxMessage
from payments import services
from payments.models import PurchaseOrder, PurchaseOrderFile
from payments.purchase_files import MOST_FILES
from payments.services.purchase_orders import MOST_UNDECIDED
from payments.services.rosters import MOST_CODES_SENT
from tests.factories import payments as make
from tests.factories import sponsors
from tests.factories.accounts import signed_in
from tests.factories.payments import NOW
from tests.factories.sponsors import OFFER

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("offers_on_sale")]


@pytest.fixture
def offers_on_sale(monkeypatch: pytest.MonkeyPatch) -> None:
    from payments import offers

    monkeypatch.setattr(offers, "_providers", [sponsors.on_sale])


@pytest.fixture(autouse=True)
def _now(settings: Settings) -> Iterator[None]:
    settings.MFA_REQUIRED = False
    with clock.fixed(NOW):
        yield


def test_one_sponsor_does_not_fill_the_desk() -> None:
    by = sponsors.sponsor()
    first, *_ = [sponsors.ordered_seats(1, by=by, number=f"PO-{number}") for number in range(MOST_UNDECIDED)]
    with pytest.raises(NotAllowed, match="wait for an answer"):
        sponsors.ordered_seats(1, by=by, number="PO-more")
    assert sponsors.ordered_seats(1, by=by, number="PO-0") == first, "the same one again is still one request"
    assert sponsors.ordered_seats(1, number="PO-more").order.payer != by, "another sponsor's are not counted"
    services.decline_purchase_order(purchase_order_id=first.pk, by=make.office(), reason="No.", now=NOW)
    sponsors.ordered_seats(1, by=by, number="PO-more")


def test_files_for_one_purchase_order_come_to_an_end() -> None:
    by = sponsors.sponsor()

    def send(number: int) -> PurchaseOrder:
        document = sponsors.document(sponsors.pdf() + b"%" * number)
        return services.request_seats(
            offer_id=OFFER.id, by=by, how_many=1, details=make.details(), now=NOW, document=document
        )

    for number in range(MOST_FILES):
        send(number)
    with pytest.raises(BadInput, match="files came with this purchase order"):
        send(MOST_FILES)
    assert PurchaseOrderFile.objects.count() == MOST_FILES
    send(0)  # one that came already


def test_one_seat_does_not_write_to_any_number_of_strangers() -> None:
    request = sponsors.accepted_seats(2)
    seat, other = request.all_seats.order_by("number")

    def name(stranger: str) -> None:
        services.change_seat(
            seat_id=seat.pk, by=request.order.payer, name="You won", email=f"{stranger}@example.org", now=NOW
        )

    for number in range(MOST_CODES_SENT):
        name(f"stranger{number}")
    with pytest.raises(NotAllowed, match="was mailed to"):
        name("one.more")
    services.change_seat(seat_id=seat.pk, by=request.order.payer, name="", email="", now=NOW)
    with pytest.raises(NotAllowed, match="was mailed to"):
        services.upload_roster(
            purchase_order_id=request.pk,
            by=request.order.payer,
            content=b"name,email\nYou won,one.more@example.org\n",
            now=NOW,
        )
    assert OutboxMessage.objects.filter(kind="seat code").count() == MOST_CODES_SENT
    seat.refresh_from_db()
    assert (seat.email, other.email) == ("", "")


@pytest.mark.parametrize("breaks", ["\n\n", "\r\n", "\u2028", "\x0b", "\u202e"])
def test_names_on_a_purchase_order_stay_on_one_line_in_the_mails(breaks: str) -> None:
    order = make.order()
    typed = {
        "number": f"PO{breaks}1",
        "organisation": f"Lake{breaks}Your account is locked: https://evil.example",
        "billing_name": f"Bea{breaks}Ledger",
        "billing_email": "bea@example.org",
        "billing_address": "1 Road\nLakeside",
        "file": SimpleUploadedFile("po.pdf", sponsors.pdf()),
    }
    answer = signed_in(order.payer).post(reverse("payments:purchase_order", args=[order.pk]), typed)
    assert answer.status_code == 302
    request = order.purchase_orders.get()
    written = (request.number, request.organisation, request.billing_name)
    assert written == ("PO 1", "Lake Your account is locked: https://evil.example", "Bea Ledger")


def test_a_name_of_nothing_that_prints_is_asked_for_again() -> None:
    order = make.order()
    typed = {
        "number": "\u200b",
        "organisation": "Lake",
        "billing_name": "Bea",
        "billing_email": "bea@example.org",
        "billing_address": "1 Road",
        "file": SimpleUploadedFile("po.pdf", sponsors.pdf()),
    }
    answer = signed_in(order.payer).post(reverse("payments:purchase_order", args=[order.pk]), typed)
    assert "Give the purchase order&#x27;s number." in answer.text
    assert not order.purchase_orders.exists()
