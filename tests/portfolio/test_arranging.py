"""The order of the files in a slot, and one of several replaced: what leaves, what stays, and when."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

import pytest
from django.urls import reverse

from candidates.models import Candidacy
from certification.kernel import clock
from certification.kernel.errors import BadInput, NotAllowed, WindowClosed
from portfolio import services
from portfolio.models import Entry, Evidence, Slot, Upload
from portfolio.services import Direction, taking_in
from portfolio.states import UploadState
from tests.factories import portfolio as make
from tests.factories import uploads

pytestmark = pytest.mark.django_db

UP, DOWN = Direction.UP, Direction.DOWN


@pytest.fixture
def candidacy() -> Candidacy:
    make.a_small_framework()
    Slot.objects.filter(key="notes").update(max_files=3)
    return make.a_candidate()


@pytest.fixture
def now(candidacy: Candidacy) -> Iterator[datetime]:
    opens = make.window_of(candidacy).opens
    with clock.fixed(opens):
        yield opens


@pytest.fixture
def entry(candidacy: Candidacy, now: datetime) -> Entry:
    """A slot with three files: a, b, c."""
    entry = make.a_draft(candidacy, now)
    for note in "abc":
        add(entry, note, now)
    return entry


def add(entry: Entry, note: str, now: datetime, *, replaces: Evidence | None = None) -> Evidence:
    return services.add_evidence(
        entry_id=entry.pk,
        slot_key="notes",
        by=entry.candidacy.account,
        file=make.an_upload(note=note),
        name=f"{note}.pdf",
        now=now,
        replaces=replaces.pk if replaces else None,
    )


def piece(name: str) -> Evidence:
    return Evidence.objects.get(original_name=f"{name}.pdf")


def order(entry: Entry) -> str:
    live = entry.evidence.filter(slot__key="notes", removed_at__isnull=True).order_by("place", "uploaded_at")
    return "".join(one.original_name[0] for one in live)


def move(name: str, direction: Direction, now: datetime, *, seen_place: int | None = None) -> None:
    moved = piece(name)
    services.move_evidence(
        evidence_id=moved.pk,
        by=moved.entry.candidacy.account,
        direction=direction,
        now=now,
        seen_place=seen_place,
    )


# ---- order ----


@pytest.mark.parametrize(
    ("name", "direction", "expected"),
    [
        ("b", UP, "bac"),
        ("b", DOWN, "acb"),
        ("c", UP, "acb"),
        ("a", UP, "abc"),
        ("c", DOWN, "abc"),
    ],
)
def test_a_piece_changes_places_with_its_neighbour(
    entry: Entry, now: datetime, name: str, direction: Direction, expected: str
) -> None:
    move(name, direction, now)

    assert order(entry) == expected


def test_a_button_pressed_twice_on_the_same_page_moves_one_place(entry: Entry, now: datetime) -> None:
    for _ in range(2):
        move("c", UP, now, seen_place=3)

    assert order(entry) == "acb"


def test_pieces_from_before_there_were_places_are_numbered(entry: Entry, now: datetime) -> None:
    Evidence.objects.update(place=0)

    move("a", DOWN, now)

    assert order(entry) == "bac"
    assert sorted(Evidence.objects.values_list("place", flat=True)) == [1, 2, 3]


def test_a_removed_piece_is_skipped_and_cannot_be_moved(entry: Entry, now: datetime) -> None:
    services.remove_evidence(evidence_id=piece("b").pk, by=entry.candidacy.account, now=now)

    move("c", UP, now)

    assert order(entry) == "ca"
    with pytest.raises(Evidence.DoesNotExist):
        move("b", UP, now)


def test_only_its_owner_moves_a_piece(entry: Entry, now: datetime) -> None:
    stranger = make.a_candidate(entry.candidacy.cohort).account

    with pytest.raises(Evidence.DoesNotExist):
        services.move_evidence(evidence_id=piece("b").pk, by=stranger, direction=UP, now=now)


def test_nothing_moves_once_it_is_submitted_or_the_window_is_over(entry: Entry, now: datetime) -> None:
    closes = make.window_of(entry.candidacy).closes
    with clock.fixed(closes), pytest.raises(WindowClosed):
        move("b", UP, closes)

    make.add(entry, now)
    make.submit(entry, now)
    with pytest.raises(NotAllowed, match="Withdraw it first"):
        move("b", UP, now)
    assert order(entry) == "abc"


# ---- one of several replaced ----


def test_a_new_file_comes_in_the_place_of_the_old_even_in_a_full_slot(entry: Entry, now: datetime) -> None:
    add(entry, "n", now, replaces=piece("b"))

    assert order(entry) == "anc"
    assert piece("b").removed_at == now
    with pytest.raises(NotAllowed, match="as many as it takes"):
        add(entry, "x", now)


def test_a_refused_file_leaves_the_old_one_where_it_is(entry: Entry, now: datetime) -> None:
    with pytest.raises(BadInput):
        services.add_evidence(
            entry_id=entry.pk,
            slot_key="notes",
            by=entry.candidacy.account,
            file=make.an_upload(pages=2),  # the slot takes one page
            name="n.pdf",
            now=now,
            replaces=piece("b").pk,
        )

    assert order(entry) == "abc"


def test_replaced_twice_is_once(entry: Entry, now: datetime) -> None:
    old = piece("b")
    first = add(entry, "n", now, replaces=old)

    assert add(entry, "n", now, replaces=old) == first
    assert order(entry) == "anc"


def test_a_file_that_is_there_already_pushes_none_out(entry: Entry, now: datetime) -> None:
    with pytest.raises(NotAllowed, match=r"“a\.pdf” is in “Notes” already, and “b\.pdf” stays"):
        add(entry, "a", now, replaces=piece("b"))
    assert add(entry, "b", now, replaces=piece("b")) == piece("b")
    assert order(entry) == "abc"


def test_when_the_old_one_was_removed_meanwhile_the_new_one_is_added(entry: Entry, now: datetime) -> None:
    old = piece("b")
    services.remove_evidence(evidence_id=old.pk, by=entry.candidacy.account, now=now)

    add(entry, "n", now, replaces=old)

    assert order(entry) == "acn"


def test_a_piece_of_another_slot_or_entry_cannot_be_replaced(entry: Entry, now: datetime) -> None:
    elsewhere = make.add(entry, now)
    stranger = make.a_draft(make.a_candidate(entry.candidacy.cohort), now)
    theirs = make.add(stranger, now, slot="notes", content=make.a_pdf(note="theirs"))

    for other in (elsewhere, theirs):
        with pytest.raises(Evidence.DoesNotExist):
            add(entry, "n", now, replaces=other)
        with pytest.raises(Evidence.DoesNotExist):
            uploads.an_upload(entry, now, size=1000, slot="notes", replaces=other)
    assert not Evidence.objects.filter(removed_at__isnull=False).exists()


# ---- the same in parts ----


def test_an_upload_takes_the_place_of_the_old_when_it_is_taken_in(entry: Entry, now: datetime) -> None:
    sent = uploads.a_completed_upload(
        entry, make.a_pdf(note="n"), now, slot="notes", name="n.pdf", replaces=piece("b")
    )
    assert order(entry) == "abc"

    taking_in.take_in_due(now)

    sent.refresh_from_db()
    assert sent.state == UploadState.TAKEN
    assert order(entry) == "anc"


def test_a_refused_upload_leaves_the_old_one_where_it_is(entry: Entry, now: datetime) -> None:
    uploads.a_completed_upload(entry, b"no document", now, slot="notes", name="n.pdf", replaces=piece("b"))

    taking_in.take_in_due(now)

    assert Upload.objects.get().state == UploadState.REFUSED
    assert order(entry) == "abc"


def test_going_on_elsewhere_keeps_what_the_upload_replaces(entry: Entry, now: datetime) -> None:
    with pytest.raises(NotAllowed):
        uploads.an_upload(entry, now, size=1000, slot="notes")

    begun = uploads.an_upload(entry, now, size=1000, slot="notes", replaces=piece("b"))
    again = uploads.an_upload(entry, now, size=1000, slot="notes")
    elsewhere = uploads.an_upload(entry, now, size=1000, slot="notes", replaces=piece("c"))

    assert begun.pk == again.pk == elsewhere.pk
    assert again.replaces == piece("b")
    assert elsewhere.replaces == piece("c")


def test_the_browsers_question_names_the_piece_to_replace(entry: Entry, now: datetime) -> None:
    browser = uploads.Browser(entry, "notes")
    asked = {"operation": "create", "name": "n.pdf", "type": "application/pdf", "size": 1000}

    assert browser.sign(**asked, replaces="no number").status_code == 404
    assert browser.sign(**asked, replaces=str(uploads.ABSENT)).status_code == 404
    assert browser.sign(**asked, replaces=str(piece("b").pk)).status_code == 200
    assert Upload.objects.get().replaces == piece("b")


def test_what_another_tab_removed_is_not_moved(
    entry: Entry, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    client = uploads.Browser(entry, "notes").client
    by, moved = entry.candidacy.account, piece("b")
    url, page = reverse("portfolio:move", args=[moved.pk]), reverse("portfolio:entry", args=[entry.pk])
    move_evidence = services.move_evidence

    def and_removed_meanwhile(**asked: Any) -> Entry:
        changed = move_evidence(**asked)
        services.remove_evidence(evidence_id=moved.pk, by=by, now=now)
        return changed

    monkeypatch.setattr(services, "move_evidence", and_removed_meanwhile)
    for _ in range(2):  # while it is moved; and before
        answer = client.post(url, {"direction": "up"}, follow=True)
        assert answer.redirect_chain == [(page, 302)]
        assert "“b.pdf” was removed meanwhile" in answer.text
        monkeypatch.setattr(services, "move_evidence", move_evidence)
