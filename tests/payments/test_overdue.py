"""Money that does not come in time is reminded of: at once, after two weeks, then every month."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.test import Client

from certification.kernel import clock, reconcile
from certification.kernel.models import OutboxMessage
from payments import selectors, services
from payments.documents import facts, pdf
from payments.models import PurchaseOrder
from payments.services.decisions import due_at
from tests.factories import payments as make
from tests.factories import sponsors
from tests.factories.payments import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("offers_on_sale")]

DUE = due_at(NOW)


def _remind(at: datetime) -> int:
    counts = reconcile.run("payments.remind_overdue", at)
    assert counts is not None
    return counts["reminded"]


def _pay(request: PurchaseOrder, amount_minor: int) -> None:
    services.record_transfer(
        order_id=request.order_id,
        by=make.office(),
        amount_minor=amount_minor,
        reference=f"T-{amount_minor}",
        received_at=NOW,
        now=NOW,
    )


def test_the_day_the_invoice_names_is_the_last_day_on_which_it_is_not_overdue() -> None:
    # Twenty minutes to midnight in the programme's zone, when it is the next day already in UTC.
    late_evening = datetime(2026, 12, 2, 5, 40, tzinfo=UTC)
    request = sponsors.accepted_seats(1, now=late_evening)
    printed = pdf.page_of(facts.from_data(request.documents.get().data)).particulars
    assert ("Due", "31 December 2026") in printed
    assert request.due_on == date(2026, 12, 31)
    midnight = datetime(2027, 1, 1, 6, tzinfo=UTC)
    assert request.due_at == midnight
    assert list(selectors.overdue(midnight - timedelta(microseconds=1))) == []
    assert list(selectors.overdue(midnight)) == [request]
    _remind(midnight)
    (mail, _) = OutboxMessage.objects.filter(subject__startswith="Reminder")
    assert "31 December 2026, 23:59 CST" in mail.body


def test_a_day_to_pay_is_a_civil_day_across_a_change_of_the_clocks() -> None:
    # Accepted in winter, due in summer: the day ends at its own midnight, an hour earlier in UTC.
    assert due_at(datetime(2027, 3, 1, 18, tzinfo=UTC)) == datetime(2027, 4, 1, 5, tzinfo=UTC)


def test_an_invoice_is_overdue_from_its_instant_on_and_says_what_is_missing() -> None:
    request = sponsors.accepted_seats(2)
    _pay(request, 30_000)
    assert list(selectors.overdue(DUE - timedelta(microseconds=1))) == []
    late = selectors.with_outstanding(selectors.overdue(DUE))
    assert [(one, one.received_minor, one.outstanding_minor) for one in late] == [(request, 30_000, 70_000)]


def test_reminders_go_out_by_the_calendar_each_once() -> None:
    sponsors.accepted_seats(2)
    days = [-1, 0, 0, 13, 14, 14, 43, 44, 73, 74]
    assert [_remind(DUE + timedelta(days=day)) for day in days] == [0, 1, 0, 0, 1, 0, 0, 1, 0, 1]


def test_after_an_outage_one_reminder_goes_out_and_not_all_that_were_missed() -> None:
    sponsors.accepted_seats(2)
    assert [_remind(DUE + timedelta(days=200)) for _ in range(2)] == [1, 0]
    assert OutboxMessage.objects.filter(subject__startswith="Reminder").count() == 2


def test_sponsor_and_billing_contact_are_told_the_sum_and_the_day() -> None:
    request = sponsors.accepted_seats(2)
    _pay(request, 30_000)
    _remind(DUE)
    mails = OutboxMessage.objects.filter(subject__startswith="Reminder")
    assert set(mails.values_list("recipient", flat=True)) == {
        request.order.payer.email,
        request.billing_email,
    }
    for mail in mails:
        assert "$700.00 USD" in mail.body
        assert "PO-77" in mail.body
        assert "Invoice INV-2026-0001 says how to pay" in mail.body


def test_the_billing_contact_opens_the_invoice_from_the_reminder(client: Client) -> None:
    request = sponsors.accepted_seats(1)
    _remind(DUE)
    mail = OutboxMessage.objects.get(subject__startswith="Reminder", recipient=request.billing_email)
    link = mail.body.split()[-1]
    assert request.order.get_absolute_url() not in mail.body
    with clock.fixed(DUE):
        assert client.get(link)["Content-Type"] == "application/pdf"


def test_a_billing_contact_who_is_the_sponsor_gets_one_mail() -> None:
    by = sponsors.sponsor()
    request = sponsors.accepted_seats(1, by=by)
    PurchaseOrder.objects.filter(pk=request.pk).update(billing_email=by.email.upper())
    _remind(DUE)
    assert OutboxMessage.objects.filter(subject__startswith="Reminder").count() == 1


def test_a_candidates_own_purchase_order_is_reminded_of_too() -> None:
    make.accepted_order(staff=make.office())
    assert _remind(DUE + timedelta(hours=1)) == 1


def test_what_is_paid_cancelled_or_undecided_is_not_reminded_of() -> None:
    _pay(sponsors.accepted_seats(1), 50_000)
    cancelled = sponsors.accepted_seats(1)
    services.cancel_purchase_order(purchase_order_id=cancelled.pk, by=make.office(), reason="No.", now=NOW)
    sponsors.ordered_seats()
    assert _remind(DUE + timedelta(days=1)) == 0
