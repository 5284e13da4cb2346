"""The one next thing for a candidate to do, or why there is nothing to do but wait.

Source: the programme's rules, sections 2 to 5.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from candidates.selectors import CandidacyCard, CardState, RegistrationCard
from candidates.states import CandidacyState
from certificates.selectors import Standing
from certification.kernel.windows import WindowState
from portfolio.results.selectors import ResultCard
from portfolio.selectors import CandidateOverview, EntryOverview
from portfolio.states import EntryState


@dataclass(frozen=True, slots=True)
class NextStep:
    """The one thing to do now; `waiting` when there is nothing to do but wait.

    What it speaks of is open from `opens` (when that is still to come) `until` then; `scores_at` is
    when scores come out.  `rehearsal` leads to the rehearsal of the upload, while that is worth while.
    """

    title: str
    body: str
    url: str = ""
    action: str = ""
    opens: datetime | None = None
    until: datetime | None = None
    scores_at: datetime | None = None
    waiting: bool = False
    rehearsal: str = ""


def registration_step(card: RegistrationCard) -> NextStep:
    """What a person does who is not enrolled."""
    return NextStep(
        title=card.title,
        body=card.body,
        url=card.next_url or card.order_url,
        action=card.next_label or "See the payment",
        opens=card.opens,
        until=card.until,
        waiting=not card.next_url or card.state in {CardState.UPCOMING, CardState.LAPSED},
    )


def candidacy_step(
    candidacy: CandidacyCard,
    *,
    overview: CandidateOverview | None,
    past: Sequence[ResultCard],
    certificate: Standing,
    certificate_number: str | None,
    release_at: datetime | None,
    again: RegistrationCard,
) -> NextStep:
    """What an enrolled person does; `again` is their next chance to register, once it is over."""
    if candidacy.state == CandidacyState.CERTIFIED:
        return _certificate_step(certificate, certificate_number)
    if overview is None:
        return NextStep(
            "Your candidacy has ended",
            f"You may register again and start over. {again.title}.",
            url=past[-1].url if past else reverse("candidates:register"),
            action="Read your results" if past else "See when registration opens",
            opens=again.opens,
            waiting=True,
        )
    return _entry_step(overview, past, release_at)


def _certificate_step(standing: Standing, number: str | None) -> NextStep:
    if standing is Standing.REVOKED:
        return NextStep(
            "Your certificate was revoked",
            "If you do not know why, write to the programme office.",
            waiting=True,
        )
    if number is None:
        return NextStep(
            "You are certified",
            "Congratulations. Your certificate is being made and appears here within minutes.",
            waiting=True,
        )
    return NextStep(
        "You are certified",
        "Congratulations. Your certificate is ready.",
        url=reverse("certificates:download", args=[number]),
        action="Download your certificate",
    )


def _entry_step(
    overview: CandidateOverview, past: Sequence[ResultCard], release_at: datetime | None
) -> NextStep:
    ready = [entry for entry in overview.entries if entry.may_prepare and _is_ready(entry)]
    unfinished = [entry for entry in overview.entries if entry.may_prepare and not entry.is_complete]
    if ready and ready[0].is_open:
        return NextStep(
            f"Submit {ready[0].title}",
            "Every required piece is there. Look through it once more, then submit it.",
            url=ready[0].url,
            action="Review and submit",
            until=ready[0].closes_at,
        )
    if unfinished:
        return _unfinished_step(unfinished[0])
    if ready:
        return NextStep(
            _prepared(ready),
            "Nothing is handed in yet: come back when submission opens. We write to you then.",
            url=ready[0].url,
            action="Look it over",
            opens=_opens(ready[0]),
            until=ready[0].closes_at,
            waiting=True,
        )
    return _waiting_step(overview, past, release_at)


def _unfinished_step(entry: EntryOverview) -> NextStep:
    begun = entry.entry_id is not None
    if entry.has_every_piece and entry.consent_gap:
        url, _ = entry.consent_gap
        return NextStep(
            "Say who is seen in your videos",
            f"Every required piece of {entry.title} is there. What is open is who is seen, and which release"
            " form covers them.",
            url=url,
            action="Say who is seen",
            opens=_opens(entry),
            until=entry.closes_at,
        )
    return NextStep(
        f"Go on with {entry.title}" if begun else f"Begin {entry.title}",
        f"{entry.filled} of {entry.required} required pieces are there." if begun else entry.reason,
        url=entry.url,
        action=entry.action,
        opens=_opens(entry),
        until=entry.closes_at,
    )


def _waiting_step(
    overview: CandidateOverview, past: Sequence[ResultCard], release_at: datetime | None
) -> NextStep:
    states = {entry.state for entry in overview.entries}
    if EntryState.SUBMITTED in states:
        return NextStep(
            "Your work is handed in",
            "Until the window closes you may withdraw an entry, change it and submit it again.",
            until=overview.window.closes if overview.window else None,
            scores_at=release_at,
            waiting=True,
        )
    if EntryState.SEALED in states:
        return NextStep(
            "Your work is being scored",
            "Trained scorers read it without knowing whose it is.",
            scores_at=release_at,
            waiting=True,
        )
    if overview.window_state is WindowState.AFTER:
        return NextStep(
            "The submission window is over",
            "You handed in nothing in this year. What is open next is shown here after this year’s scores.",
            scores_at=release_at,
            waiting=True,
        )
    return NextStep(
        "Nothing is open this year",
        "Each entry below says why." + (" Your results say what opens next." if past else ""),
        url=past[-1].url if past else "",
        action="Read your results",
        waiting=True,
    )


def _prepared(entries: Sequence[EntryOverview]) -> str:
    return f"{entries[0].title} is prepared" if len(entries) == 1 else "Your entries are prepared"


def _opens(entry: EntryOverview) -> datetime | None:
    return entry.window.opens if entry.window and not entry.is_open else None


def _is_ready(entry: EntryOverview) -> bool:
    return entry.is_complete and entry.state == EntryState.DRAFT
