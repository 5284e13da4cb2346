"""Changing the consent ledger: who is seen in which video, and which form covers them.

Like everything in an entry it changes only while the entry is in preparation, as of the instant that the
database's clock gives under the entry's lock.  Source: the programme's rules, section 10; ADR 0015.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from uuid import UUID

from django.core.files.base import File
from django.db import transaction

from accounts.models import Role, User
from certification.kernel import audit, clock
from certification.kernel.errors import BadInput, NotAllowed, Refusal

from .. import locks
from ..models import Entry, Evidence, NobodySeen, PersonSeen, ReleaseForm
from ..services.entries import require_preparable
from ..states import EvidenceKind
from ..uploads import receiving
from . import keeping, ledger
from .keeping import Received

MOST_PEOPLE = 40
MOST_FORMS = 200
_TITLE_LENGTH = 120


@dataclass(frozen=True, slots=True)
class NewPerson:
    """What a candidate says of somebody seen; `until_on` is the consent's last day, None without end."""

    who: str
    minors: bool
    release_form_id: UUID | None
    for_scoring: bool
    for_training: bool
    for_research: bool
    until_on: date | None


def add_release_form(
    *, entry_id: UUID, by: User, file: File, name: str, title: str, now: datetime
) -> ReleaseForm:
    """Keep a signed form of the candidate; the same file again is the form that is there already.

    Forms belong to the candidacy: one may cover several people, in clips of several entries.

    Raises:
        Entry.DoesNotExist: there is none, or it is somebody else's.
        BadInput: the file is no form we can open, or it is not called anything.
        NotAllowed, WindowClosed: the entry is not in preparation, or there are too many forms.
    """
    plain = receiving.plain_name(name)
    _require_preparable(entry_id, by, now)
    with keeping.received(file, plain) as form:
        key = keeping.keep(form, now)
        try:
            kept = _recorded(entry_id, by, form, plain, _called(title, plain), key, now)
        except Refusal:  # nothing else says for sure that the row is not there: the sweep will know
            keeping.discard(key)
            raise
    if kept.storage_key != key:
        keeping.discard(key)
    return kept


@transaction.atomic
def remove_release_form(*, entry_id: UUID, form_id: UUID, by: User, now: datetime) -> None:
    """Take a form away that covers nobody; twice is once.  The stored file goes a day later.

    Raises:
        Entry.DoesNotExist, ReleaseForm.DoesNotExist: there is none, or it is somebody else's.
        NotAllowed: it covers somebody in a video that is there; or the entry is not in preparation.
        WindowClosed: the window is over.
    """
    entry, now = _locked(entry_id, by, now)
    form = ReleaseForm.objects.select_for_update().get(pk=form_id, candidacy_id=entry.candidacy_id)
    if form.removed_at is not None:
        return
    covered = form.covers.filter(evidence__removed_at__isnull=True).select_related("evidence").first()
    if covered is not None:
        raise NotAllowed(
            f"“{form.title}” covers {covered.who} in “{covered.evidence.original_name}”."
            " Choose another form there before you remove this one."
        )
    form.removed_at = now
    form.save(update_fields=["removed_at"])
    audit.record(actor=by, action="removed release form", subject=form, detail={"sha256": form.sha256})


@transaction.atomic
def add_person(*, evidence_id: UUID, by: User, person: NewPerson, now: datetime) -> PersonSeen:
    """Record somebody seen in a video; the same again is the line that is there already.

    A statement that nobody can be recognised is taken back by it.

    Raises:
        Evidence.DoesNotExist: there is no such video, it was removed, or it is somebody else's.
        BadInput: nobody is named, or the form is not one of the candidate's.
        NotAllowed, WindowClosed: the entry is not in preparation, or the list is full.
    """
    video, now = _locked_video(evidence_id, by, now)
    values = _checked(person, video)
    same = video.people_seen.filter(**values).first()
    if same is not None:
        return same
    _require_room(video, video.people_seen.count() + 1)
    NobodySeen.objects.filter(evidence=video).delete()
    added = PersonSeen.objects.create(evidence=video, added_at=now, **values)
    audit.record(actor=by, action="recorded person seen", subject=added)
    return added


@transaction.atomic
def change_person(*, person_id: UUID, by: User, person: NewPerson, now: datetime) -> PersonSeen:
    """Correct what is recorded of somebody.

    Raises:
        PersonSeen.DoesNotExist, Evidence.DoesNotExist: there is none, or it is somebody else's.
        BadInput: nobody is named, or the form is not one of the candidate's.
        NotAllowed, WindowClosed: the entry is not in preparation.
    """
    line, video, now = _locked_person(person_id, by, now)
    values = _checked(person, video)
    for name, value in values.items():
        setattr(line, name, value)
    line.save(update_fields=list(values))
    audit.record(actor=by, action="changed person seen", subject=line)
    return line


@transaction.atomic
def remove_person(*, person_id: UUID, by: User, now: datetime) -> Evidence:
    """Take somebody off a video's list; returns the video.

    Raises:
        PersonSeen.DoesNotExist, Evidence.DoesNotExist: there is none, or it is somebody else's.
        NotAllowed, WindowClosed: the entry is not in preparation.
    """
    line, video, now = _locked_person(person_id, by, now)
    audit.record(actor=by, action="removed person seen", subject=line)
    line.delete()
    return video


@transaction.atomic
def state_nobody(*, evidence_id: UUID, by: User, now: datetime) -> Evidence:
    """Record that nobody can be recognised in a video; twice is once.

    Raises:
        Evidence.DoesNotExist: there is no such video, it was removed, or it is somebody else's.
        NotAllowed: somebody is recorded as seen; or the entry is not in preparation.
        WindowClosed: the window is over.
    """
    video, now = _locked_video(evidence_id, by, now)
    if video.people_seen.exists():
        raise NotAllowed(
            f"People are recorded as seen in “{video.original_name}”."
            " Remove them first if nobody can be recognised."
        )
    _, is_new = NobodySeen.objects.get_or_create(evidence=video, defaults={"stated_at": now})
    if is_new:
        audit.record(actor=by, action="stated nobody seen", subject=video)
    return video


@transaction.atomic
def take_back_nobody(*, evidence_id: UUID, by: User, now: datetime) -> Evidence:
    """Take the statement back that nobody can be recognised; twice is once.

    Raises:
        Evidence.DoesNotExist: there is no such video, it was removed, or it is somebody else's.
        NotAllowed, WindowClosed: the entry is not in preparation.
    """
    video, now = _locked_video(evidence_id, by, now)
    removed, _ = NobodySeen.objects.filter(evidence=video).delete()
    if removed:
        audit.record(actor=by, action="took back nobody seen", subject=video)
    return video


@transaction.atomic
def copy_people(*, evidence_id: UUID, source_id: UUID, by: User, now: datetime) -> int:
    """Record the people of another clip of the candidate here too; returns how many lines are new.

    The other clip may be one that this video replaced.  A form that was taken away covers nobody.

    Raises:
        Evidence.DoesNotExist: one of them is not there, or is somebody else's.
        NotAllowed, WindowClosed: the entry is not in preparation, or the list would be too long.
    """
    video, now = _locked_video(evidence_id, by, now)
    source = Evidence.objects.get(pk=source_id, entry__candidacy_id=video.entry.candidacy_id)
    recorded = list(video.people_seen.values_list("who", flat=True))
    lines = source.people_seen.select_related("release_form").order_by("added_at", "pk")
    new: dict[str, PersonSeen] = {}
    for line in lines:
        if line.who not in recorded:
            new.setdefault(line.who, _same_person(line, video, now))
    if not new:
        return 0
    _require_room(video, len(recorded) + len(new))
    NobodySeen.objects.filter(evidence=video).delete()
    PersonSeen.objects.bulk_create(new.values())
    people = [str(person.pk) for person in new.values()]
    detail = {"from": str(source.pk), "people": people}
    audit.record(actor=by, action="took over people seen", subject=video, detail=detail)
    return len(new)


def _same_person(line: PersonSeen, video: Evidence, now: datetime) -> PersonSeen:
    return PersonSeen(
        evidence=video,
        who=line.who,
        minors=line.minors,
        release_form=ledger.live_form(line),
        for_scoring=line.for_scoring,
        for_training=line.for_training,
        for_research=line.for_research,
        until_on=line.until_on,
        added_at=now,
    )


def open_release_form(*, form_id: UUID, by: User) -> ReleaseForm:
    """A release form for its owner or for staff to read; each look is on record.

    Raises:
        ReleaseForm.DoesNotExist: there is none, it was removed, or it is not for `by`.
    """
    form = ReleaseForm.objects.select_related("candidacy").get(pk=form_id, removed_at__isnull=True)
    if by.role != Role.STAFF and form.candidacy.account_id != by.pk:
        raise ReleaseForm.DoesNotExist
    audit.record(actor=by, action="opened release form", subject=form, detail={"sha256": form.sha256})
    return form


def _require_room(video: Evidence, lines: int) -> None:
    if lines > MOST_PEOPLE:
        raise NotAllowed(
            f"At most {MOST_PEOPLE} lines may be recorded for “{video.original_name}”."
            " Record groups, such as “grade 4, 22 students”, in one line."
        )


@transaction.atomic
def _require_preparable(entry_id: UUID, by: User, now: datetime) -> None:
    """A first look that spares everybody the upload of a form that cannot be kept."""
    _locked(entry_id, by, now)


@transaction.atomic
def _recorded(
    entry_id: UUID, by: User, form: Received, name: str, title: str, key: str, now: datetime
) -> ReleaseForm:
    entry, now = _locked(entry_id, by, now)
    present = ReleaseForm.objects.filter(candidacy_id=entry.candidacy_id, removed_at__isnull=True)
    same = present.filter(sha256=form.sha256).first()
    if same is not None:
        return same
    if present.count() >= MOST_FORMS:
        raise NotAllowed(
            f"{MOST_FORMS} release forms are kept for you already. Remove one that covers nobody."
        )
    kept = ReleaseForm.objects.create(
        candidacy_id=entry.candidacy_id,
        title=title,
        original_name=name,
        storage_key=key,
        format=form.format,
        size=form.size,
        sha256=form.sha256,
        uploaded_at=now,
    )
    audit.record(actor=by, action="added release form", subject=kept, detail={"sha256": kept.sha256})
    return kept


def _locked(entry_id: UUID, by: User, now: datetime) -> tuple[Entry, datetime]:
    """The entry, locked and in preparation, and the instant at which it was ours to change."""
    entry = locks.entry(entry_id, owner=by)
    now = clock.agreed(now)
    require_preparable(entry, now)
    return entry, now


def _locked_video(evidence_id: UUID, by: User, now: datetime) -> tuple[Evidence, datetime]:
    video = Evidence.objects.select_related("slot").get(
        pk=evidence_id, entry__candidacy__account=by, slot__kind=EvidenceKind.VIDEO
    )
    video.entry, now = _locked(video.entry_id, by, now)
    if Evidence.objects.filter(pk=evidence_id, removed_at__isnull=False).exists():
        raise Evidence.DoesNotExist
    return video, now


def _locked_person(person_id: UUID, by: User, now: datetime) -> tuple[PersonSeen, Evidence, datetime]:
    evidence_id = PersonSeen.objects.values_list("evidence_id", flat=True).get(
        pk=person_id, evidence__entry__candidacy__account=by
    )
    video, now = _locked_video(evidence_id, by, now)
    return PersonSeen.objects.get(pk=person_id), video, now


def _checked(person: NewPerson, video: Evidence) -> dict[str, object]:
    who = _printable(person.who)[:_TITLE_LENGTH]
    if not who:
        raise BadInput("Say who is seen: “the teacher”, or “grade 4, 22 students”.")
    form = None
    if person.release_form_id is not None:
        form = ReleaseForm.objects.filter(
            pk=person.release_form_id,
            candidacy_id=video.entry.candidacy_id,
            removed_at__isnull=True,
        ).first()
        if form is None:
            raise BadInput("That release form is not there any more. Choose another one, or upload it again.")
    return {
        "who": who,
        "minors": person.minors,
        "release_form": form,
        "for_scoring": person.for_scoring,
        "for_training": person.for_training,
        "for_research": person.for_research,
        "until_on": person.until_on,
    }


def _called(title: str, name: str) -> str:
    return (_printable(title) or name)[:_TITLE_LENGTH]


def _printable(text: str) -> str:
    return "".join(letter for letter in " ".join(text.split()) if letter.isprintable())
