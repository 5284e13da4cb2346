"""The consent ledger: recording, copying, forms, when it may change, and what the sweep removes."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, timedelta
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.db import DatabaseError, transaction

from accounts.models import User
from candidates.models import Candidacy
from certification.kernel.errors import BadInput, NotAllowed, WindowClosed
from certification.kernel.models import AuditEvent
from portfolio import services as portfolio
from portfolio.consent import keeping, ledger, services
from portfolio.models import Entry, Evidence, NobodySeen, PersonSeen, ReleaseForm
from portfolio.uploads.storing import originals
from tests.factories import portfolio as make

pytestmark = pytest.mark.django_db
TICK = timedelta(microseconds=1)
# savepoint; the clip, its entry locked, its two windows, the clip once more; the other clip, who is in
# either; the statement, the lines and the act; savepoint
QUERIES_OF_A_COPY = 13
ABSENT = "00000000-0000-4000-8000-000000000000"


@pytest.fixture
def candidacy() -> Candidacy:
    make.a_small_framework()
    return make.a_candidate()


@pytest.fixture
def now(candidacy: Candidacy) -> datetime:
    return make.window_of(candidacy).opens


@pytest.fixture
def entry(candidacy: Candidacy, now: datetime) -> Entry:
    return make.a_complete_draft(candidacy, now)


def problems(entry: Entry) -> list[str]:
    gaps = ledger.gaps_of(Entry.objects.select_related("candidacy").get(pk=entry.pk))
    return [gap.sentence for gap in gaps]


# ---- recording ----


def test_a_person_covered_by_a_form_completes_a_video(entry: Entry, now: datetime) -> None:
    video = make.a_video(entry, now)
    assert len(problems(entry)) == 1

    make.a_person(video, now, make.a_release_form(entry, now))

    assert problems(entry) == []


def test_the_same_person_twice_is_one_line(entry: Entry, now: datetime) -> None:
    video, form = make.a_video(entry, now), make.a_release_form(entry, now)
    assert make.a_person(video, now, form) == make.a_person(video, now, form)
    assert PersonSeen.objects.count() == 1


def test_a_line_is_corrected_and_removed(entry: Entry, now: datetime) -> None:
    by = entry.candidacy.account
    line = make.a_person(make.a_video(entry, now), now)
    assert "no release form covers" in problems(entry)[0]

    form = make.a_release_form(entry, now)
    changed = services.change_person(
        person_id=line.pk, by=by, person=make.somebody(form, who="Ms. Lee"), now=now
    )
    assert (changed.who, problems(entry)) == ("Ms. Lee", [])
    services.remove_person(person_id=line.pk, by=by, now=now)
    assert not PersonSeen.objects.exists()


def test_a_person_recorded_takes_the_statement_back_that_nobody_is_seen(entry: Entry, now: datetime) -> None:
    video = make.a_video(entry, now)
    of: dict[str, Any] = {"evidence_id": video.pk, "by": entry.candidacy.account, "now": now}
    services.state_nobody(**of)
    services.state_nobody(**of)
    assert problems(entry) == []
    services.take_back_nobody(**of)
    assert len(problems(entry)) == 1
    services.state_nobody(**of)

    make.a_person(video, now)

    assert not NobodySeen.objects.exists()
    with pytest.raises(NotAllowed, match="Remove them first"):
        services.state_nobody(**of)


def test_nobody_unnamed_and_no_foreign_form_is_recorded(entry: Entry, now: datetime) -> None:
    video = make.a_video(entry, now)
    with pytest.raises(BadInput, match="Say who is seen"):
        make.a_person(video, now, who=" \u200b ")
    stranger = make.a_complete_draft(make.a_candidate(entry.candidacy.cohort), now)
    with pytest.raises(BadInput, match="not there any more"):
        make.a_person(video, now, make.a_release_form(stranger, now))


def test_the_same_people_are_taken_over_from_another_clip(entry: Entry, now: datetime) -> None:
    by, form = entry.candidacy.account, make.a_release_form(entry, now)
    first, second = make.a_video(entry, now), make.a_video(entry, now, name="two.mp4")
    make.a_person(first, now, form, until_on=date(2030, 1, 1))
    make.a_person(first, now, form, who="the class", minors=True)

    of: dict[str, Any] = {"evidence_id": second.pk, "source_id": first.pk, "by": by, "now": now}
    assert services.copy_people(**of) == 2
    assert services.copy_people(**of) == 0

    # Both were recorded at one instant, so the one's place before the other is chance.
    assert [
        (line.who, line.minors, line.until_on, line.release_form_id)
        for line in second.people_seen.order_by("-who")
    ] == [
        ("the teacher", False, date(2030, 1, 1), form.pk),
        ("the class", True, None, form.pk),
    ]
    assert problems(entry) == []


@pytest.mark.parametrize("people", [1, 5])
def test_taking_people_over_asks_as_much_for_many_as_for_one(
    entry: Entry, now: datetime, django_assert_num_queries: Any, people: int
) -> None:
    by, form = entry.candidacy.account, make.a_release_form(entry, now)
    first, second = make.a_video(entry, now), make.a_video(entry, now, name="two.mp4")
    for number in range(people):
        make.a_person(first, now, form, who=f"teacher {number}")
    services.state_nobody(evidence_id=second.pk, by=by, now=now)

    with django_assert_num_queries(QUERIES_OF_A_COPY):
        copied = services.copy_people(evidence_id=second.pk, source_id=first.pk, by=by, now=now)

    assert copied == second.people_seen.filter(release_form=form).count() == people
    assert not NobodySeen.objects.exists()
    act = AuditEvent.objects.get(action="took over people seen", subject_id=str(second.pk))
    assert act.detail["from"] == str(first.pk)
    assert set(act.detail["people"]) == {str(pk) for pk in second.people_seen.values_list("pk", flat=True)}


def test_people_taken_over_are_recorded_once_and_without_a_form_that_was_taken_away(
    entry: Entry, now: datetime
) -> None:
    by, form = entry.candidacy.account, make.a_release_form(entry, now)
    old, new = make.a_video(entry, now), make.a_video(entry, now, name="two.mp4")
    make.a_person(old, now, form, who="the class")
    make.a_person(old, now + TICK, who="the class", minors=True)
    portfolio.remove_evidence(evidence_id=old.pk, by=by, now=now)
    services.remove_release_form(entry_id=entry.pk, form_id=form.pk, by=by, now=now)

    assert services.copy_people(evidence_id=new.pk, source_id=old.pk, by=by, now=now) == 1

    line = new.people_seen.get()
    assert (line.who, line.minors, line.release_form) == ("the class", False, None)


def test_no_more_people_are_taken_over_than_a_video_may_have(
    entry: Entry, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(services, "MOST_PEOPLE", 3)
    first, second = make.a_video(entry, now), make.a_video(entry, now, name="two.mp4")
    for who in "abc":
        make.a_person(first, now, who=who)
    make.a_person(second, now, who="d")

    with pytest.raises(NotAllowed, match="At most 3 lines may be recorded for “two"):
        services.copy_people(evidence_id=second.pk, source_id=first.pk, by=entry.candidacy.account, now=now)
    assert [line.who for line in second.people_seen.all()] == ["d"]
    with pytest.raises(NotAllowed, match="At most 3 lines may be recorded for “clip"):
        make.a_person(first, now, who="d")


def test_a_video_that_replaces_another_is_offered_its_people(entry: Entry, now: datetime) -> None:
    by = entry.candidacy.account
    old = make.a_video(entry, now, name="old.mp4")
    make.a_person(old, now, make.a_release_form(entry, now))
    portfolio.remove_evidence(evidence_id=old.pk, by=by, now=now)
    assert problems(entry) == []  # what was removed does not count
    new = make.a_video(entry, now, name="new.mp4")

    offered = next(line for line in ledger.ledger_of(entry).videos if line.id == new.pk).sources

    assert [(source.evidence_id, source.label) for source in offered] == [
        (old.pk, "old.mp4 (Clip, no longer there)")
    ]
    services.copy_people(evidence_id=new.pk, source_id=old.pk, by=by, now=now)
    assert problems(entry) == []


# ---- whose, and when ----


def test_only_its_candidate_changes_a_ledger(entry: Entry, now: datetime) -> None:
    stranger = make.a_candidate(entry.candidacy.cohort).account
    video = make.a_video(entry, now)
    line = make.a_person(video, now)
    form = make.a_release_form(entry, now)
    acts: list[Callable[[], object]] = [
        lambda: services.add_person(evidence_id=video.pk, by=stranger, person=make.somebody(), now=now),
        lambda: services.change_person(person_id=line.pk, by=stranger, person=make.somebody(), now=now),
        lambda: services.remove_person(person_id=line.pk, by=stranger, now=now),
        lambda: services.state_nobody(evidence_id=video.pk, by=stranger, now=now),
        lambda: services.copy_people(evidence_id=video.pk, source_id=video.pk, by=stranger, now=now),
        lambda: services.remove_release_form(entry_id=entry.pk, form_id=form.pk, by=stranger, now=now),
        lambda: services.open_release_form(form_id=form.pk, by=stranger),
    ]
    for act in acts:
        with pytest.raises(
            (Evidence.DoesNotExist, PersonSeen.DoesNotExist, Entry.DoesNotExist, ReleaseForm.DoesNotExist)
        ):
            act()


def changes(entry: Entry, at: datetime) -> list[Callable[[], object]]:
    """Everything that changes a ledger."""
    video = entry.evidence.filter(original_name="clip.mp4").get()
    line = video.people_seen.get()
    by: User = entry.candidacy.account
    return [
        lambda: make.a_person(video, at, who="somebody else"),
        lambda: services.change_person(person_id=line.pk, by=by, person=make.somebody(who="x"), now=at),
        lambda: services.remove_person(person_id=line.pk, by=by, now=at),
        lambda: services.copy_people(evidence_id=video.pk, source_id=video.pk, by=by, now=at),
        lambda: services.take_back_nobody(evidence_id=video.pk, by=by, now=at),
        lambda: make.a_release_form(entry, at, content=make.a_scan(7)),
    ]


def test_the_ledger_changes_until_the_close_and_not_after(entry: Entry, now: datetime) -> None:
    closes = make.window_of(entry.candidacy).closes
    make.a_person(make.a_video(entry, now), now)
    for act in changes(entry, closes):
        with pytest.raises(WindowClosed):
            act()
    assert make.a_person(entry.evidence.get(original_name="clip.mp4"), closes - TICK, who="in time")


def test_a_submitted_entry_keeps_its_ledger_also_in_the_database(entry: Entry, now: datetime) -> None:
    video = make.a_video(entry, now)
    make.a_person(video, now, make.a_release_form(entry, now))
    make.submit(entry, now)
    for act in changes(entry, now):
        with pytest.raises(NotAllowed, match="is submitted"):
            act()
    with pytest.raises(DatabaseError, match="cannot change"), transaction.atomic():
        PersonSeen.objects.update(who="rewritten")


# ---- forms ----


def test_a_form_is_kept_once_and_covers_clips_of_several_entries(entry: Entry, now: datetime) -> None:
    form = make.a_release_form(entry, now)
    other = make.a_draft(entry.candidacy, now, key="entry-2")

    assert make.a_release_form(other, now, title="Another name") == form
    make.a_person(make.a_video(other, now), now, form)

    assert problems(other) == []
    assert originals().open(form.storage_key).read() == make.a_scan()
    assert form.storage_key.startswith(f"release-forms/{now:%Y-%m-%d}/")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty"),
        (b"MZ program", "not a form we can open"),
        (b"%PDF-1.4 cut", "broken PDF"),
        (b"\x89PNG\r\n\x1a\n" + b"\0" * 40, "not a form we can open"),
    ],
)
def test_what_is_no_form_is_refused_and_nothing_is_kept(
    entry: Entry, now: datetime, content: bytes, sentence: str
) -> None:
    with pytest.raises(BadInput, match=sentence):
        services.add_release_form(
            entry_id=entry.pk,
            by=entry.candidacy.account,
            file=ContentFile(content),
            name="form.pdf",
            title="",
            now=now,
        )
    assert not ReleaseForm.objects.exists()


def test_a_form_larger_than_20_mb_is_refused(
    entry: Entry, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keeping, "MAX_BYTES", 50)
    with pytest.raises(BadInput, match="at most 20 MB"):
        make.a_release_form(entry, now)


def test_a_form_that_covers_somebody_stays(entry: Entry, now: datetime) -> None:
    by, form = entry.candidacy.account, make.a_release_form(entry, now)
    line = make.a_person(make.a_video(entry, now), now, form)
    of: dict[str, Any] = {"entry_id": entry.pk, "form_id": form.pk, "by": by, "now": now}
    with pytest.raises(NotAllowed, match="covers the teacher in “clip"):
        services.remove_release_form(**of)
    services.remove_person(person_id=line.pk, by=by, now=now)

    services.remove_release_form(**of)
    services.remove_release_form(**of)

    assert ReleaseForm.objects.get().removed_at == now


def test_every_look_at_a_form_is_on_record(entry: Entry, now: datetime) -> None:
    form, staff = make.a_release_form(entry, now), make.a_staff_member()
    for person in (entry.candidacy.account, staff):
        assert services.open_release_form(form_id=form.pk, by=person) == form
    looks = AuditEvent.objects.filter(action="opened release form", subject_id=str(form.pk))
    assert set(looks.values_list("actor_id", flat=True)) == {entry.candidacy.account_id, staff.pk}


def test_the_sweep_removes_what_no_form_refers_to_after_a_day(entry: Entry, now: datetime) -> None:
    kept = make.a_release_form(entry, now)
    gone = make.a_release_form(entry, now, content=make.a_scan(9))
    by = entry.candidacy.account
    services.remove_release_form(entry_id=entry.pk, form_id=gone.pk, by=by, now=now)
    stray = originals().save(f"release-forms/{now:%Y-%m-%d}/{'0' * 40}", ContentFile(b"x"))

    keeping.sweep(now + timedelta(hours=20))
    assert originals().exists(stray)
    assert keeping.sweep(now + timedelta(days=2))["forms_removed"] >= 2
    assert keeping.sweep(now + timedelta(days=2)) == {"forms_removed": 0}

    assert originals().exists(kept.storage_key)
    assert not originals().exists(gone.storage_key)
    assert not originals().exists(stray)


def test_a_refused_row_leaves_no_object(entry: Entry, now: datetime, monkeypatch: pytest.MonkeyPatch) -> None:
    stored: list[str] = []
    keep = keeping.keep

    def noted(*given: Any) -> str:
        stored.append(keep(*given))
        return stored[-1]

    monkeypatch.setattr(keeping, "keep", noted)
    monkeypatch.setattr(services, "MOST_FORMS", 0)
    with pytest.raises(NotAllowed, match="kept for you already"):
        make.a_release_form(entry, now)
    assert len(stored) == 1
    assert not originals().exists(stored[0])
