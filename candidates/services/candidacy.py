"""What happens to a candidacy after enrolment: a later deadline, and its end."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.models import Role, User
from candidates import locks, mails, selectors
from candidates.models import Candidacy, CohortYear, DeadlineExtension
from candidates.states import CANDIDACY_ALLOWED, CandidacyState
from certification.kernel import audit, states
from certification.kernel.errors import BadInput, NotAllowed
from certification.kernel.windows import spoken


@transaction.atomic
def extend_deadline(
    *, candidacy_id: UUID, year: int, closes_at: datetime, reason: str, by: User, now: datetime
) -> DeadlineExtension:
    """Give one person a later end of one year's submission, before or after the window closed.

    The same extension again is the row that stands.  An extension only ever moves the end later, and
    never beyond the year's release of scores.  Source: the programme's rules, section 2.

    Raises:
        NotAllowed: `by` is not staff, or the candidacy has ended.
        BadInput: no reason, no such year, or an end that is not later than the present one.
    """
    if by.role != Role.STAFF:
        raise NotAllowed("Only staff extend deadlines.")
    candidacy = locks.candidacy(candidacy_id)
    reason = " ".join(reason.split())
    replayed = candidacy.extensions.filter(year=year, closes_at=closes_at, reason=reason).first()
    if replayed is not None:
        return replayed
    _require_extendable(candidacy, year, closes_at, reason, now)
    extension = DeadlineExtension.objects.create(
        candidacy=candidacy, year=year, closes_at=closes_at, reason=reason, granted_by=by, granted_at=now
    )
    audit.record(
        actor=by,
        action="extended deadline",
        subject=candidacy,
        detail={
            "year": year,
            "until": spoken(closes_at, candidacy.cohort.zone, ending=True),
            "closes_at": closes_at.isoformat(),
            "reason": reason,
        },
    )
    mails.extended(candidacy, extension)
    return extension


@transaction.atomic
def conclude_candidacy(*, candidacy_id: UUID, state: CandidacyState, ended_as: str, now: datetime) -> None:
    """End a candidacy as certified or ended; `ended_as` says how in a word or two.

    Raises:
        NotAllowed: it has ended otherwise already.
    """
    candidacy = locks.candidacy(candidacy_id)
    if candidacy.state == state:
        return
    states.require(CANDIDACY_ALLOWED, candidacy.state, state, what=f"Candidacy {candidacy.number}")
    candidacy.state = state
    candidacy.ended_at = now
    candidacy.ended_as = ended_as
    candidacy.save(update_fields=["state", "ended_at", "ended_as"])
    audit.record(
        actor=None,
        action="concluded candidacy",
        subject=candidacy,
        detail={"state": str(state), "as": ended_as},
    )


def _require_extendable(
    candidacy: Candidacy, year: int, closes_at: datetime, reason: str, now: datetime
) -> None:
    if candidacy.state != CandidacyState.ACTIVE:
        raise NotAllowed(f"Candidacy {candidacy.number} has ended, so there is no deadline to extend.")
    if not reason:
        raise BadInput("An extension needs a reason. Write down why this person gets more time.")
    of_year = CohortYear.objects.filter(cohort_id=candidacy.cohort_id, number=year).first()
    if of_year is None:
        raise BadInput(f"{candidacy.cohort} has no year {year}. Choose one of its years.")
    zone = candidacy.cohort.zone
    stands = selectors.submission_window(candidacy, year).closes
    if closes_at <= stands or closes_at <= now:
        raise BadInput(
            "An extension must end later than the deadline that stands"
            f" ({spoken(stands, zone, ending=True)}) and in the future. Choose a later instant."
        )
    if closes_at > of_year.release_at:
        raise BadInput(
            f"Year {year}'s scores come out on {spoken(of_year.release_at, zone)}. Choose an end before that."
        )
