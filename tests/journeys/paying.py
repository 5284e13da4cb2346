"""The stage on which people pay, and what they press there; what the books say afterwards."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pypdfium2
from django.conf import settings

from accounts.models import User
from candidates.models import Candidacy, Cohort
from payments.models import Order
from tests.factories import candidates
from tests.factories.accounts import person, signed_in
from tests.fakes.paypal_server import FakePayPal
from tests.fakes.stripe_server import FakeStripe

from .steps import Visit

if TYPE_CHECKING:
    from playwright.sync_api import FilePayload, Page, Route

GOOD_CARD = "4242 4242 4242 4242"
DECLINED_CARD = "4000 0000 0000 0002"
CARD_OF_A_SLOW_BANK = "4000 0000 0000 0077"

FEE = 50_000


@dataclass(frozen=True)
class Stage:
    """A site in the registration window of one cohort, with both providers on the other side of the wire.

    Messages of the providers go out when a test delivers them.
    """

    visit: Visit
    url: str
    cohort: Cohort
    stripe: FakeStripe
    paypal: FakePayPal

    def enter(self, browser: str, who: User) -> Page:
        """A browser in which somebody is signed in."""
        page = self.visit(browser)
        session = signed_in(who).cookies[settings.SESSION_COOKIE_NAME].value
        page.context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": self.url}])
        return page

    def candidate(self, browser: str, name: str = "Amélie Sørensen-Okafor") -> tuple[Page, Order]:
        """Somebody who has registered, on the page of the order that waits to be paid."""
        registration = candidates.sent(of=person(full_name=name), in_cohort=self.cohort)
        order = Order.objects.get(purpose_id=registration.pk)
        page = self.enter(browser, registration.account)
        page.goto(order.get_absolute_url())
        return page, order


@dataclass(frozen=True)
class Books:
    """What is written down about an order: its state, its money, and the numbers of who is enrolled by it."""

    order: str
    ledger: tuple[tuple[str, str, int], ...] = ()
    enrolled: tuple[str, ...] = ()


def books(order: Order) -> Books:
    order.refresh_from_db()
    enrolled = Candidacy.objects.filter(registration_id=order.purpose_id)
    return Books(
        order=order.state,
        ledger=tuple(
            order.ledger.order_by("received_at", "provider_ref").values_list(
                "kind", "gateway", "amount_minor"
            )
        ),
        enrolled=tuple(enrolled.values_list("number", flat=True)),
    )


def main(page: Page) -> str:
    """What the page says, without its frame."""
    return page.locator("main").inner_text()


def type_card(page: Page, number: str = GOOD_CARD) -> None:
    """Type a card on Stripe's page."""
    page.get_by_label("Card number").fill(number)
    page.get_by_role("button", name="Pay").click()


def type_card_and_vanish(page: Page, number: str = GOOD_CARD) -> None:
    """Pay at Stripe and close the tab before it leads back."""
    _cut_the_way_back(page)
    type_card(page, number)
    page.get_by_text("One moment").wait_for()
    page.close()


def approve_and_vanish(page: Page) -> None:
    """Approve at PayPal and close the tab before it leads back."""
    _cut_the_way_back(page)
    page.get_by_role("button", name="Approve").click()
    page.get_by_text("One moment").wait_for()
    page.close()


def _cut_the_way_back(page: Page) -> None:
    def answer(route: Route) -> None:
        route.fetch(max_redirects=0)
        route.fulfill(content_type="text/html", body="One moment")

    page.route(page.url.partition("?")[0] + "*", answer)


def download(page: Page, name: str) -> bytes:
    with page.expect_download() as begun:
        page.get_by_role("link", name=name).click()
    return begun.value.path().read_bytes()


def read_document(page: Page, number: str) -> str:
    """What an invoice or receipt says, which is a PDF and holds the number it is listed under."""
    pdf = download(page, number)
    assert pdf.startswith(b"%PDF")
    with pypdfium2.PdfDocument(pdf) as opened:
        text = "\n".join(one.get_textpage().get_text_bounded() for one in opened)
    assert number in text
    return text


def upload(name: str, content: bytes) -> FilePayload:
    kind = "application/pdf" if name.endswith(".pdf") else "text/csv"
    return {"name": name, "mimeType": kind, "buffer": content}


def write_purchase_order(page: Page, *, number: str, organisation: str, pdf: bytes) -> None:
    """Fill in everything about a purchase order but the seats."""
    page.get_by_label("Organisation").fill(organisation)
    page.get_by_label("Billing contact").fill("Bea Ledger")
    page.get_by_label("Billing e-mail").fill("ledger@lakeside.example.org")
    page.get_by_label("Billing address").fill("1 Lake Road\nLakeside, KS 66044")
    page.get_by_label("Purchase order number").fill(number)
    page.locator("input[type=file]").set_input_files(upload(f"{number}.pdf", pdf))


def open_waiting(office: Page, number: str) -> None:
    """Staff come upon a purchase order that waits for them, from the first page of the administration."""
    office.goto("/admin/")
    office.get_by_role("link", name="Payments desk").first.click()
    office.get_by_role("link", name=number, exact=True).click()


def accept(office: Page, number: str) -> None:
    open_waiting(office, number)
    office.get_by_role("link", name="Accept", exact=True).click()
    office.get_by_role("button", name="Accept it").click()


def record_money(office: Page, number: str, *, amount: str, reference: str, received_on: str) -> None:
    """Staff type what the statement says, read it back, and confirm it."""
    office.goto("/admin/payments/purchaseorder/")
    office.get_by_role("link", name=number, exact=True).click()
    office.get_by_role("link", name="Record a cheque or transfer").click()
    office.get_by_label("Amount").fill(amount)
    office.get_by_label("Reference").fill(reference)
    office.get_by_label("Received on").fill(received_on)
    office.get_by_role("button", name="Go on").click()
    office.get_by_role("button", name="Record ").click()
