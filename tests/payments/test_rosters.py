"""A roster names who is to have the seats: all of it or none, with a sentence for each wrong row."""

from __future__ import annotations

import time

import pytest

from certification.kernel.errors import BadInput, NotAllowed
from certification.kernel.models import OutboxMessage
from payments import roster_file, services
from payments.models import PurchaseOrder, Seat
from payments.roster_file import RosterRow
from payments.services.rosters import RosterTaken
from tests.factories import payments as make
from tests.factories import sponsors
from tests.factories.payments import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("offers_on_sale")]

ADA = RosterRow(2, "Ada Löwe", "ada@school.example")
TEXT = "Name,Email\nAda Löwe,ada@school.example\n"


def _upload(request: PurchaseOrder, text: str | bytes) -> RosterTaken:
    content = text.encode() if isinstance(text, str) else text
    return services.upload_roster(
        purchase_order_id=request.pk, by=request.order.payer, content=content, now=NOW
    )


def _named(request: PurchaseOrder) -> list[tuple[str, str]]:
    return list(request.all_seats.order_by("number").values_list("name", "email"))


def _refusal(content: str | bytes) -> BadInput:
    with pytest.raises(BadInput) as refused:
        roster_file.read(content.encode() if isinstance(content, str) else content)
    return refused.value


@pytest.mark.parametrize(
    "content",
    [
        TEXT.encode(),
        TEXT.encode("utf-8-sig"),
        TEXT.encode("utf-16"),
        TEXT.encode("utf-16-be").join([b"\xfe\xff", b""]),
        TEXT.encode("cp1252"),
        TEXT.replace(",", ";").encode(),
        TEXT.replace(",", "\t").encode(),
        TEXT.replace("\n", "\r\n").encode(),
        TEXT.replace("\n", "\r").encode(),
        TEXT.replace("Name,Email", " E-Mail Address , FULL NAME ")
        .replace("Ada Löwe,ada@school.example", "ada@school.example,Ada Löwe")
        .encode(),
        'Name,School,Email\n"Ada Löwe","Elm, Street",ada@school.example\n'.encode(),
        "Name,Email\n  Ada \t  Lo\u0308we ,  ada@school.example  \n,\n\n".encode(),
    ],
    ids=[
        "utf8",
        "bom",
        "utf16",
        "utf16be",
        "cp1252",
        "semicolon",
        "tab",
        "crlf",
        "cr",
        "order",
        "quoted",
        "untidy",
    ],
)
def test_a_roster_is_read_as_spreadsheets_write_it(content: bytes) -> None:
    assert roster_file.read(content) == (ADA,)


@pytest.mark.parametrize(
    "name", ["山田 太郎", "Nguyễn Thị Ánh", "O’Brien-García", "عائشة بنت علي", "Zoë 🎓", "क्‍षमा"]
)
def test_names_of_any_language_are_kept(name: str) -> None:
    assert roster_file.read(f"name,email\n{name},a@b.example".encode())[0].name == name


@pytest.mark.parametrize("name", ["=1+1", "+49 Ada", "-Ada", "@SUM(A1)", "=HYPERLINK(0)"])
def test_what_looks_like_a_formula_is_text(name: str) -> None:
    assert roster_file.read(f'name,email\n"{name}",a@b.example'.encode())[0].name == name


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b" \n \n", "is empty"),
        (b"name,email\n", "nobody below"),
        (b"name,email\n,\n", "nobody below"),
        (b"Ada,ada@school.example\n", "headings"),
        (b"name,email,email\nAda,a@b.example,c@d.example", "each once"),
        (b"PK\x03\x04xlsx", "CSV UTF-8"),
        (b"\xd0\xcf\x11\xe0xls", "CSV UTF-8"),
        (b"name,email\nAda\0,ada@b.example", "characters that no text has"),
        (b"name,email\n\x81\x8d,ada@b.example", "text we can read"),
        (b"\xff\xfenam", "text we can read"),
        (b'name,email\n"Ada,ada@b.example\n', "row 2 on"),
        (b"name,email\n" + b'"' + b"x" * 200_000 + b'",a@b.example', "row 2 on"),
        (b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n", "headings"),
        (b"name,email\n" + b"x" * 1024 * 1024, "more than 1 MB"),
    ],
)
def test_what_is_no_roster_is_refused_with_what_to_do(content: bytes, says: str) -> None:
    assert says in str(_refusal(content))


@pytest.mark.parametrize(
    ("row", "says"),
    [
        (",ada@b.example", "Row 2: the name is missing"),
        ("Ada,", "Row 2: the e-mail address is missing"),
        ("Ada", "Row 2: the e-mail address is missing"),
        ("Ada,nowhere", "Row 2: “nowhere” is no e-mail address"),
        ("Ada,a@b.example;c@d.example", "is no e-mail address"),
        (f"{'A' * 151},ada@b.example", "151 characters"),
        ("Ada\u202e,ada@b.example", "cannot be printed"),
        (f"Ada,{'a' * 60}@{'b.' * 120}example", "e-mail address"),
    ],
)
def test_a_wrong_row_is_named_with_what_to_mend(row: str, says: str) -> None:
    refusal = _refusal(f"name,email\n{row}\n")
    assert "Nothing was taken over: 1 row is wrong" in refusal.message
    assert says in refusal.details[0]


def test_every_wrong_row_is_named_by_its_number_in_the_spreadsheet() -> None:
    refusal = _refusal("name,email\nAda,ada@b.example\n\nBea,bea\n,cem@b.example\nDoe,ADA@b.example\n")
    assert [detail.split(":")[0] for detail in refusal.details] == ["Row 4", "Row 5", "Row 6"]
    assert "stands in row 2 already" in refusal.details[2]


def test_of_many_wrong_rows_the_first_are_named_and_the_rest_counted() -> None:
    refusal = _refusal("name,email\n" + "Ada,wrong\n" * 150)
    assert len(refusal.details) == 21
    assert refusal.details[-1] == "130 more rows are wrong; mend these first."


def test_ten_thousand_rows_are_answered_at_once() -> None:
    content = "name,email\n" + "".join(f"Person {n},p{n}@b.example\n" for n in range(10_000))
    began = time.process_time()
    refusal = _refusal(content)
    assert time.process_time() - began < 1
    assert "10,000 people" in refusal.message
    assert refusal.details == ()


def test_a_roster_fills_free_seats_in_their_order() -> None:
    request = sponsors.ordered_seats(4)
    sponsors.claim(sponsors.candidate_order(), request.all_seats.get(number=1))
    assert _upload(request, "email;name\nada@b.example;Ada\nbea@b.example;Bea\n") == RosterTaken(2, 0)
    assert _named(request) == [("", ""), ("Ada", "ada@b.example"), ("Bea", "bea@b.example"), ("", "")]
    assert not OutboxMessage.objects.filter(kind="seat code").exists(), "nobody has accepted it yet"


def test_a_longer_roster_may_be_uploaded_again() -> None:
    request = sponsors.ordered_seats(3)
    _upload(request, "name,email\nAda,ada@b.example\n")
    assert _upload(request, "name,email\nAda,ADA@b.example\nBea,bea@b.example\n") == RosterTaken(1, 1)
    assert _named(request)[:2] == [("Ada", "ada@b.example"), ("Bea", "bea@b.example")]


def test_who_has_a_seat_under_another_name_is_told_by_row() -> None:
    request = sponsors.ordered_seats(3)
    _upload(request, "name,email\nAda,ada@b.example\n")
    with pytest.raises(BadInput) as refused:
        _upload(request, "name,email\nBea,bea@b.example\nAda Other,ada@b.example\n")
    assert refused.value.details == (
        "Row 3: “ada@b.example” has seat 1 already, as “Ada”. Leave the row out, or change the seat below.",
    )
    assert _named(request)[1] == ("", ""), "nothing of the file was taken over"


def test_more_people_than_free_seats_are_refused_as_a_whole() -> None:
    request = sponsors.ordered_seats(2)
    with pytest.raises(BadInput, match="3 people who have no seat yet, and 2 seats are free"):
        _upload(request, "name,email\n" + "".join(f"P{n},p{n}@b.example\n" for n in range(3)))
    assert _named(request) == [("", "")] * 2


def test_after_acceptance_everybody_named_is_mailed_the_code_once() -> None:
    request = sponsors.accepted_seats(2)
    for _ in range(2):
        _upload(request, "name,email\n=cmd|calc,ada@b.example\n")
    mail = OutboxMessage.objects.get(kind="seat code")
    seat = request.all_seats.get(number=1)
    assert mail.recipient == "ada@b.example"
    assert mail.body.startswith("Dear =cmd|calc,")
    assert f"{seat.code[:5]}-{seat.code[5:]}" in mail.body


def test_one_seat_is_named_renamed_and_cleared() -> None:
    request = sponsors.accepted_seats(2)
    seat, by = request.all_seats.get(number=1), request.order.payer

    def change(name: str, email: str) -> Seat:
        return services.change_seat(seat_id=seat.pk, by=by, name=name, email=email, now=NOW)

    for _ in range(2):
        change("Ada", "ada@b.example")
    change("Bea", "bea@b.example")
    assert change("", "").email == ""
    assert sorted(OutboxMessage.objects.filter(kind="seat code").values_list("recipient", flat=True)) == [
        "ada@b.example",
        "bea@b.example",
    ]


@pytest.mark.parametrize(
    ("name", "email"), [("Ada", ""), ("", "ada@b.example"), ("Ada", "nowhere"), ("Ada", "BEA@b.example")]
)
def test_one_seat_is_not_named_by_halves_nor_one_person_twice(name: str, email: str) -> None:
    request = sponsors.ordered_seats(2)
    _upload(request, "name,email\nBea,bea@b.example\n")
    seat = request.all_seats.get(number=2)
    with pytest.raises(BadInput):
        services.change_seat(seat_id=seat.pk, by=request.order.payer, name=name, email=email, now=NOW)


def test_a_claimed_seat_keeps_its_name() -> None:
    request = sponsors.ordered_seats(2)
    seat = sponsors.claim(sponsors.candidate_order(), request.all_seats.get(number=1))
    with pytest.raises(NotAllowed, match="claimed"):
        services.change_seat(
            seat_id=seat.pk, by=request.order.payer, name="Ada", email="a@b.example", now=NOW
        )


def test_a_declined_purchase_order_takes_no_names() -> None:
    request = sponsors.ordered_seats(2)
    services.decline_purchase_order(purchase_order_id=request.pk, by=make.office(), reason="No.", now=NOW)
    with pytest.raises(NotAllowed, match="declined"):
        _upload(request, "name,email\nAda,ada@b.example\n")


def test_somebody_elses_seats_are_not_named() -> None:
    request, stranger = sponsors.ordered_seats(2), sponsors.sponsor()
    with pytest.raises(PurchaseOrder.DoesNotExist):
        services.upload_roster(purchase_order_id=request.pk, by=stranger, content=TEXT.encode(), now=NOW)
    with pytest.raises(Seat.DoesNotExist):
        services.change_seat(
            seat_id=sponsors.free_seat(request).pk, by=stranger, name="Ada", email="a@b.example", now=NOW
        )
