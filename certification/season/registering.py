"""The season's November to January: candidates register, pay in every way there is, or do not."""

from __future__ import annotations

from datetime import datetime
from decimal import Decimal
from typing import Any
from uuid import UUID

from django.db.models import QuerySet

from candidates import services as candidates
from candidates.answers import About, Employment
from candidates.models import Candidacy, Registration
from candidates.states import AffirmationKind
from payments import services as payments
from payments.gateways import sandbox
from payments.models import Order, PurchaseOrder

from . import cast
from .plan import Paying

GOOD_CARD, DECLINED_CARD, PENDING_CARD = "4242424242424242", "4000000000000002", "4000000000000077"


def start(stage: cast.Stage, player: cast.Player, now: datetime) -> Registration:
    """The first step of one player's registration."""
    return candidates.start_registration(account=player.account, cohort_id=stage.cohort.pk, now=now)


def start_late(stage: cast.Stage, now: datetime) -> Registration:
    """The same by somebody who comes too late."""
    late = cast.account("late.comer@elsewhere.example", "Late Comer", cast.Role.CANDIDATE)
    return candidates.start_registration(account=late, cohort_id=stage.cohort.pk, now=now)


def register(stage: cast.Stage, player: cast.Player, now: datetime) -> None:
    """A whole registration, to the end of what this player pays."""
    person = player.person
    registration = start(stage, player, now)
    player.registration_id = registration.pk
    of: dict[str, Any] = {"registration_id": registration.pk, "by": player.account, "now": now}
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
    _pay(stage, player, now)


def settle_pending(stage: cast.Stage, now: datetime) -> None:
    """The bank answers for the payments it had left pending."""
    for player in stage.players:
        if player.person.script.paying is Paying.PENDING_FIRST:
            for order in _orders(player):
                for attempt in order.attempts.all():
                    sandbox.settle_pending(reference=attempt.provider_ref, approved=True, now=now)


def find_candidacies(stage: cast.Stage) -> None:
    """Note which player was enrolled as which candidacy."""
    found: dict[UUID | None, UUID] = dict(Candidacy.objects.values_list("registration_id", "pk"))
    for player in stage.players:
        player.candidacy_id = found.get(player.registration_id)


def _orders(player: cast.Player) -> QuerySet[Order]:
    assert player.registration_id is not None
    return Order.objects.filter(purpose_id=player.registration_id)


def _pay(stage: cast.Stage, player: cast.Player, now: datetime) -> None:
    order = _orders(player).first()
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
            _pay_by_purchase_order(stage, order, player, now)
        case Paying.NEVER:
            pass


def _pay_by_card(order: Order, player: cast.Player, card: str, now: datetime) -> None:
    started = payments.start_payment(order_id=order.pk, by=player.account, gateway="sandbox", now=now)
    sandbox.decide(
        reference=order.attempts.get(pk=started.attempt_id).provider_ref, card_number=card, now=now
    )
    payments.check_attempt(attempt_id=started.attempt_id, now=now)


def _pay_by_purchase_order(stage: cast.Stage, order: Order, player: cast.Player, now: datetime) -> None:
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
    payments.accept_purchase_order(purchase_order_id=request.pk, by=stage.staff[0], now=now)
