"""Two whole worlds that know nothing of each other, for tests of who may open what.

In each a candidate is in the second year: one entry scored and released, the other in preparation;
somebody else is about to register, a third is certified, and a scorer has a packet on the desk.
Everything is made through the services and sweeps of the site.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID

from accounts.models import User
from candidates import services as candidate_services
from candidates.models import Candidacy, Cohort
from candidates.states import CandidacyState
from certificates import services as certificate_services
from certificates.models import Certificate
from payments.documents import links
from payments.models import Order, PaymentAttempt, PaymentDocument
from portfolio import sealing
from portfolio.models import Entry, Evidence, Receipt
from portfolio.results.services import release_due
from portfolio.viewing.links import link_to
from scoring import outcomes
from scoring.links import token_for
from scoring.models import Scorer
from tests.factories import candidates, portfolio, results, scoring, sponsors, uploads, viewing

NOW = datetime(2028, 5, 10, 12, tzinfo=UTC)
"""In the second submission window of the cohort that began in 2027."""
_REGISTERING_NEXT = datetime(2027, 12, 1, 15, tzinfo=UTC)


@dataclass(frozen=True)
class World:
    """People who belong together, and what the addresses of their pages name."""

    candidate: User
    applicant: User
    holder: User
    scorer: User
    sponsor: User
    names: Mapping[str, object]


@dataclass(frozen=True)
class _Stage:
    """What both worlds stand on."""

    first: Cohort
    next: Cohort
    second_scorer: Scorer


@dataclass(frozen=True)
class _Person:
    candidacy: Candidacy
    released: Entry


def two_worlds() -> tuple[World, World]:
    """Both as they stand at NOW."""
    portfolio.a_small_framework()
    stage = _Stage(
        first=candidates.cohort(10, 2027),
        next=candidates.cohort(11, 2028),
        second_scorer=scoring.scorer(),
    )
    first, second = _handed_in(stage), _handed_in(stage)
    of_year = stage.first.years.get(number=1)
    sealing.seal_due(of_year.submission_closes_at)
    scorers = [scoring.scorer(), scoring.scorer()]
    for person, own_scorer in zip((first, second), scorers, strict=True):
        _score(person.released, own_scorer, stage.second_scorer)
    outcomes.close_packets(of_year.submission_closes_at)
    release_due(of_year.release_at)
    return _world(stage, first, scorers[0]), _world(stage, second, scorers[1])


def _handed_in(stage: _Stage) -> _Person:
    candidacy = candidates.candidacy(in_cohort=stage.first)
    at = stage.first.years.get(number=1).submission_opens_at + timedelta(days=1)
    return _Person(candidacy, portfolio.a_submitted_entry(candidacy, at, key="entry-1"))


def _score(entry: Entry, *scorers: Scorer) -> None:
    entry.refresh_from_db()
    packet = results.a_packet(entry)
    for scorer in scorers:
        scoring.read(scoring.assignment(packet, scorer))


def _world(stage: _Stage, person: _Person, scorer: Scorer) -> World:
    candidate = person.candidacy.account
    draft = portfolio.a_complete_draft(person.candidacy, NOW, key="entry-2")
    evidence = Evidence.objects.get(entry=draft)
    rendition = viewing.a_rendition(evidence, NOW)
    video = portfolio.a_video(draft, NOW)
    form = portfolio.a_release_form(draft, NOW)
    upload = uploads.an_upload(draft, NOW, size=1000, slot="notes")
    applying = candidates.draft(in_cohort=stage.next, now=_REGISTERING_NEXT)
    order = Order.objects.get(payer=candidate)
    receipt = PaymentDocument.objects.get(order=order)
    certificate = _certificate(stage)
    on_the_desk = scoring.assignment(scoring.packet("entry-2"), scorer).packet
    ordered = sponsors.ordered_seats(
        by=sponsors.sponsor(),
        offer_id=stage.next.pk,
        now=_REGISTERING_NEXT,
        document=sponsors.document(),
    )
    seat = sponsors.free_seat(ordered)
    return World(
        candidate=candidate,
        applicant=applying.account,
        holder=certificate.candidacy.account,
        scorer=scoring.user_of(scorer),
        sponsor=ordered.order.payer,
        names={
            "cohort_id": stage.next.pk,
            "registration_id": applying.pk,
            "order_id": order.pk,
            "document_id": receipt.pk,
            "token": links.token_of(receipt),
            "reference": PaymentAttempt.objects.get(order=order).provider_ref,
            "candidacy_id": person.candidacy.pk,
            "year": 1,
            "entry_id": draft.pk,
            "released_entry_id": person.released.pk,
            "evidence_id": evidence.pk,
            "upload_id": upload.pk,
            "rendition_id": rendition.pk,
            "video_id": video.pk,
            "release_form_id": form.pk,
            "person_id": portfolio.a_person(video, NOW, form).pk,
            "link": link_to(viewer=candidate, rendition_id=rendition.pk, now=NOW).rpartition("/")[2],
            "slot_key": "written",
            "receipt": Receipt.objects.get(entry=person.released).number,
            "certificate": certificate.number,
            "code": on_the_desk.code,
            "file_id": on_the_desk.files.get().pk,
            "link_of_file": token_for(scorer.pk, on_the_desk.files.get().pk, NOW),
            "purchase_order_id": ordered.pk,
            "purchase_order_file_id": ordered.files.get().pk,
            "seat_id": seat.pk,
            "seat_code": seat.code,
        },
    )


def _certificate(stage: _Stage) -> Certificate:
    candidacy = candidates.candidacy(in_cohort=stage.first)
    released_at = results.release_instant(stage.first)
    candidate_services.conclude_candidacy(
        candidacy_id=candidacy.pk, state=CandidacyState.CERTIFIED, ended_as="", now=released_at
    )
    certificate_services.issue_due(released_at)
    return Certificate.objects.get(candidacy=candidacy)


def absent(name: str, value: object) -> object:
    """A value of the same shape that names nothing."""
    if isinstance(value, UUID):
        return UUID(int=value.int ^ 1)
    if isinstance(value, str):
        return value[:-1] + ("2" if value[-1] != "2" else "3")
    return value
