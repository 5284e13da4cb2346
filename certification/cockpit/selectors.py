"""What staff see first: where the season stands, and what waits for a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Q
from django.urls import reverse

from candidates.models import Cohort, Registration
from candidates.states import CandidacyState, RegistrationState
from certification.kernel.models import AuditEvent, OutboxMessage
from certification.kernel.outbox import MAX_ATTEMPTS
from certification.kernel.templatetags.ui import YearItem
from payments import desk
from payments.models import Order, PurchaseOrder
from payments.selectors import overdue
from payments.states import UNDECIDED_PURCHASE_ORDERS, DisputeState, OrderState, PurchaseOrderState
from portfolio.matching import services as matching
from portfolio.models import Blinding, Entry
from portfolio.renditions import selectors as renditions
from portfolio.results.selectors import Blocker, blockers
from portfolio.states import BlindingState, EntryState, PreparationState
from scoring.models import Packet
from scoring.states import PacketState

RELEASE_HORIZON = timedelta(days=150)
_LATELY = timedelta(days=45)
_SOON = timedelta(days=320)
_ACTS_SHOWN = 8


@dataclass(frozen=True, slots=True)
class Task:
    """Something that waits for a person: how many, and where to do it.

    `urgent` holds somebody up; what only `informs` takes care of itself.
    """

    label: str
    count: int
    url: str
    urgent: bool = False
    informs: bool = False

    @property
    def waits(self) -> bool:
        return bool(self.count) and not self.informs

    @property
    def standing(self) -> str:
        """The class that gives the tile its colour."""
        if not self.count:
            return "is-done"
        if self.informs:
            return "is-told"
        return "is-urgent" if self.urgent else "is-waiting"


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
class BlockerLine:
    """An entry that the next release waits for, and the page where somebody sees to it."""

    blocker: Blocker
    url: str


@dataclass(frozen=True, slots=True)
class NextRelease:
    """When scores come out next, and everything that stands in the way."""

    release_at: datetime
    reasons: tuple[tuple[str, int], ...]
    lines: tuple[BlockerLine, ...]


@dataclass(frozen=True, slots=True)
class Cockpit:
    timeline: tuple[YearItem, ...]
    tasks: tuple[Task, ...]
    scoring: tuple[Task, ...]
    cohorts: tuple[CohortLine, ...]
    releases: tuple[NextRelease, ...]
    acts: tuple[AuditEvent, ...]

    @property
    def waiting(self) -> tuple[Task, ...]:
        """What waits, the urgent first."""
        return tuple(sorted((task for task in self.tasks if task.waits), key=lambda task: not task.urgent))

    @property
    def quiet(self) -> tuple[Task, ...]:
        return tuple(task for task in self.tasks if not task.waits)


def cockpit(now: datetime) -> Cockpit:
    """The season at a glance; the number of queries does not grow with the season."""
    return Cockpit(
        timeline=_timeline(now),
        tasks=_tasks(now),
        scoring=_scoring(),
        cohorts=_cohorts(),
        releases=_releases(blockers(now, RELEASE_HORIZON)),
        acts=tuple(AuditEvent.objects.exclude(action__startswith="looked at")[:_ACTS_SHOWN]),
    )


def _timeline(now: datetime) -> tuple[YearItem, ...]:
    """Windows and releases around `now`; cohorts that share an instant share a bar."""
    shared: dict[tuple[str, datetime, datetime | None], list[str]] = {}
    for cohort in Cohort.objects.prefetch_related("years").order_by("number"):
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
        YearItem(f"{what}: {', '.join(names)}", opens, closes)
        for (what, opens, closes), names in shared.items()
    ]
    return tuple(sorted(items, key=lambda item: item.opens))


def _near(begins: datetime, ends: datetime, now: datetime) -> bool:
    return ends >= now - _LATELY and begins <= now + _SOON


def _tasks(now: datetime) -> tuple[Task, ...]:
    flagged = Registration.objects.filter(flagged_for_staff=True, state=RegistrationState.COMPLETE)
    blindings = Blinding.objects.aggregate(
        **{state.value: Count("pk", filter=Q(state=state)) for state in BlindingState}
    )
    return (
        *_payment_tasks(now),
        Task(
            "Registrations with 60–69 % coaching time",
            flagged.count(),
            _list(
                "candidates_registration",
                f"flagged_for_staff__exact=1&state__exact={RegistrationState.COMPLETE}",
            ),
            informs=True,
        ),
        Task(
            "Unusable files in entries handed in",
            renditions.unusable_in_handed_in(),
            _list("portfolio_preparation", f"state__exact={PreparationState.REJECTED}&entry=handed_in"),
            urgent=True,
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
            "Packets nobody can score",
            len(matching.unmatched(now)),
            reverse("admin:portfolio_blinding_unmatched"),
            urgent=True,
        ),
        Task(
            "Mails that could not be sent",
            OutboxMessage.objects.filter(sent_at__isnull=True, attempts__gte=MAX_ATTEMPTS).count(),
            _list("kernel_outboxmessage", "delivery=given_up"),
            urgent=True,
        ),
    )


def _payment_tasks(now: datetime) -> tuple[Task, ...]:
    requests = PurchaseOrder.objects.aggregate(
        **{state.value: Count("pk", filter=Q(state=state)) for state in UNDECIDED_PURCHASE_ORDERS}
    )
    return (
        Task(
            "Purchase orders to decide",
            requests[PurchaseOrderState.REQUESTED.value],
            _list("payments_purchaseorder", f"state__exact={PurchaseOrderState.REQUESTED}"),
        ),
        Task(
            "Purchase orders asked back",
            requests[PurchaseOrderState.ASKED_BACK.value],
            _list("payments_purchaseorder", f"state__exact={PurchaseOrderState.ASKED_BACK}"),
            informs=True,
        ),
        Task(
            "Money to return",
            desk.to_return().count(),
            _list("payments_moneytoreturn", "standing=open"),
            urgent=True,
        ),
        Task(
            "Disputes to answer",
            desk.open_disputes().count(),
            _list("payments_dispute", f"state__exact={DisputeState.OPEN}"),
            urgent=True,
        ),
        Task(
            "Overdue invoices",
            overdue(now).count(),
            _list("payments_purchaseorder", "due=overdue"),
            urgent=True,
        ),
        Task(
            "Payments being checked",
            Order.objects.filter(state=OrderState.CHECKING).count(),
            _list("payments_order", f"state__exact={OrderState.CHECKING}"),
            informs=True,
        ),
    )


def _scoring() -> tuple[Task, ...]:
    entries = Entry.objects.aggregate(
        **{
            state.value: Count("pk", filter=Q(state=state))
            for state in (EntryState.DRAFT, EntryState.SUBMITTED, EntryState.SEALED)
        }
    )
    codes = Blinding.objects.filter(entry__state=EntryState.SEALED).values("packet_code")
    packets = Packet.objects.filter(code__in=codes).aggregate(
        **{state.value: Count("pk", filter=Q(state=state)) for state in PacketState}
    )
    return (
        Task(
            "In preparation", entries["draft"], _list("portfolio_entry", f"state__exact={EntryState.DRAFT}")
        ),
        Task(
            "Submitted",
            entries["submitted"],
            _list("portfolio_entry", f"state__exact={EntryState.SUBMITTED}"),
        ),
        Task("Sealed", entries["sealed"], _list("portfolio_entry", f"state__exact={EntryState.SEALED}")),
        *(
            Task(state.label, packets[state.value], _list("scoring_packet", f"state__exact={state}"))
            for state in PacketState
            if state is not PacketState.CLOSED
        ),
        # Packets of earlier years are closed too; what of them is not out yet is on the preview.
        Task(
            "Scored, not released",
            packets[PacketState.CLOSED.value],
            reverse("admin:portfolio_release_preview"),
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
        for cohort in counted.order_by("-number")
    )


def _releases(found: Sequence[Blocker]) -> tuple[NextRelease, ...]:
    """What blocks each release, the soonest first."""
    pages = dict(
        Blinding.objects.filter(entry__in=[blocker.entry_id for blocker in found]).values_list("entry", "pk")
    )
    return tuple(
        NextRelease(
            release_at=release_at,
            reasons=tuple(
                Counter(blocker.why for blocker in found if blocker.release_at == release_at).most_common()
            ),
            lines=tuple(
                BlockerLine(
                    blocker,
                    reverse("admin:portfolio_blinding_look", args=[pages[blocker.entry_id]])
                    if blocker.entry_id in pages
                    else reverse("admin:portfolio_entry_change", args=[blocker.entry_id]),
                )
                for blocker in found
                if blocker.release_at == release_at
            ),
        )
        for release_at in sorted({blocker.release_at for blocker in found})
    )


def _list(model: str, query: str) -> str:
    return f"{reverse(f'admin:{model}_changelist')}?{query}"
