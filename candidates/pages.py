"""What each page shows, as one frozen value per page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.forms import BoundField, Form

from accounts.models import User
from certification.kernel.templatetags.ui import YearItem
from certification.kernel.windows import Window, WindowState

from . import documents, selectors
from .documents import Block, blocks
from .models import Candidacy, Cohort, PolicyDocument, Registration
from .progress import Progress, Step, StepLink
from .rules import Advisory, Refused
from .states import AffirmationKind, RegistrationState


@dataclass(frozen=True, slots=True)
class Offer:
    """A cohort that can be joined now."""

    cohort: Cohort
    window: Window
    timeline: tuple[YearItem, ...]


@dataclass(frozen=True, slots=True)
class RegisterPage:
    """The overview: `card` is where a signed-in candidate stands; `offers` are the cohorts to join."""

    card: selectors.RegistrationCard | None
    offers: tuple[Offer, ...]
    upcoming: Offer | None
    documents: tuple[PolicyDocument, ...]

    @property
    def may_start(self) -> bool:
        return self.card is None or self.card.state is selectors.CardState.OPEN


@dataclass(frozen=True, slots=True)
class AffirmationLine:
    """One text: the sentence affirmed, its present version, when it was affirmed, or the box to tick."""

    kind: str
    sentence: str
    document: PolicyDocument
    affirmed_at: datetime | None
    box: BoundField | None = None


@dataclass(frozen=True, slots=True)
class StepPage:
    registration: Registration
    window: Window
    steps: list[StepLink]
    reasons: tuple[str, ...]
    affirmations: tuple[AffirmationLine, ...]


@dataclass(frozen=True, slots=True)
class ReviewPage:
    """`missing` is what has yet to be done; `refusal_reasons` are why sending it leads nowhere."""

    registration: Registration
    window: Window
    steps: list[StepLink]
    next_url: str
    missing: tuple[str, ...]
    advisory_reasons: tuple[str, ...]
    refusal_reasons: tuple[str, ...]
    affirmations: tuple[AffirmationLine, ...]


@dataclass(frozen=True, slots=True)
class OutcomePage:
    registration: Registration
    window: Window
    is_open: bool
    waiting: selectors.RegistrationCard | None
    candidacy: Candidacy | None
    timeline: tuple[YearItem, ...]
    upcoming: Cohort | None

    @property
    def is_lapsed(self) -> bool:
        """Lapsed, or a draft that will be so at the next sweep."""
        return self.registration.state in {RegistrationState.LAPSED, RegistrationState.DRAFT}

    @property
    def may_correct(self) -> bool:
        return self.is_open and self.registration.state == RegistrationState.REFUSED


@dataclass(frozen=True, slots=True)
class DocumentPage:
    document: PolicyDocument
    sentence: str
    blocks: tuple[Block, ...]
    newer: PolicyDocument | None


def register_page(account: User | None, now: datetime) -> RegisterPage:
    upcoming = selectors.next_cohort(now)
    return RegisterPage(
        card=selectors.registration_card(account, now) if account else None,
        offers=tuple(_offer(cohort) for cohort in selectors.open_cohorts(now)),
        upcoming=_offer(upcoming) if upcoming else None,
        documents=tuple(documents.current_documents().values()),
    )


def step_page(registration: Registration, progress: Progress, step: Step, form: Form) -> StepPage:
    verdict = selectors.verdict(registration)
    return StepPage(
        registration=registration,
        window=registration.cohort.registration_window,
        steps=progress.links(step),
        reasons=verdict.reasons if isinstance(verdict, Advisory) else (),
        affirmations=_affirmations(registration, form) if step is Step.AFFIRM else (),
    )


def review_page(registration: Registration, progress: Progress) -> ReviewPage:
    verdict = selectors.verdict(registration)
    refused = isinstance(verdict, Refused)
    missing = selectors.missing_answers(registration)
    if not refused:
        missing += selectors.missing_confirmations(registration)
    return ReviewPage(
        registration=registration,
        window=registration.cohort.registration_window,
        steps=progress.links(Step.REVIEW),
        next_url=progress.next_url,
        missing=tuple(missing),
        advisory_reasons=verdict.reasons if isinstance(verdict, Advisory) else (),
        refusal_reasons=verdict.reasons if isinstance(verdict, Refused) else (),
        affirmations=() if refused else _affirmations(registration),
    )


def outcome_page(registration: Registration, now: datetime) -> OutcomePage:
    window = registration.cohort.registration_window
    return OutcomePage(
        registration=registration,
        window=window,
        is_open=window.state(now) is WindowState.OPEN,
        waiting=_waiting(registration, now),
        candidacy=Candidacy.objects.filter(registration=registration).first(),
        timeline=_timeline(registration.cohort),
        upcoming=selectors.next_cohort(now),
    )


def document_page(document: PolicyDocument) -> DocumentPage:
    newest = PolicyDocument.objects.filter(kind=document.kind).order_by("-version").first()
    return DocumentPage(
        document=document,
        sentence=AffirmationKind(document.kind).label,
        blocks=tuple(blocks(document.body)),
        newer=newest if newest and newest.pk != document.pk else None,
    )


def _waiting(registration: Registration, now: datetime) -> selectors.RegistrationCard | None:
    """What a registration that was sent waits for: the same card as on the dashboard."""
    if registration.state != RegistrationState.AWAITING_PAYMENT:
        return None
    return selectors.registration_card(registration.account, now)


def _offer(cohort: Cohort) -> Offer:
    return Offer(cohort, cohort.registration_window, _timeline(cohort))


def _timeline(cohort: Cohort) -> tuple[YearItem, ...]:
    """The cohort's first year; the later ones fall on the same days."""
    window = cohort.registration_window
    first = next(year for year in cohort.years.all() if year.number == 1)
    return (
        YearItem("Registration", window.opens, window.closes),
        YearItem("Submission", first.submission_window.opens, first.submission_window.closes),
        YearItem("Scores", first.release_at),
    )


def _affirmations(registration: Registration, form: Form | None = None) -> tuple[AffirmationLine, ...]:
    when = dict(registration.affirmations.values_list("document_id", "affirmed_at"))
    boxes = form.fields if form else {}
    return tuple(
        AffirmationLine(
            kind,
            AffirmationKind(kind).label,
            document,
            when.get(document.pk),
            box=form[kind] if form and kind in boxes and document.pk not in when else None,
        )
        for kind, document in documents.current_documents().items()
    )
