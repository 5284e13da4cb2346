"""What a sponsor sees and presses: seats, money and documents; nothing of portfolios or scores."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries, Settings

from accounts.models import Role, User
from certification.kernel import clock
from certification.kernel.models import OutboxMessage
from payments import offers, services
from payments.models import PurchaseOrder
from payments.offers import LARGEST_REQUEST
from payments.purchase_files import MAX_BYTES
from payments.states import LedgerKind, OrderState, PurchaseOrderState, SeatState
from tests.factories import payments as make
from tests.factories import sponsors
from tests.factories.payments import NOW, PAYABLE_UNTIL
from tests.factories.sponsors import OFFER

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("offers_on_sale")]

HOME = "/payments/sponsor/"
REQUEST = "/payments/sponsor/request/"


@pytest.fixture(autouse=True)
def _first_of_december() -> Iterator[None]:
    with clock.fixed(NOW):
        yield


@pytest.fixture
def by(client: Client) -> User:
    """The sponsor who is signed in."""
    account = sponsors.sponsor()
    client.force_login(account)
    return account


def _text(response: Any) -> str:
    return " ".join(response.content.decode().split())


def _without_token(response: Any) -> str:
    return re.sub(r"[A-Za-z0-9]{64}", "token", response.content.decode())


def _file(content: bytes | None = None, name: str = "po.pdf") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, sponsors.pdf() if content is None else content)


def _filled(**changed: Any) -> dict[str, Any]:
    filled = {
        "offer": str(OFFER.id),
        "how_many": "5",
        "number": "PO-77",
        "organisation": "Lakeside District",
        "billing_name": "Bea Ledger",
        "billing_email": "ledger@lakeside.example.org",
        "billing_address": "1 Lake Road",
        "file": _file(),
    }
    return {name: value for name, value in (filled | changed).items() if value is not None}


def _page(of: PurchaseOrder) -> str:
    return reverse("payments:sponsor_purchase_order", args=[of.pk])


# ---- signing up ----


def test_who_pays_for_coaches_signs_up_as_a_sponsor_and_as_nothing_else(client: Client) -> None:
    page = _text(client.get("/accounts/signup/?as=sponsor"))
    assert re.search(r'value="sponsor"[^>]*checked', page)
    words = {"password1": "a long password", "password2": "a long password"}
    client.post("/accounts/signup/", words | {"email": "office@district.example", "purpose": "sponsor"})
    client.post("/accounts/signup/", words | {"email": "coach@district.example", "purpose": "candidate"})
    client.post("/accounts/signup/", words | {"email": "silent@district.example"})
    roles = dict(User.objects.values_list("email", "role"))
    assert roles == {
        "office@district.example": Role.SPONSOR,
        "coach@district.example": Role.CANDIDATE,
        "silent@district.example": Role.CANDIDATE,
    }


@pytest.mark.parametrize("wanted", ["staff", "scorer", "lead_scorer", "admin", "sponsor "])
def test_nobody_signs_up_as_anything_else(client: Client, wanted: str) -> None:
    words = {"password1": "a long password", "password2": "a long password", "email": "a@district.example"}
    client.post("/accounts/signup/", words | {"purpose": wanted, "role": wanted})
    assert not User.objects.exclude(role__in=[Role.CANDIDATE, Role.SPONSOR]).exists()
    client.get("/accounts/signup/", {"as": wanted})


def test_a_sponsor_arrives_at_the_purchase_orders(client: Client, by: User) -> None:
    assert client.get("/dashboard/")["Location"] == HOME


# ---- the list ----


def test_the_empty_list_explains_the_way_in_three_steps(client: Client, by: User) -> None:
    page = _text(client.get(HOME))
    assert [step in page for step in ("1. Order", "2. Hand out", "3. Pay")] == [True] * 3
    assert REQUEST in page


def test_the_list_draws_what_is_claimed_and_what_is_paid(client: Client, by: User) -> None:
    request = sponsors.accepted_seats(4, by=by)
    sponsors.claim(sponsors.candidate_order(), sponsors.free_seat(request))
    services.record_transfer(
        order_id=request.order_id,
        by=make.office(),
        amount_minor=50_000,
        reference="T-1",
        received_at=NOW,
        now=NOW,
    )
    sponsors.ordered_seats(number="PO-of-somebody-else")
    page = _text(client.get(HOME))
    assert "1 of 4" in page
    assert "$500.00 of $2,000.00" in page
    assert "PO-of-somebody-else" not in page
    with clock.fixed(NOW + timedelta(days=31)):
        assert "Overdue" in _text(client.get(HOME))


@pytest.mark.parametrize("name", ["home", "page"])
def test_a_page_asks_as_many_questions_for_three_as_for_one(
    client: Client, by: User, django_assert_num_queries: DjangoAssertNumQueries, name: str
) -> None:
    url, queries = (HOME, 3) if name == "home" else ("", 8)
    for seats in (1, 3):
        for _ in range(seats):
            request = sponsors.accepted_seats(seats, by=by)
            sponsors.claim(sponsors.candidate_order(), sponsors.free_seat(request))
        with django_assert_num_queries(queries):
            client.get(url or _page(request))


# ---- ordering ----


def test_a_district_orders_seats_and_sees_their_codes(client: Client, by: User) -> None:
    answer = client.post(REQUEST, _filled(), follow=True)
    request = PurchaseOrder.objects.get()
    assert answer.redirect_chain == [(_page(request), 302)]
    assert (request.seats, request.order.payer, request.order.amount_minor) == (5, by, 250_000)
    assert request.files.get().name == "po.pdf"
    page = _text(answer)
    for seat in request.all_seats.all():
        assert f"{seat.code[:5]}-{seat.code[5:]}" in page
        assert f"/payments/seats/{seat.code}/" in page


def test_the_form_posted_twice_is_one_request(client: Client, by: User) -> None:
    for _ in range(2):
        client.post(REQUEST, _filled())
    assert PurchaseOrder.objects.count() == 1
    assert PurchaseOrder.objects.get().files.count() == 1


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("how_many", "0", "at least one seat"),
        ("how_many", str(LARGEST_REQUEST + 1), "200 seats at most"),
        ("how_many", "five", "in digits"),
        ("how_many", "", "for how many coaches"),
        ("how_many", "9" * 40, "200 seats at most"),
        ("offer", "094cc0d2-2a33-474a-94af-30dcc1ada831", "not on sale any more"),
        ("offer", "10", "not on sale any more"),
        ("number", " ", "Give the purchase order&#x27;s number"),
        ("billing_email", "nowhere", "Write an e-mail address"),
        ("file", None, "Choose the purchase order’s file"),
        ("file", _file(b""), "is empty"),
        ("file", _file(b"MZ a program"), "not a document we can open"),
        ("file", _file(b"%PDF-" + b"x" * (MAX_BYTES + 5)), "more than 10 MB"),
    ],
)
def test_what_is_wrong_is_said_in_the_form_and_what_was_typed_stays(
    client: Client, by: User, field: str, value: Any, says: str
) -> None:
    if hasattr(value, "seek"):
        value.seek(0)
    answer = client.post(REQUEST, _filled(**{field: value}))
    assert answer.status_code == 422
    page = _text(answer)
    assert says in page
    assert "Lakeside District" in page
    assert ">optional<" not in page
    assert not PurchaseOrder.objects.exists()


def test_without_anything_on_sale_nothing_is_ordered(
    client: Client, by: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(offers, "_providers", [])
    assert "No cohort is on sale now" in _text(client.get(REQUEST, follow=True))


@pytest.mark.parametrize("role", [Role.CANDIDATE, Role.SCORER, Role.LEAD_SCORER, Role.STAFF])
def test_sponsors_pages_are_absent_for_every_other_role(
    client: Client, settings: Settings, role: Role
) -> None:
    settings.MFA_REQUIRED = False
    request = sponsors.ordered_seats()
    client.force_login(make.payer(role=role))
    seat = sponsors.free_seat(request)
    for url in (HOME, REQUEST, _page(request), reverse("payments:name_seat", args=[seat.pk])):
        assert client.get(url).status_code == 404
    roster = reverse("payments:roster", args=[request.pk])
    assert client.post(roster, {"file": _file(b"name,email\nAda,a@b.example")}).status_code == 404


def test_somebody_elses_purchase_order_is_absent_to_the_byte(client: Client, by: User) -> None:
    theirs = sponsors.ordered_seats()
    seat = sponsors.free_seat(theirs)
    for name, key in (
        ("sponsor_purchase_order", theirs.pk),
        ("roster", theirs.pk),
        ("name_seat", seat.pk),
        ("correct", theirs.pk),
    ):
        absent = client.get(reverse(f"payments:{name}", args=[uuid.uuid4()]))
        answer = client.get(reverse(f"payments:{name}", args=[key]))
        assert answer.status_code == absent.status_code == 404
        assert _without_token(answer) == _without_token(absent)


def test_pages_that_take_files_check_the_token(by: User) -> None:
    request = sponsors.ordered_seats(by=by)
    strict = Client(enforce_csrf_checks=True)
    strict.force_login(by)
    for url in (
        REQUEST,
        reverse("payments:roster", args=[request.pk]),
        reverse("payments:correct", args=[request.pk]),
        reverse("payments:purchase_order", args=[make.order(by=by).pk]),
    ):
        assert strict.post(url, _filled()).status_code == 403
    assert PurchaseOrder.objects.count() == 1


# ---- one purchase order ----


def test_the_page_tells_the_money_and_hands_out_the_documents(client: Client, by: User) -> None:
    request = sponsors.accepted_seats(2, by=by)
    services.record_transfer(
        order_id=request.order_id,
        by=make.office(),
        amount_minor=30_000,
        reference="CHEQUE-9",
        received_at=NOW,
        now=NOW,
    )
    page = _text(client.get(_page(request)))
    for told in ("$1,000.00", "$300.00", "CHEQUE-9", "$700.00", "31 December 2026", "INV-2026-0001"):
        assert told in page
    assert request.documents.get().get_absolute_url() in page


def test_a_surplus_is_to_be_returned_until_it_is_returned(client: Client, by: User) -> None:
    request, office = sponsors.accepted_seats(1, by=by), make.office()
    services.record_transfer(
        order_id=request.order_id,
        by=office,
        amount_minor=65_000,
        reference="CHEQUE-9",
        received_at=NOW,
        now=NOW,
    )
    assert "To be returned to you" in _text(client.get(_page(request)))
    surplus = request.order.ledger.get(kind=LedgerKind.TO_RETURN)
    services.record_return(ledger_row_id=surplus.pk, by=office, reference="BACK-9", returned_at=NOW, now=NOW)
    page = _text(client.get(_page(request)))
    assert "To be returned to you" not in page
    assert "Returned to you" in page
    assert "BACK-9" in page


def test_a_claimed_seat_says_when_and_not_by_whom(client: Client, by: User) -> None:
    request = sponsors.accepted_seats(1, by=by)
    candidate = make.payer(full_name="Zenobia Unmistakable")
    seat = sponsors.claim(sponsors.candidate_order(by=candidate), sponsors.free_seat(request))
    page = _text(client.get(_page(request)))
    assert "Yes, " in page
    for secret in (candidate.full_name, candidate.email, str(seat.order_id), "portfolio", "score"):
        assert secret not in page.split("<main", 1)[1].split("</main>", 1)[0]


def test_staffs_question_leads_to_the_correction(client: Client, by: User) -> None:
    request = sponsors.ordered_seats(2, by=by, document=sponsors.document())
    services.ask_back_purchase_order(
        purchase_order_id=request.pk, by=make.office(), question="Is <b>five</b> right?", now=NOW
    )
    correct = reverse("payments:correct", args=[request.pk])
    page = _text(client.get(_page(request)))
    assert "Is &lt;b&gt;five&lt;/b&gt; right?" in page
    assert correct in page
    form = _text(client.get(correct))
    assert "Is &lt;b&gt;five&lt;/b&gt; right?" in form
    assert 'value="PO-77"' in form
    answer = client.post(correct, _filled(number="PO-77b", file=None, offer=None), follow=True)
    assert answer.redirect_chain == [(_page(request), 302)]
    request.refresh_from_db()
    assert (request.state, request.number, request.seats) == (PurchaseOrderState.REQUESTED, "PO-77b", 5)


def test_a_correction_to_fewer_seats_than_are_claimed_is_refused_in_the_form(
    client: Client, by: User
) -> None:
    request = sponsors.ordered_seats(2, by=by)
    for _ in range(2):
        sponsors.claim(sponsors.candidate_order(), sponsors.free_seat(request))
    services.ask_back_purchase_order(
        purchase_order_id=request.pk, by=make.office(), question="How many?", now=NOW
    )
    correct = reverse("payments:correct", args=[request.pk])
    answer = client.post(correct, _filled(how_many="1", file=None, offer=None))
    assert answer.status_code == 422
    assert "2 seats are claimed already" in _text(answer)


def test_a_roster_is_uploaded_or_answered_row_by_row(client: Client, by: User) -> None:
    request = sponsors.ordered_seats(3, by=by)
    url = reverse("payments:roster", args=[request.pk])
    wrong = client.post(url, {"file": _file(b"name,email\nAda,ada\n,bea@b.example\n", "roster.csv")})
    assert wrong.status_code == 422
    page = _text(wrong)
    assert "Row 2: “ada” is no e-mail address" in page
    assert "Row 3: the name is missing" in page
    # Two hundred seats would stand between the button and what was wrong.
    assert page.index("Row 3: the name is missing") < page.index("Money and documents")
    good = client.post(url, {"file": _file(b"name,email\n=Ada & Bea,ada@b.example\n")}, follow=True)
    assert "1 person has a seat now." in _text(good)
    assert "=Ada &amp; Bea" in _text(good)
    assert client.post(url, {}).status_code == 422
    large = client.post(url, {"file": _file(b"x" * 1_100_000)})
    assert large.status_code == 422
    assert "more than 1 MB" in _text(large)
    assert client.get(url)["Location"] == _page(request)


def test_one_seat_is_named_and_cleared_on_its_page(client: Client, by: User) -> None:
    request = sponsors.accepted_seats(2, by=by)
    seat = sponsors.free_seat(request)
    url = reverse("payments:name_seat", args=[seat.pk])
    assert client.post(url, {"name": "Ada", "email": "nowhere"}).status_code == 422
    assert client.post(url, {"name": "Ada", "email": ""}).status_code == 422
    assert client.post(url, {"name": "Ada", "email": "ada@b.example"})["Location"] == _page(request)
    assert OutboxMessage.objects.filter(kind="seat code").count() == 1
    client.post(url, {"name": "Ada", "email": "ada@b.example", "clear": "1"})
    seat.refresh_from_db()
    assert (seat.name, seat.email) == ("", "")


def test_two_hundred_seats_are_one_page(client: Client, by: User) -> None:
    request = sponsors.ordered_seats(LARGEST_REQUEST, by=by)
    assert _text(client.get(_page(request))).count("data-copy=") == LARGEST_REQUEST


@pytest.mark.parametrize("ending", ["declined", "cancelled"])
def test_an_ended_purchase_order_says_why_and_takes_no_roster(client: Client, by: User, ending: str) -> None:
    request, staff = sponsors.ordered_seats(2, by=by), make.office()
    if ending == "declined":
        services.decline_purchase_order(purchase_order_id=request.pk, by=staff, reason="Unsigned.", now=NOW)
    else:
        services.accept_purchase_order(purchase_order_id=request.pk, by=staff, now=NOW)
        services.cancel_purchase_order(purchase_order_id=request.pk, by=staff, reason="Unsigned.", now=NOW)
    page = _text(client.get(_page(request)))
    assert "Unsigned." in page
    assert "Upload the roster" not in page
    assert "Outstanding" not in page


# ---- the candidate's side ----


def test_a_link_says_that_a_seat_waits_and_names_nobody(client: Client) -> None:
    request = sponsors.ordered_seats(1)
    seat = sponsors.free_seat(request)
    services.change_seat(
        seat_id=seat.pk, by=request.order.payer, name="Zenobia Named", email="z@school.example", now=NOW
    )
    page = _text(client.get(f"/payments/seats/{seat.code.lower()}/"))
    assert "A seat is waiting" in page
    assert "Lakeside District" in page
    for secret in ("Zenobia", "z@school.example", "PO-77", request.order.payer.email, "Bea Ledger"):
        assert secret not in page


def test_a_link_to_nothing_is_absent_and_one_to_a_taken_seat_says_so(client: Client) -> None:
    request = sponsors.ordered_seats(2)
    taken, void = request.all_seats.order_by("number")
    sponsors.claim(sponsors.candidate_order(), taken)
    assert client.get("/payments/seats/ABCDEFGHJK/").status_code == 404
    assert "This seat is taken" in _text(client.get(f"/payments/seats/{taken.code}/"))
    services.decline_purchase_order(purchase_order_id=request.pk, by=make.office(), reason="No.", now=NOW)
    assert client.get(f"/payments/seats/{void.code}/").status_code == 404


def test_the_code_of_a_link_is_filled_in_on_the_order_page_and_pays(client: Client) -> None:
    seat = sponsors.free_seat(sponsors.accepted_seats())
    client.get(f"/payments/seats/{seat.code}/")
    order = sponsors.candidate_order()
    client.force_login(order.payer)
    assert f'value="{seat.code}"' in _text(client.get(order.get_absolute_url()))
    assert order.get_absolute_url() in _text(client.get(f"/payments/seats/{seat.code}/"))
    claim = reverse("payments:claim", args=[order.pk])
    page = _text(client.post(claim, {"code": seat.code}, follow=True))
    assert "Your seat is paid for" in page
    assert "Lakeside District" in page
    assert "seat_code" not in client.session
    order.refresh_from_db()
    assert order.state == OrderState.SEATED
    assert "This seat is yours" in _text(client.get(f"/payments/seats/{seat.code}/"))


def test_a_reserved_seat_is_told_and_given_back_on_the_order_page(client: Client) -> None:
    seat, order = sponsors.free_seat(sponsors.ordered_seats()), sponsors.candidate_order()
    client.force_login(order.payer)
    claim, give_back = (reverse(f"payments:{name}", args=[order.pk]) for name in ("claim", "give_back"))
    page = _text(client.post(claim, {"code": seat.code}, follow=True))
    assert "is reserved for you" in page
    assert "Pay online" not in page
    assert f'action="{claim}#' not in page
    page = _text(client.post(give_back, follow=True))
    assert "The seat is given back" in page
    assert "Pay online" in page
    seat.refresh_from_db()
    assert seat.state == SeatState.FREE


@pytest.mark.parametrize(("code", "says"), [("", "Type the code"), ("ABCDEFGHJK", "opens no free seat")])
def test_a_wrong_code_is_answered_on_the_order_page(client: Client, code: str, says: str) -> None:
    order = sponsors.candidate_order()
    client.force_login(order.payer)
    url = reverse("payments:claim", args=[order.pk])
    answer = client.post(url, {"code": code})
    assert answer.status_code == 422
    assert re.search(
        rf'id="id_code"[^>]*id_code_error"[^>]*value="{code}"> <ul[^>]*id="id_code_error">[^/]*{says}',
        _text(answer),
    )
    assert client.get(url)["Location"] == order.get_absolute_url()


def test_a_code_where_none_is_asked_for_is_answered_above_the_order(client: Client) -> None:
    order = sponsors.candidate_order()
    client.force_login(order.payer)
    with clock.fixed(PAYABLE_UNTIL):
        page = _text(
            client.post(reverse("payments:claim", args=[order.pk]), {"code": "ABCDEFGHJK"}, follow=True)
        )
    assert "too late to begin a payment" in page
    assert "opens no free seat" in page


def test_a_link_followed_too_late_invites_nobody_to_register(client: Client) -> None:
    url = f"/payments/seats/{sponsors.free_seat(sponsors.ordered_seats()).code}/"
    assert "It can be taken until" in _text(client.get(url))
    client.session.flush()
    with clock.fixed(PAYABLE_UNTIL):
        page = _text(client.get(url))
    assert "This seat cannot be taken any more" in page
    assert reverse("account_signup") not in page.split("<main")[1].split("</main")[0]


def test_nobody_claims_for_or_gives_back_anothers_seat(client: Client) -> None:
    order, seat = sponsors.candidate_order(), sponsors.free_seat(sponsors.ordered_seats())
    sponsors.claim(order, seat)
    client.force_login(make.payer())
    for name in ("claim", "give_back"):
        url = reverse(f"payments:{name}", args=[order.pk])
        assert client.post(url, {"code": seat.code}).status_code == 404
    seat.refresh_from_db()
    assert seat.order == order


def test_a_candidates_purchase_order_takes_a_file_and_is_corrected(client: Client) -> None:
    order = make.order()
    client.force_login(order.payer)
    url = reverse("payments:purchase_order", args=[order.pk])
    assert client.post(url, _filled(file=_file(b"MZ"))).status_code == 422
    client.post(url, _filled())
    request = order.purchase_orders.get()
    assert request.files.get().content_type == "application/pdf"
    services.ask_back_purchase_order(
        purchase_order_id=request.pk, by=make.office(), question="Signed by whom?", now=NOW
    )
    page = _text(client.get(order.get_absolute_url()))
    assert "Signed by whom?" in page
    correct = reverse("payments:correct", args=[request.pk])
    assert correct in page
    assert "Seats" not in _text(client.get(correct))
    client.post(correct, _filled(number="PO-9", file=None))
    request.refresh_from_db()
    assert (request.number, request.seats) == ("PO-9", 1)


def test_a_sponsors_order_leads_to_its_purchase_order(client: Client, by: User) -> None:
    request = sponsors.ordered_seats(by=by)
    asked = reverse("payments:order", args=[request.order_id])
    assert client.get(asked)["Location"] == _page(request)
