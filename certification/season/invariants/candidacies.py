"""Invariants about candidates: their fates, their money, their certificates."""

from __future__ import annotations

import hashlib
from collections import Counter
from html import unescape
from uuid import UUID

from django.conf import settings
from django.core.files.storage import storages
from django.db.models import Sum
from django.test import Client
from django.urls import reverse

from candidates.models import Candidacy, Registration
from candidates.states import CandidacyState, RegistrationState
from certificates import document
from certificates.models import Certificate
from certificates.selectors import by_number
from certificates.services import certificate_url
from payments.models import LedgerRow, Order
from payments.states import LedgerKind, OrderState
from portfolio.models import Decision

from ..recount import disagreements
from .judging import Look, Played, invariant


@invariant("every window and every release was kept to the microsecond")
def instants(played: Played, look: Look) -> None:
    for what, held in played.season.observations:
        look.at(holds=held, otherwise=f"not so: {what}")


@invariant("every candidate's fate is the planned one")
def fates(played: Played, look: Look) -> None:
    registrations = Registration.objects.in_bulk()
    # In order of years, so that the last decision stands.
    decisions: dict[UUID | None, Decision] = {
        row.candidacy_id: row for row in Decision.objects.order_by("year")
    }
    for player in played.season.stage.players:
        script, alias = player.person.script, player.person.alias
        if script.ends_in_year is None:
            state = registrations[player.registration_id].state
            look.at(holds=state == script.ends, otherwise=f"{alias} should be {script.ends}, is {state}")
        elif script.ends_in_year <= played.season.options.years:
            decision = decisions.get(player.candidacy_id)
            ended = None if decision is None else (decision.ended_as or decision.outcome, decision.year)
            planned = (script.ends, script.ends_in_year)
            look.at(holds=ended == planned, otherwise=f"{alias} should be {planned}, is {ended}")


@invariant("a second reckoning of every score and decision agrees")
def recount(played: Played, look: Look) -> None:
    look.count = sum(len(candidate["years"]) for candidate in played.record["candidates"])
    look.problems += disagreements(played.record)


@invariant("every complete registration is covered exactly once, and no fee was taken for another")
def money(played: Played, look: Look) -> None:
    fees = dict(
        LedgerRow.objects.filter(kind=LedgerKind.FEE).values_list("order_id").annotate(Sum("amount_minor"))
    )
    orders = {order.purpose_id: order for order in Order.objects.exclude(state=OrderState.LAPSED)}
    for registration in Registration.objects.all():
        order = orders.get(registration.pk)
        paid = 0 if order is None else fees.pop(order.pk, 0)
        if registration.state != RegistrationState.COMPLETE:
            look.at(
                holds=not paid, otherwise=f"{registration.state} registration {registration.pk} was charged"
            )
        elif order is None:
            look.at(holds=False, otherwise=f"registration {registration.pk} is complete without an order")
        else:
            # An accepted purchase order is paid later.
            due = order.amount_minor if order.state == OrderState.SETTLED else 0
            covered = order.state in (OrderState.SETTLED, OrderState.ACCEPTED)
            look.at(
                holds=covered and paid == due,
                otherwise=f"order {order.pk} is {order.state} with {paid} of {order.amount_minor}",
            )
    look.problems += [f"order {order_id} took a fee for nothing" for order_id in fees]


@invariant("one person has at most one candidacy, and nobody has one who was not to be enrolled")
def one_each(played: Played, look: Look) -> None:
    complete = set(Registration.objects.filter(state=RegistrationState.COMPLETE).values_list("pk", flat=True))
    times = Counter(Candidacy.objects.values_list("account_id", flat=True))
    for candidacy in Candidacy.objects.all():
        look.at(
            holds=times[candidacy.account_id] == 1 and candidacy.registration_id in complete,
            otherwise=f"{candidacy.number} is one of {times[candidacy.account_id]}, or was not paid",
        )
    enrolled = Candidacy.objects.count()
    if enrolled != len(complete):
        look.problems.append(f"{len(complete)} complete registrations made {enrolled} candidacies")


@invariant("exactly the certified hold a certificate; anybody can verify it; its PDF can be made anew")
def certificates(played: Played, look: Look) -> None:
    visitor = Client(SERVER_NAME="localhost")
    certified = set(Candidacy.objects.filter(state=CandidacyState.CERTIFIED).values_list("pk", flat=True))
    rows = list(Certificate.objects.select_related("candidacy__registration"))
    for certificate in rows:
        number = certificate.number
        look.at(
            holds=certificate.candidacy_id in certified,
            otherwise=f"{number} is held by somebody who was not certified",
        )
        answer = _visit(visitor, number)
        shown = unescape(answer[1])
        look.at(
            holds=answer[0] == 200 and certificate.name in shown and "This certificate is valid" in shown,
            otherwise=f"{number} cannot be verified: {answer[0]}",
        )
        made_anew = document.pdf_of(certificate, verify_url=certificate_url(number))
        digests = {_stored_digest(certificate), certificate.sha256, hashlib.sha256(made_anew).hexdigest()}
        look.at(holds=len(digests) == 1, otherwise=f"{number}: its PDF is not the one that was given")
    without = certified - {certificate.candidacy_id for certificate in rows}
    look.problems += [
        f"candidacy {candidacy_id} is certified without a certificate" for candidacy_id in without
    ]
    # No number ends in a zero.
    for nobodys in {f"{certificate.number[:-1]}0" for certificate in rows}:
        look.at(holds=by_number(nobodys) is None, otherwise=f"{nobodys} is somebody's certificate")


def _visit(visitor: Client, number: str) -> tuple[int, str]:
    secure = settings.SITE_URL.startswith("https:")
    answer = visitor.get(reverse("verify_number", args=[number]), secure=secure)
    return answer.status_code, answer.content.decode()


def _stored_digest(certificate: Certificate) -> str:
    store = storages["certificates"]
    if not certificate.storage_key or not store.exists(certificate.storage_key):
        return certificate.sha256  # that it is missing is another invariant's business
    with store.open(certificate.storage_key) as stored:
        return hashlib.sha256(stored.read()).hexdigest()
