"""Providers' messages: kept once, and answered by asking.

A message is a bell.  What it says is not believed; it only names the payment to ask about, and
whoever rings ten times for one payment causes one question.
"""

from __future__ import annotations

import logging
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from certification.kernel import reconcile
from payments.gateways import ProviderEvent
from payments.models import PaymentAttempt, WebhookEvent
from payments.patience import Patience
from payments.states import EventKind

from .attempts import check_attempt
from .disputes import check_dispute

logger = logging.getLogger(__name__)

# What one pass takes on of one provider's messages.
_BATCH = 5_000


def store_event(*, gateway: str, event: ProviderEvent, now: datetime) -> None:
    """Keep a message whose sender is certain, and wake whoever answers it.  Twice is once."""
    message = WebhookEvent(
        gateway=gateway,
        event_id=event.event_id,
        topic=event.topic[:80],
        kind=event.kind,
        reference=event.reference[:120],
        idempotency_key=event.idempotency_key[:80],
        occurred_at=event.occurred_at,
        received_at=now,
    )
    WebhookEvent.objects.bulk_create([message], ignore_conflicts=True)
    reconcile.ring("payments.handle_events")


def handle_events(*, now: datetime) -> dict[str, int]:
    """Ask about everything that messages rang for, once each.  Returns the messages handled, by kind.

    A message whose provider is silent, or whose handling goes wrong, waits for the next pass.  They are
    taken in no order, so that those which can never be answered do not stand before the others.
    """
    patience = Patience()
    handled: Counter[str] = Counter()
    waiting = WebhookEvent.objects.filter(handled_at__isnull=True)
    for gateway in list(waiting.order_by().values_list("gateway", flat=True).distinct()):
        events = list(waiting.filter(gateway=gateway).order_by("?")[:_BATCH])
        for subject in _subjects(gateway, events):
            if not patience.lasts(gateway):
                break
            if (outcome := _outcome(subject, gateway, patience, now)) is not None:
                rung_by = waiting.filter(pk__in=[event.pk for event in subject.events])
                handled[subject.kind] += rung_by.update(handled_at=now, outcome=outcome[:200])
    return dict(handled)


@dataclass(frozen=True, slots=True)
class _Subject:
    """What one or many messages rang for, and how to find out about it."""

    kind: EventKind
    events: list[WebhookEvent]
    find_out: Callable[[datetime], str]


def _outcome(subject: _Subject, gateway: str, patience: Patience, now: datetime) -> str | None:
    """What was found out, as staff read it; None while it is to be tried again."""

    def say_that_it_went_wrong(mistake: Exception) -> None:
        tried = f"Went wrong ({type(mistake).__name__}), and is tried again."
        keys = [event.pk for event in subject.events]
        WebhookEvent.objects.filter(pk__in=keys, handled_at__isnull=True).update(outcome=tried)

    return patience.ask(
        gateway,
        f"what {len(subject.events)} messages of {gateway} rang for",
        lambda: subject.find_out(now),
        went_wrong=say_that_it_went_wrong,
    )


def _subjects(gateway: str, events: list[WebhookEvent]) -> Iterator[_Subject]:
    of_kind: dict[str, list[WebhookEvent]] = defaultdict(list)
    for event in events:
        of_kind[event.kind].append(event)
    if nothing_of_ours := of_kind[EventKind.OTHER]:
        yield _Subject(
            EventKind.OTHER, nothing_of_ours, lambda now: "Nothing of ours: kept, and not acted on."
        )
    yield from _payments(gateway, of_kind[EventKind.PAYMENT])
    yield from _disputes(gateway, of_kind[EventKind.DISPUTE])


def _payments(gateway: str, events: list[WebhookEvent]) -> Iterator[_Subject]:
    by_reference = _attempts_by_reference(gateway, events)
    by_key = _attempts_by_key(gateway, events)
    rung: dict[UUID, list[WebhookEvent]] = defaultdict(list)
    unknown, strange = [], []
    for event in events:
        attempt = by_reference.get(event.reference) or by_key.get(event.idempotency_key)
        if attempt is None:
            unknown.append(event)
        elif event.reference and attempt.provider_ref not in ("", event.reference):
            strange.append(event)
        else:
            rung[attempt.pk].append(event)
    if unknown:
        yield _Subject(EventKind.PAYMENT, unknown, _nobody_knows(unknown, "No payment of ours."))
    if strange:
        second = "A second payment for a try that has one: look it up at the provider."
        yield _Subject(EventKind.PAYMENT, strange, _nobody_knows(strange, second))
    for attempt_id, bells in rung.items():
        reference = next((event.reference for event in bells if event.reference), "")
        yield _Subject(EventKind.PAYMENT, bells, _ask_about(attempt_id, reference))


def _disputes(gateway: str, events: list[WebhookEvent]) -> Iterator[_Subject]:
    by_reference: dict[str, list[WebhookEvent]] = defaultdict(list)
    for event in events:
        by_reference[event.reference].append(event)
    for reference, bells in by_reference.items():
        yield _Subject(EventKind.DISPUTE, bells, _look_up_dispute(gateway, reference))


def _ask_about(attempt_id: UUID, reference: str) -> Callable[[datetime], str]:
    def find_out(now: datetime) -> str:
        # The provider may ring before it has answered the request that opened the page.
        PaymentAttempt.objects.filter(pk=attempt_id, provider_ref="").update(provider_ref=reference)
        check_attempt(attempt_id=attempt_id, now=now)
        attempt = PaymentAttempt.objects.get(pk=attempt_id)
        return f"Asked: the payment has {attempt.get_state_display().lower()}."

    return find_out


def _look_up_dispute(gateway: str, reference: str) -> Callable[[datetime], str]:
    return lambda now: check_dispute(gateway=gateway, reference=reference, now=now)


def _nobody_knows(events: list[WebhookEvent], outcome: str) -> Callable[[datetime], str]:
    def find_out(now: datetime) -> str:
        logger.warning("payments: %d messages: %s", len(events), outcome)
        return outcome

    return find_out


def _attempts_by_reference(gateway: str, events: Iterable[WebhookEvent]) -> dict[str, PaymentAttempt]:
    references = {event.reference for event in events if event.reference}
    attempts = PaymentAttempt.objects.filter(gateway=gateway, provider_ref__in=references)
    return {attempt.provider_ref: attempt for attempt in attempts}


def _attempts_by_key(gateway: str, events: Iterable[WebhookEvent]) -> dict[str, PaymentAttempt]:
    order_ids = {order_id for event in events if (order_id := _order_of(event.idempotency_key))}
    attempts = PaymentAttempt.objects.filter(gateway=gateway, order_id__in=order_ids)
    return {attempt.idempotency_key: attempt for attempt in attempts}


def _order_of(idempotency_key: str) -> UUID | None:
    try:
        return UUID(idempotency_key.rpartition("-")[0])
    except ValueError:
        return None
