"""States of a registration and of a candidacy, and the moves between them."""

from django.db import models


class RegistrationState(models.TextChoices):
    DRAFT = "draft", "Being filled in"
    AWAITING_PAYMENT = "awaiting_payment", "Waiting for payment"
    COMPLETE = "complete", "Complete"
    REFUSED = "refused", "Requirements not met"
    LAPSED = "lapsed", "Lapsed"


REGISTRATION_ALLOWED: dict[str, frozenset[str]] = {
    RegistrationState.DRAFT: frozenset(
        {RegistrationState.AWAITING_PAYMENT, RegistrationState.REFUSED, RegistrationState.LAPSED}
    ),
    # A person who mistyped may correct the answer while registration is open.
    RegistrationState.REFUSED: frozenset({RegistrationState.DRAFT}),
    RegistrationState.AWAITING_PAYMENT: frozenset({RegistrationState.COMPLETE, RegistrationState.LAPSED}),
    RegistrationState.COMPLETE: frozenset(),
    RegistrationState.LAPSED: frozenset(),
}


class CandidacyState(models.TextChoices):
    ACTIVE = "active", "Active"
    CERTIFIED = "certified", "Certified"
    ENDED = "ended", "Ended"


CANDIDACY_ALLOWED: dict[str, frozenset[str]] = {
    CandidacyState.ACTIVE: frozenset({CandidacyState.CERTIFIED, CandidacyState.ENDED}),
    CandidacyState.CERTIFIED: frozenset(),
    CandidacyState.ENDED: frozenset(),
}


class AffirmationKind(models.TextChoices):
    """The seven things a candidate affirms, one by one.  Source: the programme's rules, section 3."""

    REQUIREMENTS = "requirements", "I have read the Candidate Requirements."
    STANDARDS = "standards", "I have read the Standards and Quality Indicators."
    DIRECTIONS = "directions", "I have read the Portfolio Directions."
    LOOK_FORS = "look_fors", "I have read the Scoring Look-fors."
    ROLE = "role", "My role meets the requirements."
    PROCESS = "process", "I agree to every element of the certification process."
    FEE = "fee", "I understand that the fee is not refunded."


class SubmissionKind(models.TextChoices):
    """What a candidate affirms with each entry they submit, one by one."""

    ORIGINALITY = "originality", "This is my own work."
    CONSENT = "consent", "Everybody who is seen has agreed to it."
    ANONYMITY = "anonymity", "I have looked at what scorers will see."


class PageKind(models.TextChoices):
    """The public pages whose words are staff's, published in versions like what is affirmed."""

    WELCOME = "welcome", "Page: home"
    JOURNEY = "journey", "Page: the process"
    SCORING = "scoring", "Page: how scoring works"
    FEES = "fees", "Page: fees and refunds"
    QUESTIONS = "questions", "Page: questions and answers"
    SPONSORS = "sponsors", "Page: for districts and schools"
    CONTACT = "contact", "Page: contact"
    PRIVACY = "privacy", "Page: privacy"


# What people affirm, with the sentence they affirm it by.
AFFIRMED: dict[str, str] = dict([*AffirmationKind.choices, *SubmissionKind.choices])
# Every kind of text: what is affirmed on registering and on submitting, then the pages.
TEXT_KINDS = [*AffirmationKind.choices, *SubmissionKind.choices, *PageKind.choices]
