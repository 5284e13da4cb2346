"""What staff see first: where the season stands, and what waits for a person."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q
from django.urls import reverse

from candidates.models import Cohort, Registration
from candidates.states import CandidacyState, RegistrationState
from certification.kernel.models import OutboxMessage
from certification.kernel.outbox import MAX_ATTEMPTS
from certification.kernel.templatetags.ui import YearItem
from payments.models import LedgerRow, Order, PurchaseOrder
from payments.states import LedgerKind, OrderState, PurchaseOrderState
from portfolio.models import Blinding, Entry
from portfolio.results.selectors import Blocker, blockers
from portfolio.states import BlindingState, EntryState
from scoring.models import Packet
from scoring.states import PacketState

RELEASE_HORIZON = timedelta(days=150)
_LATELY = timedelta(days=45)
_SOON = timedelta(days=320)


@dataclass(frozen=True, slots=True)
class Task:
    """Something that waits for a person: how many, and where to do it."""

    label: str
    count: int
    url: str
    urgent: bool = False


@dataclass(frozen=True, slots=True)
class CohortLine:
    """One cohort at a glance."""

    name: str
    url: str
    candidates: int
    active: int
    certified: int
    ended: int


@dataclass(frozen=True, slots=True)
class Cockpit:
    timeline: tuple[YearItem, ...]
    tasks: tuple[Task, ...]
    scoring: tuple[Task, ...]
    cohorts: tuple[CohortLine, ...]
    blockers: tuple[Blocker, ...]

    @property
    def nothing_waits(self) -> bool:
        return not any(task.count for task in self.tasks)


def cockpit(now: datetime) -> Cockpit:
    """The season at a glance; the number of queries does not grow with the season."""
    return Cockpit(
        timeline=_timeline(now),
        tasks=_tasks(),
        scoring=_scoring(),
        cohorts=_cohorts(),
        blockers=tuple(blockers(now, RELEASE_HORIZON)),
    )


def _timeline(now: datetime) -> tuple[YearItem, ...]:
    """Windows and releases around `now`; cohorts that share an instant share a bar."""
    shared: dict[tuple[str, datetime, datetime | None], list[str]] = {}
    for cohort in Cohort.objects.prefetch_related("years"):
        window = cohort.registration_window
        if _near(window.opens, window.closes, now):
            shared.setdefault(("Registration", window.opens, window.closes), []).append(cohort.name)
        for year in cohort.years.all():
            whose = f"{cohort.name} (year {year.number})"
            opens, closes = year.submission_opens_at, year.submission_closes_at
            if _near(opens, closes, now):
                shared.setdefault(("Submission", opens, closes), []).append(whose)
            if _near(year.release_at, year.release_at, now):
                shared.setdefault(("Scores", year.release_at, None), []).append(whose)
    items = [
        YearItem(f"{what}: {', '.join(sorted(names))}", opens, closes)
        for (what, opens, closes), names in shared.items()
    ]
    return tuple(sorted(items, key=lambda item: item.opens))


def _near(begins: datetime, ends: datetime, now: datetime) -> bool:
    return ends >= now - _LATELY and begins <= now + _SOON


def _tasks() -> tuple[Task, ...]:
    registrations = Registration.objects.aggregate(
        flagged=Count("pk", filter=Q(flagged_for_staff=True, state=RegistrationState.COMPLETE)),
    )
    blindings = Blinding.objects.aggregate(
        **{state.value: Count("pk", filter=Q(state=state)) for state in BlindingState}
    )
    return (
        Task(
            "Purchase orders to decide",
            PurchaseOrder.objects.filter(state=PurchaseOrderState.REQUESTED).count(),
            _list("payments_purchaseorder", f"state__exact={PurchaseOrderState.REQUESTED}"),
        ),
        Task(
            "Money to return",
            LedgerRow.objects.filter(kind=LedgerKind.TO_RETURN).count(),
            _list("payments_ledgerrow", f"kind__exact={LedgerKind.TO_RETURN}"),
            urgent=True,
        ),
        Task(
            "Payments being checked",
            Order.objects.filter(state=OrderState.CHECKING).count(),
            _list("payments_order", f"state__exact={OrderState.CHECKING}"),
        ),
        Task(
            "Registrations with 60–69 % coaching time",
            registrations["flagged"],
            _list("candidates_registration", "flagged_for_staff__exact=1"),
        ),
        Task(
            "Blindings to check",
            blindings["cleaned"],
            _list("portfolio_blinding", f"state__exact={BlindingState.CLEANED}"),
        ),
        Task(
            "Blindings for a second person",
            blindings["checked"],
            _list("portfolio_blinding", f"state__exact={BlindingState.CHECKED}"),
        ),
        Task(
            "Entries that could not be cleaned",
            blindings["failed"],
            _list("portfolio_blinding", f"state__exact={BlindingState.FAILED}"),
            urgent=True,
        ),
        Task(
            "Mails that could not be sent",
            OutboxMessage.objects.filter(sent_at__isnull=True, attempts__gte=MAX_ATTEMPTS).count(),
            _list("kernel_outboxmessage", "sent_at__isnull=1"),
            urgent=True,
        ),
    )


def _scoring() -> tuple[Task, ...]:
    entries = Entry.objects.aggregate(
        **{
            state.value: Count("pk", filter=Q(state=state))
            for state in (EntryState.DRAFT, EntryState.SUBMITTED, EntryState.SEALED)
        }
    )
    packets = Packet.objects.aggregate(
        **{state.value: Count("pk", filter=Q(state=state)) for state in PacketState}
    )
    sealed = _list("portfolio_entry", f"state__exact={EntryState.SEALED}")
    return (
        Task(
            "In preparation", entries["draft"], _list("portfolio_entry", f"state__exact={EntryState.DRAFT}")
        ),
        Task(
            "Submitted",
            entries["submitted"],
            _list("portfolio_entry", f"state__exact={EntryState.SUBMITTED}"),
        ),
        Task("Sealed, not released", entries["sealed"], sealed),
        *(
            Task(state.label, packets[state.value], _list("scoring_packet", f"state__exact={state}"))
            for state in PacketState
        ),
    )


def _cohorts() -> tuple[CohortLine, ...]:
    counted = Cohort.objects.annotate(
        everyone=Count("candidacies"),
        active=Count("candidacies", filter=Q(candidacies__state=CandidacyState.ACTIVE)),
        certified=Count("candidacies", filter=Q(candidacies__state=CandidacyState.CERTIFIED)),
        ended=Count("candidacies", filter=Q(candidacies__state=CandidacyState.ENDED)),
    )
    return tuple(
        CohortLine(
            name=cohort.name,
            url=_list("candidates_candidacy", f"cohort__id__exact={cohort.pk}"),
            candidates=cohort.everyone,
            active=cohort.active,
            certified=cohort.certified,
            ended=cohort.ended,
        )
        for cohort in counted
    )


def _list(model: str, query: str) -> str:
    return f"{reverse(f'admin:{model}_changelist')}?{query}"
