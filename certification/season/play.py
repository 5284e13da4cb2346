"""A cohort's whole life, played through the services and reconcilers the site uses.

The clock travels; people act at the instants a calendar gives them; after each act the reconcilers
converge, exactly as beat would make them.  Nothing is written behind a service's back.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

from django.core.files import File

from candidates import services as candidates
from candidates.answers import About, Employment
from candidates.models import Candidacy, Registration
from candidates.states import AffirmationKind
from candidates.selectors import submission_window
from certification.kernel import clock, reconcile
from certification.kernel.blindwall import blinded
from certification.kernel.errors import Refusal, WindowClosed
from certification.kernel.windows import CandidacyYear, calendar_for
from payments import services as payments
from payments.gateways import sandbox
from payments.models import Order, PurchaseOrder
from portfolio import services as portfolio
from portfolio.blinding import services as blinding
from portfolio.models import Blinding, Entry, EntryScore, Slot
from portfolio.states import BlindingState
from scoring import api as scoring
from scoring import services as scorers
from scoring.models import Assignment
from scoring.states import AssignmentRole, AssignmentState

from . import cast, plan
from .plan import Paying

GOOD_CARD, DECLINED_CARD, PENDING_CARD = "4242424242424242", "4000000000000002", "4000000000000077"
_INSTANT = timedelta(microseconds=1)

Advance = Callable[[str], None]
Converge = Callable[[datetime], None]


@dataclass(frozen=True, slots=True)
class Options:
    """What is played: how many candidates, over how many years, from which seed and first year."""

    candidates: int = 24
    years: int = 3
    seed: int = 1
    first_year: int = 2027


@dataclass(slots=True)
class Season:
    """A played season: the stage, and what was observed at the instants that matter."""

    options: Options
    stage: cast.Stage
    open_entries: dict[tuple[str, int], tuple[str, ...]] = field(default_factory=dict)
    observations: list[tuple[str, bool]] = field(default_factory=list)

    def observe(self, what: str, holds: bool) -> None:
        """Remember whether something that must hold held at its instant."""
        self.observations.append((what, holds))


def converge(now: datetime) -> None:
    """Let every reconciler run until nothing changes any more."""
    reconcile.run_all(now)


def steps(options: Options) -> int:
    """How many times `play` advances, for a progress bar."""
    return 3 + 5 * options.years


def play(
    options: Options, folder: Path, *, settle: Converge = converge, advance: Advance = lambda label: None
) -> Season:
    """Play the whole season in the current database and storages.

    Args:
        folder: where candidates keep their files.
        settle: what makes the reconcilers converge after each act; tests pass one that kills workers.
        advance: called with a label after each act.
    """
    from django.conf import settings

    calendar = calendar_for(options.first_year, settings.PROGRAMME_ZONE)
    opening = calendar.registration.opens
    people = plan.people(options.candidates, options.seed)

    with _at(opening - timedelta(days=14)) as now:
        season = Season(
            options,
            cast.set_stage(people, seed=options.seed, first_year=options.first_year, folder=folder, now=now),
        )
        settle(now)
    advance("cohort announced")

    with _at(opening - _INSTANT) as now:
        season.observe(
            "registration a microsecond before 1 November is refused",
            _is_closed(lambda: _start(season, 0, now)),
        )
    with _at(opening + timedelta(days=4)) as now:
        for player in season.stage.players:
            _register(season, player, now)
        settle(now)
    with _at(opening + timedelta(days=6)) as now:
        _settle_pending(season, now)
        settle(now)
    advance("registered and paid")

    with _at(calendar.registration.closes) as now:
        season.observe(
            "registration at 1 February 00:00 is refused", _is_closed(lambda: _late_registration(season, now))
        )
        settle(now)
    _find_candidacies(season)
    advance("registration closed")

    for year in calendar.years[: options.years]:
        _play_year(season, year, settle, advance)
    return season


def _play_year(season: Season, year: CandidacyYear, settle: Converge, advance: Advance) -> None:
    with _at(year.submission.opens - _INSTANT) as now:
        settle(now)
        _note_open_entries(season, year.number, year.submission.opens)
        _prepare(season, year.number, now)
        season.observe(
            f"year {year.number}: submitting a microsecond before 1 May is refused",
            _submission_is_closed(season, year.number, now),
        )
    advance(f"year {year.number}: portfolios built")

    with _at(year.submission.closes - _INSTANT) as now:
        for entry in _drafts(season, year.number):
            portfolio.submit_entry(entry_id=entry.pk, by=entry.candidacy.account, now=now)
        settle(now)
    with _at(year.submission.closes) as now:
        season.observe(
            f"year {year.number}: withdrawing at 16 June 00:00 is refused",
            _withdrawal_is_closed(season, year.number, now),
        )
        settle(now)
    advance(f"year {year.number}: submitted and sealed")

    with _at(year.submission.closes + timedelta(days=7)) as now:
        _check_and_sign_off(season, now)
        settle(now)
    advance(f"year {year.number}: blinded")

    with _at(year.submission.closes + timedelta(days=40)) as now:
        _score(season, AssignmentRole.SCORER, now)
        settle(now)
    with _at(year.submission.closes + timedelta(days=60)) as now:
        _score(season, AssignmentRole.ADJUDICATOR, now)
        settle(now)
    advance(f"year {year.number}: scored and adjudicated")

    with _at(year.release_at - _INSTANT) as now:
        released = EntryScore.objects.filter(entry__year=year.number).count()
        settle(now)
        season.observe(
            f"year {year.number}: nothing is released a microsecond before 31 October, 09:00",
            released == 0 == EntryScore.objects.filter(entry__year=year.number).count(),
        )
    with _at(year.release_at) as now:
        settle(now)
    advance(f"year {year.number}: scores released")


# ---- registration and payment ----


def _start(season: Season, index: int, now: datetime) -> Registration:
    return candidates.start_registration(
        account=season.stage.players[index].account, cohort_id=season.stage.cohort.pk, now=now
    )


def _late_registration(season: Season, now: datetime) -> Registration:
    late = cast._account("late.comer@elsewhere.example", "Late Comer", cast.Role.CANDIDATE)
    return candidates.start_registration(account=late, cohort_id=season.stage.cohort.pk, now=now)


def _register(season: Season, player: cast.Player, now: datetime) -> None:
    person, by = player.person, player.account
    registration = candidates.start_registration(account=by, cohort_id=season.stage.cohort.pk, now=now)
    player.registration_id = registration.pk
    of = {"registration_id": registration.pk, "by": by, "now": now}
    candidates.save_about(answers=About(person.name), **of)
    candidates.save_employment(
        answers=Employment(
            school=person.school,
            district=person.district,
            country="United States",
            role_title="Instructional coach",
            full_time=True,
            years_employed=person.script.years_employed,
            coaching_percent=person.script.percent,
        ),
        **of,
    )
    if Decimal(60) <= person.script.percent < Decimal(70):
        candidates.acknowledge_advisory(**of)
    candidates.affirm(kinds=list(AffirmationKind.values), **of)
    candidates.finish_registration(**of)
    _pay(season, player, now)


def _pay(season: Season, player: cast.Player, now: datetime) -> None:
    order = Order.objects.filter(purpose_id=player.registration_id).first()
    if order is None:
        return
    match player.person.script.paying:
        case Paying.CARD:
            _pay_by_card(order, player, GOOD_CARD, now)
        case Paying.DECLINED_FIRST:
            _pay_by_card(order, player, DECLINED_CARD, now)
            _pay_by_card(order, player, GOOD_CARD, now)
        case Paying.PENDING_FIRST:
            _pay_by_card(order, player, PENDING_CARD, now)
        case Paying.PURCHASE_ORDER:
            _pay_by_purchase_order(season, order, player, now)
        case Paying.NEVER:
            pass


def _pay_by_card(order: Order, player: cast.Player, card: str, now: datetime) -> None:
    started = payments.start_payment(
        order_id=order.pk, by=player.account, gateway="sandbox", return_url="/", now=now
    )
    sandbox.decide(
        reference=order.attempts.get(pk=started.attempt_id).provider_ref, card_number=card, now=now
    )
    payments.check_attempt(attempt_id=started.attempt_id, now=now)


def _pay_by_purchase_order(season: Season, order: Order, player: cast.Player, now: datetime) -> None:
    request: PurchaseOrder = payments.request_purchase_order(
        order_id=order.pk,
        by=player.account,
        details=payments.PurchaseOrderDetails(
            number=f"PO-{player.person.alias}",
            organisation=player.person.district,
            billing_name="Accounts Payable",
            billing_email="payable@district.example",
            billing_address="1 Main Street",
        ),
        now=now,
    )
    payments.accept_purchase_order(purchase_order_id=request.pk, by=season.stage.staff[0], now=now)


def _settle_pending(season: Season, now: datetime) -> None:
    for player in season.stage.players:
        if player.person.script.paying is Paying.PENDING_FIRST:
            for order in Order.objects.filter(purpose_id=player.registration_id):
                for attempt in order.attempts.all():
                    sandbox.settle_pending(reference=attempt.provider_ref, approved=True, now=now)


def _find_candidacies(season: Season) -> None:
    found = dict(Candidacy.objects.values_list("registration_id", "pk"))
    for player in season.stage.players:
        player.candidacy_id = found.get(player.registration_id)


# ---- portfolio ----


def _note_open_entries(season: Season, year: int, opens: datetime) -> None:
    for player in season.stage.players:
        if player.candidacy_id is None:
            continue
        candidacy = Candidacy.objects.get(pk=player.candidacy_id)
        if candidacy.state == "active":
            season.open_entries[player.person.alias, year] = tuple(
                portfolio.open_entries_for(candidacy, opens).entries
            )


def _prepare(season: Season, year: int, now: datetime) -> None:
    slots: dict[str, list[Slot]] = {}
    for slot in Slot.objects.filter(template__framework__slug=cast.FRAMEWORK).select_related("template"):
        slots.setdefault(slot.template.key, []).append(slot)
    for player in season.stage.players:
        if player.candidacy_id is None:
            continue
        for key in player.person.script.years.get(year, {}):
            entry = portfolio.start_entry(
                candidacy_id=player.candidacy_id, entry_key=key, by=player.account, now=now
            )
            for slot in slots[key]:
                if slot.required:
                    _fill(player, entry, slot, now)


def _fill(player: cast.Player, entry: Entry, slot: Slot, now: datetime) -> None:
    for number in range(slot.min_files):
        if slot.kind == "video":
            path = player.video(f"Classroom clip {number + 1}")
        else:
            as_docx = "docx" in slot.formats and slot.ordinal % 2 == 0
            path = player.document(f"Written pieces {number + 1}", "docx" if as_docx else "pdf")
        with path.open("rb") as file:
            portfolio.add_evidence(
                entry_id=entry.pk,
                slot_key=slot.key,
                by=player.account,
                file=File(file, name=path.name),
                name=f"{slot.ordinal}-{number} {path.name}",
                now=now,
            )


def _drafts(season: Season, year: int) -> Iterator[Entry]:
    return iter(Entry.objects.filter(year=year, state="draft").select_related("candidacy__account"))


def _submission_is_closed(season: Season, year: int, now: datetime) -> bool:
    entry = next(_drafts(season, year), None)
    return entry is None or _is_closed(
        lambda: portfolio.submit_entry(entry_id=entry.pk, by=entry.candidacy.account, now=now)
    )


def _withdrawal_is_closed(season: Season, year: int, now: datetime) -> bool:
    entry = Entry.objects.filter(year=year, state="submitted").select_related("candidacy__account").first()
    return entry is None or (
        now >= submission_window(entry.candidacy, year).closes
        and _is_closed(
            lambda: portfolio.withdraw_entry(entry_id=entry.pk, by=entry.candidacy.account, now=now)
        )
    )


# ---- blinding and scoring ----


def _check_and_sign_off(season: Season, now: datetime) -> None:
    first, second = season.stage.staff
    for row in Blinding.objects.filter(state=BlindingState.CLEANED):
        try:
            blinding.check_blinding(blinding_id=row.pk, by=first, now=now)
            blinding.sign_off_blinding(blinding_id=row.pk, by=first, now=now)
        except Refusal:
            season.observe("the checker may not sign off their own check", True)
        else:
            season.observe("the checker may not sign off their own check", False)
        blinding.sign_off_blinding(blinding_id=row.pk, by=second, now=now)


def _score(season: Season, role: str, now: datetime) -> None:
    aliases = {player.candidacy_id: player for player in season.stage.players}
    entries = {
        row.packet_code: row.entry
        for row in Blinding.objects.exclude(packet_code=None).select_related("entry__template")
    }
    waiting = Assignment.objects.filter(role=role, state=AssignmentState.ASSIGNED).select_related("packet")
    turns: dict[str, int] = {}
    for assignment in waiting.order_by("packet__code", "scorer__alias"):
        code = assignment.packet.code
        entry = entries[code]
        work = aliases[entry.candidacy_id].person.script.years[entry.year][entry.template.key]
        turn = turns[code] = turns.get(code, -1) + 1
        _read(season, assignment, work, turn if role == AssignmentRole.SCORER else 0, now)


def _read(season: Season, assignment: Assignment, work: plan.Work, turn: int, now: datetime) -> None:
    rules = scoring.rule_set(assignment.packet.rule_set_id)
    key = assignment.packet.rubric_entry.key
    judge = season.stage.judges[assignment.scorer_id]
    ratings = (
        {}
        if work.condition
        else plan.points_for(
            work, rules.scale.values, rules.entry(key).look_for_keys, severity=judge.severity, turn=turn
        )
    )
    of = {"scorer_id": assignment.scorer_id, "assignment_id": assignment.pk, "now": now}
    with blinded(assignment.scorer_id):
        scorers.open_assignment(**of)
        scorers.submit_reading(ratings=ratings, condition=work.condition or "", note="", **of)


# ---- time ----


@contextmanager
def _at(instant: datetime) -> Iterator[datetime]:
    with clock.fixed(instant):
        yield clock.now()


def _is_closed(act: Callable[[], object]) -> bool:
    try:
        act()
    except WindowClosed:
        return True
    return False
