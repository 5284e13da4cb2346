"""The dashboard's card: where a person stands, and the one next thing to do."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from django.urls import reverse

from candidates import services
from candidates.models import Registration
from candidates.selectors import CardState, RegistrationCard, registration_card
from candidates.states import CandidacyState
from tests.factories import candidates as make

pytestmark = pytest.mark.django_db
NOW = make.REGISTERING


def card_of(registration: Registration, now: datetime = NOW) -> RegistrationCard:
    return registration_card(registration.account, now)


def test_nothing_is_announced() -> None:
    assert registration_card(make.account(), NOW).state is CardState.NOTHING


def test_before_within_and_after_the_window() -> None:
    person, cohort = make.account(), make.cohort()
    window = cohort.registration_window
    tick = timedelta(microseconds=1)
    assert registration_card(person, window.opens - tick).state is CardState.UPCOMING
    opened = registration_card(person, window.opens)
    assert (opened.state, opened.window, opened.next_url) == (
        CardState.OPEN,
        window,
        reverse("candidates:register"),
    )
    assert registration_card(person, window.closes - tick).state is CardState.OPEN
    assert registration_card(person, window.closes).state is CardState.NOTHING


def test_a_draft_goes_on_and_lapses_with_the_window() -> None:
    draft = make.draft()
    assert card_of(draft).state is CardState.DRAFT
    assert card_of(draft).next_url == reverse("candidates:resume", args=[draft.pk])
    assert card_of(draft, draft.cohort.registration_window.closes).state is CardState.LAPSED


def test_a_sent_registration_is_to_be_paid_and_then_checked() -> None:
    registration = make.sent()
    card = card_of(registration)
    assert card.state is CardState.AWAITING_PAYMENT
    assert card.next_url == card.order_url != ""
    make.pay(registration, card=make.PENDING_CARD)
    checking = card_of(registration)
    assert (checking.state, checking.next_url) == (CardState.CHECKING, "")


def test_a_refusal_gives_its_reasons_also_after_the_window() -> None:
    refused = make.sent(full_time=False)
    assert card_of(refused).state is CardState.REFUSED
    assert "Full-time" in card_of(refused).reasons[0]
    following = make.cohort(11, 2028)
    after = card_of(refused, refused.cohort.registration_window.closes)
    assert (after.state, after.window) == (CardState.REFUSED, following.registration_window)


def test_a_candidate_is_registered_until_the_candidacy_ends() -> None:
    candidacy = make.candidacy()
    assert card_of(candidacy.registration).state is CardState.COMPLETE
    services.conclude_candidacy(
        candidacy_id=candidacy.pk, state=CandidacyState.ENDED, ended_as="incomplete", now=NOW
    )
    later = make.cohort(11, 2028)
    assert card_of(candidacy.registration, later.registration_opens_at).state is CardState.OPEN


def test_the_certified_are_not_asked_to_register_again() -> None:
    candidacy = make.candidacy()
    services.conclude_candidacy(
        candidacy_id=candidacy.pk, state=CandidacyState.CERTIFIED, ended_as="certified", now=NOW
    )
    later = make.cohort(11, 2028)
    assert card_of(candidacy.registration, later.registration_opens_at).state is CardState.COMPLETE
