"""Every way to pay, in a browser, with the providers' servers played on the other side of the wire."""

from __future__ import annotations

from collections.abc import Iterator
from copy import deepcopy
from typing import TYPE_CHECKING

import pytest
from csp.constants import SELF
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from accounts.models import Role
from candidates.models import Candidacy
from certification.kernel import clock, reconcile
from payments.gateways import stripe_checkout
from payments.models import Order, PurchaseOrder, Seat
from payments.states import TRANSFER, AttemptState
from portfolio.frameworks import load_frameworks
from tests.factories import candidates
from tests.factories.accounts import person
from tests.factories.candidates import REGISTERING
from tests.factories.sponsors import pdf
from tests.fakes.paypal_server import FakePayPal
from tests.fakes.peer import Fault
from tests.fakes.stripe_server import FakeStripe
from tests.payments.gateways.drivers import PayPalDriver, StripeDriver

from .paying import (
    CARD_OF_A_SLOW_BANK,
    DECLINED_CARD,
    FEE,
    Books,
    Stage,
    accept,
    approve_and_vanish,
    books,
    download,
    main,
    open_waiting,
    read_document,
    record_money,
    type_card,
    type_card_and_vanish,
    upload,
    write_purchase_order,
)
from .steps import Visit, create_account, mailed_link, register

if TYPE_CHECKING:
    from playwright.sync_api import Page

pytestmark = pytest.mark.django_db(transaction=True)

PAID_AT_STRIPE = Books("settled", (("fee", "stripe", FEE),), ("C10-0001",))
PAID_AT_PAYPAL = Books("settled", (("fee", "paypal", FEE),), ("C10-0001",))
DISTRICT = "Lakeside Unified School District"


@pytest.fixture
def stage(visit: Visit, live_server: LiveServer, settings: Settings) -> Iterator[Stage]:
    """Both providers are on, as on a real site, and the sandbox is not."""
    load_frameworks()
    cohort = candidates.cohort()
    clock.travel_to(REGISTERING)
    hooks = f"{live_server.url}/payments/webhooks"
    with (
        FakeStripe(webhook_url=f"{hooks}/stripe/") as stripe,
        FakePayPal(webhook_url=f"{hooks}/paypal/") as paypal,
    ):
        for peer in (stripe, paypal):
            peer.set_now(REGISTERING.isoformat())
            peer.set_delivery(automatic=False)
        switched = {**StripeDriver.settings(stripe.url), **PayPalDriver.settings(paypal.url)}
        for name, value in switched.items():
            setattr(settings, name, value)
        settings.PAYMENT_SANDBOX = False
        policy = deepcopy(settings.CONTENT_SECURITY_POLICY)
        policy["DIRECTIVES"]["form-action"] = [SELF, stripe.url, paypal.url]
        settings.CONTENT_SECURITY_POLICY = policy
        yield Stage(visit, live_server.url, cohort, stripe, paypal)
    clock.travel_back()


# ---- online ----


def test_a_coach_signs_up_registers_and_pays_by_card(stage: Stage) -> None:
    coach = stage.visit("coach")
    coach.goto("/register/")
    coach.get_by_role("link", name="Create an account").click()
    create_account(coach, "odalys@brightwater.example")
    register(coach, name="Odalys Núñez-Brightwater", school="Brightwater Elementary", district="Brightwater")
    order = Order.objects.get()
    assert books(order) == Books("open")

    coach.get_by_role("button", name="Credit card").click()
    assert coach.url.startswith(f"{stage.stripe.url}/c/pay/")
    type_card(coach)

    coach.wait_for_url(f"{stage.url}/**")
    assert "Thank you, it is paid" in main(coach)
    assert books(order) == PAID_AT_STRIPE
    assert "Odalys" in read_document(coach, "REC-2026-0001")
    coach.goto("/dashboard/")
    assert "C10-0001" in main(coach)

    assert stage.stripe.deliver(copies=2) == {(True, 200): 2}, "told late and twice"
    reconcile.run_all()
    assert books(order) == PAID_AT_STRIPE
    assert mailed_link("odalys@brightwater.example", "/payments/documents/")


def test_a_candidate_approves_at_paypal_and_is_paid(stage: Stage) -> None:
    candidate, order = stage.candidate("candidate")

    candidate.get_by_role("button", name="PayPal").click()
    assert candidate.url.startswith(f"{stage.paypal.url}/checkoutnow")
    assert books(order) == Books("checking")
    candidate.get_by_role("button", name="Approve").click()

    candidate.wait_for_url(f"{stage.url}/**")
    assert "Thank you, it is paid" in main(candidate)
    assert books(order) == PAID_AT_PAYPAL
    candidate.goto("/dashboard/")
    assert "C10-0001" in main(candidate)

    told = stage.paypal.deliver()
    assert set(told) == {(True, 200)}
    reconcile.run_all()
    assert books(order) == PAID_AT_PAYPAL


def test_a_declined_card_then_paypal_is_paid_once(stage: Stage) -> None:
    candidate, order = stage.candidate("candidate")
    candidate.get_by_role("button", name="Credit card").click()
    stripes_page = candidate.url
    type_card(candidate, DECLINED_CARD)
    assert "Your card was declined" in candidate.get_by_role("alert").inner_text()

    candidate.get_by_role("link", name="Back").click()
    assert "You came back without paying" in main(candidate)
    assert "failed" not in main(candidate)
    candidate.get_by_role("button", name="PayPal").click()
    candidate.get_by_role("button", name="Approve").click()
    candidate.wait_for_url(f"{stage.url}/**")
    assert "Thank you, it is paid" in main(candidate)

    reconcile.run_all()
    candidate.goto(stripes_page)
    assert "This page is closed" in candidate.locator("h1").inner_text()
    assert [one.state for one in order.attempts.order_by("number")] == [
        AttemptState.EXPIRED,
        AttemptState.SUCCEEDED,
    ]
    assert set(stage.stripe.deliver()) == set(stage.paypal.deliver()) == {(True, 200)}
    reconcile.run_all()
    assert books(order) == PAID_AT_PAYPAL


def test_a_tab_closed_before_paying_goes_on_at_the_same_page(stage: Stage) -> None:
    candidate, order = stage.candidate("at school")
    candidate.get_by_role("button", name="Credit card").click()
    stripes_page = candidate.url
    candidate.close()
    reconcile.run_all()

    candidate = stage.enter("at home", order.payer)
    candidate.goto("/dashboard/")
    candidate.get_by_role("main").locator(f"a[href='{order.get_absolute_url()}']").first.click()
    assert "Your payment page at Stripe is open" in main(candidate)
    assert "failed" not in main(candidate)
    assert candidate.get_by_role("button", name="PayPal").is_visible()
    assert candidate.get_by_role("link", name="Send a purchase order").is_visible()
    candidate.get_by_role("button", name="Go on paying").click()

    assert candidate.url == stripes_page
    type_card(candidate)
    candidate.wait_for_url(f"{stage.url}/**")
    assert len(stage.stripe.sessions) == order.attempts.count() == 1
    assert books(order) == PAID_AT_STRIPE


def test_a_tab_closed_after_paying_whose_message_is_lost_is_found_out(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither the redirect nor the message ever comes, and Stripe is silent for a while."""
    monkeypatch.setattr(stripe_checkout, "MAX_RETRIES", 0)
    candidate, order = stage.candidate("candidate")
    candidate.get_by_role("button", name="Credit card").click()
    type_card_and_vanish(candidate)
    stage.stripe.faults.add(Fault(status=503))

    candidate = stage.visit("candidate")
    candidate.clock.install()
    candidate.goto(order.get_absolute_url())
    candidate.get_by_role("link", name="Ask Stripe now").click()
    assert "We are checking with Stripe" in main(candidate)
    assert "do not pay again" in main(candidate)
    assert "failed" not in main(candidate)
    reconcile.run_all()
    assert books(order) == Books("checking")

    stage.stripe.faults.clear()
    reconcile.run_all()
    assert books(order) == PAID_AT_STRIPE
    candidate.clock.fast_forward("00:10")
    candidate.get_by_text("Thank you, it is paid").wait_for()


def test_a_bank_that_answers_later_is_waited_for(stage: Stage) -> None:
    candidate, order = stage.candidate("candidate")
    candidate.clock.install()
    candidate.get_by_role("button", name="Credit card").click()
    stripes_page = candidate.url
    type_card(candidate, CARD_OF_A_SLOW_BANK)

    candidate.wait_for_url(f"{stage.url}/**")
    assert "We are checking with Stripe" in main(candidate)
    assert "failed" not in main(candidate)
    assert not candidate.get_by_role("button", name="PayPal").is_visible()
    assert not candidate.get_by_role("button", name="Go on paying").is_visible()
    assert books(order) == Books("checking")

    stage.stripe.bank_answers(stripes_page.rpartition("/")[2], approved=True)
    reconcile.run_all()
    candidate.clock.fast_forward("00:10")
    candidate.get_by_text("Thank you, it is paid").wait_for()
    assert books(order) == PAID_AT_STRIPE


def test_stripes_message_alone_enrols(stage: Stage) -> None:
    """The payer never comes back, and the reconciler that asks about everybody does not run."""
    candidate, order = stage.candidate("candidate")
    candidate.get_by_role("button", name="Credit card").click()
    type_card_and_vanish(candidate)
    assert books(order) == Books("checking")

    assert stage.stripe.deliver() == {(True, 200): 1}
    reconcile.run("payments.handle_events")
    assert books(order) == PAID_AT_STRIPE


def test_paypals_message_alone_collects_and_enrols(stage: Stage) -> None:
    candidate, order = stage.candidate("candidate")
    candidate.get_by_role("button", name="PayPal").click()
    approve_and_vanish(candidate)
    assert books(order) == Books("checking")

    assert stage.paypal.deliver() == {(True, 200): 1}
    reconcile.run("payments.handle_events")
    assert books(order) == PAID_AT_PAYPAL


# ---- by purchase order ----


def test_a_purchase_order_is_asked_back_corrected_accepted_and_paid_in_parts(stage: Stage) -> None:
    candidate, order = stage.candidate("candidate")
    office = stage.enter("office", person(role=Role.STAFF, full_name="Olive Office"))
    sent = pdf()
    candidate.get_by_role("link", name="Send a purchase order").click()
    write_purchase_order(candidate, number="PO-77", organisation=DISTRICT, pdf=sent)
    candidate.get_by_role("button", name="Send the purchase order").click()
    assert "Your purchase order is with our staff" in main(candidate)

    open_waiting(office, "PO-77")
    assert download(office, "PO-77.pdf") == sent
    office.get_by_role("link", name="Ask back").click()
    office.get_by_label("Question").fill("Page 2 with the signature is missing. Is the number right?")
    office.get_by_role("button", name="Ask its sender").click()

    candidate.reload()
    assert "Page 2 with the signature is missing" in main(candidate)
    candidate.get_by_role("link", name="Correct it and send it again").click()
    assert candidate.get_by_label("Organisation").input_value() == DISTRICT
    candidate.get_by_label("Purchase order number").fill("PO-78")
    candidate.locator("input[type=file]").set_input_files(upload("signed.pdf", pdf(2)))
    candidate.get_by_role("button", name="Send it again").click()
    assert books(order) == Books("open")

    accept(office, "PO-78")
    assert books(order) == Books("accepted", (), ("C10-0001",))
    candidate.goto("/dashboard/")
    assert "C10-0001" in main(candidate)
    candidate.goto(order.get_absolute_url())
    assert "PO-78" in read_document(candidate, "INV-2026-0001")

    for amount, reference, day in (
        ("200.00", "CHK-1001", "2026-11-30"),
        ("300.00", "CHK-1002", "2026-12-01"),
    ):
        assert books(order).order == "accepted"
        record_money(office, "PO-78", amount=amount, reference=reference, received_on=day)

    both = (("fee", TRANSFER, 20_000), ("fee", TRANSFER, 30_000))
    assert books(order) == Books("settled", both, ("C10-0001",))
    candidate.reload()
    assert "Thank you, it is paid" in main(candidate)
    assert "$200.00 USD, 30 November 2026\n" in main(candidate), "a statement tells the day and no hour"
    receipt = read_document(candidate, "REC-2026-0001")
    assert all(words in receipt for words in ("PO-78", "CHK-1001", "CHK-1002", "Amélie Sørensen-Okafor"))


# ---- a district ----

COACHES = ("Ada Reyes", "Bo Lindqvist", "Chidi Umeh", "Dalia Haddad", "Emi Tanaka")
ROSTER = "Name,E-mail\n" + "".join(f"{name},{name.split()[0].lower()}@lakeside.example\n" for name in COACHES)
BROKEN_ROSTER = ROSTER.replace("bo@lakeside.example", "").replace("dalia@", "ada@")


def test_a_district_pays_for_five_coaches(stage: Stage) -> None:
    sponsor = stage.visit("sponsor")
    office = stage.enter("office", person(role=Role.STAFF, full_name="Olive Office"))
    _become_a_sponsor(stage)
    _order_five_places(stage)
    request = PurchaseOrder.objects.get()
    codes = _hand_in_the_roster(stage)

    # The first coach is quicker than staff, and types the code from a note.
    ada, ada_order = stage.candidate("Ada", "Ada Reyes")
    _type_code(ada, codes["Ada Reyes"])
    assert f"A seat of {DISTRICT} is reserved for you" in main(ada)
    assert books(ada_order) == Books("open")

    accept(office, "LUSD-2027-14")
    reconcile.run_all()
    ada.reload()
    assert "Your seat is paid for" in main(ada)
    assert books(ada_order) == Books("seated", (), ("C10-0001",))

    # The second knows nothing but the mail.
    bo = stage.visit("Bo")
    bo.goto(mailed_link("bo@lakeside.example", "/payments/seats/"))
    bo.get_by_role("link", name="Create an account").click()
    create_account(bo, "bo@lakeside.example")
    register(bo, name="Bo Lindqvist", school="Lakeside Middle School", district=DISTRICT)
    bo.get_by_role("button", name="Take the seat").click()
    assert "Your seat is paid for" in main(bo)

    # The third has registered before the mail came.
    chidi, _ = stage.candidate("Chidi", "Chidi Umeh")
    chidi.goto(mailed_link("chidi@lakeside.example", "/payments/seats/"))
    chidi.get_by_role("link", name="Go to the payment").click()
    chidi.get_by_role("button", name="Take the seat").click()
    assert "Your seat is paid for" in main(chidi)

    for name in ("Dalia Haddad", "Emi Tanaka"):
        coach, _ = stage.candidate(name, name)
        _type_code(coach, codes[name].lower().replace("-", " "))
        assert "Your seat is paid for" in main(coach)

    assert _enrolled() == set(COACHES)
    assert books(request.order) == Books("accepted")
    sponsor.reload()
    assert "5 of 5" in main(sponsor)
    assert "$0.00 of $2,500.00" in main(sponsor)
    assert "C10-000" not in sponsor.content(), "who registered under which number is not the sponsor's"

    record_money(office, "LUSD-2027-14", amount="2500.00", reference="ACH-9", received_on="2026-12-01")
    assert books(request.order) == Books("settled", (("fee", TRANSFER, 5 * FEE),))
    reconcile.run_all()
    assert _enrolled() == set(COACHES)
    sponsor.reload()
    assert "It is paid, thank you" in main(sponsor)
    for number in ("INV-2026-0001", "REC-2026-0001"):
        assert "LUSD-2027-14" in read_document(sponsor, number)

    _sees_nothing_of_its_coaches(stage, ada_order)


def _become_a_sponsor(stage: Stage) -> None:
    sponsor = stage.visit("sponsor")
    sponsor.goto("/for-districts/")
    sponsor.get_by_role("link", name="Create a sponsor account").click()
    create_account(sponsor, "office@lakeside.example")
    assert "You pay for coaches" in main(sponsor)


def _order_five_places(stage: Stage) -> None:
    sponsor = stage.visit("sponsor")
    sponsor.get_by_role("link", name="Order seats").first.click()
    sponsor.get_by_label("Seats", exact=True).fill("5")
    write_purchase_order(sponsor, number="LUSD-2027-14", organisation=DISTRICT, pdf=pdf())
    sponsor.get_by_role("button", name="Send the purchase order").click()
    assert "Your purchase order is with our staff" in main(sponsor)
    assert "0 of 5" in main(sponsor)


def _hand_in_the_roster(stage: Stage) -> dict[str, str]:
    """First with two mistakes, then without.  Returns each coach's code, as the page shows it."""
    sponsor = stage.visit("sponsor")
    _upload_roster(stage, BROKEN_ROSTER)
    for problem in ("Row 3: the e-mail address is missing", "Row 5: “ada@lakeside.example” stands in row 2"):
        assert problem in main(sponsor)
    assert not Seat.objects.exclude(email="").exists(), "all of it is taken over, or nothing"
    _upload_roster(stage, ROSTER)
    assert "5 people have a seat now" in main(sponsor)
    assert not sponsor.get_by_role("button", name="Upload the roster").is_visible(), "all are named"
    rows = {name: sponsor.get_by_role("row").filter(has_text=name) for name in COACHES}
    return {name: row.get_by_role("cell").first.inner_text() for name, row in rows.items()}


def _upload_roster(stage: Stage, csv: str) -> None:
    sponsor = stage.visit("sponsor")
    sponsor.locator("input[type=file]").set_input_files(upload("coaches.csv", csv.encode()))
    sponsor.get_by_role("button", name="Upload the roster").click()


def _type_code(coach: Page, code: str) -> None:
    coach.get_by_label("Code").fill(code)
    coach.get_by_role("button", name="Take the seat").click()


def _enrolled() -> set[str]:
    names = Candidacy.objects.values_list("registration__name_on_certificate", flat=True)
    assert len(names) == len(set(names))
    return set(names)


def _sees_nothing_of_its_coaches(stage: Stage, order: Order) -> None:
    """Every page of a coach is to the sponsor as if it did not exist."""
    sponsor = stage.visit("sponsor")
    for path in (
        "/portfolio/",
        f"/register/{order.purpose_id}/",
        order.get_absolute_url(),
        f"{order.get_absolute_url()}purchase-order/",
    ):
        answer = sponsor.goto(path)
        assert answer is not None
        assert answer.status == 404, path
