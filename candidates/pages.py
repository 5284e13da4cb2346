"""What each page shows, as one frozen value per page."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.forms import BoundField, Form
from django.urls import reverse

from accounts.models import User
from certification.kernel.prose import Prose, parse
from certification.kernel.templatetags.ui import YearItem
from certification.kernel.windows import Window, WindowState
from payments.selectors import DocumentCard, OrderCard, documents_of, order_card

from . import documents, selectors
from .changes import Change, changes
from .models import Candidacy, Cohort, CohortYear, PolicyDocument, Registration
from .progress import Progress, Step, StepLink
from .rules import Advisory, Refused
from .services.registration import PURPOSE
from .states import AFFIRMED, AffirmationKind, RegistrationState, SubmissionKind


@dataclass(frozen=True, slots=True)
class CohortToJoin:
    """A cohort that registers, now or next."""

    cohort: Cohort
    window: Window
    timeline: tuple[YearItem, ...]


@dataclass(frozen=True, slots=True)
class RegisterPage:
    """The overview: `card` is where a signed-in candidate stands; `open_cohorts` are those to join now."""

    card: selectors.RegistrationCard | None
    open_cohorts: tuple[CohortToJoin, ...]
    upcoming: CohortToJoin | None
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
    """What became of a registration.

    `first_year` is when the candidate first submits and reads scores; `order` and `documents` are what was
    paid and issued, once there is an order.
    """

    registration: Registration
    window: Window
    is_open: bool
    waiting: selectors.RegistrationCard | None
    candidacy: Candidacy | None
    first_year: CohortYear
    timeline: tuple[YearItem, ...]
    upcoming: Cohort | None
    order: OrderCard | None
    documents: tuple[DocumentCard, ...]

    @property
    def is_lapsed(self) -> bool:
        """Lapsed, or a draft that will be so at the next sweep."""
        return self.registration.state in {RegistrationState.LAPSED, RegistrationState.DRAFT}

    @property
    def may_correct(self) -> bool:
        return self.is_open and self.registration.state == RegistrationState.REFUSED


@dataclass(frozen=True, slots=True)
class DocumentsPage:
    """Every text in force: those affirmed on registering and on submitting, and the words of public pages."""

    affirmed: tuple[PolicyDocument, ...]
    on_submitting: tuple[PolicyDocument, ...]
    pages: tuple[PolicyDocument, ...]


@dataclass(frozen=True, slots=True)
class DocumentPage:
    """One version of one text.

    `sentence` is what candidates affirm about it, empty for the words of a page; `changes` are what
    this version changed; `versions` are all there are, the newest first.
    """

    document: PolicyDocument
    sentence: str
    prose: Prose
    changes: tuple[Change, ...]
    versions: tuple[PolicyDocument, ...]

    @property
    def newer(self) -> PolicyDocument | None:
        newest = self.versions[0]
        return newest if newest.version > self.document.version else None

    @property
    def why_kept(self) -> str:
        return f"It is kept because people {'affirmed' if self.sentence else 'read'} it."

    @property
    def trail(self) -> list[tuple[str, str]]:
        return [("Documents", reverse("candidates:documents"))]


def register_page(account: User | None, now: datetime) -> RegisterPage:
    upcoming = selectors.next_cohort(now)
    return RegisterPage(
        card=selectors.registration_card(account, now) if account else None,
        open_cohorts=tuple(_to_join(cohort) for cohort in selectors.open_cohorts(now)),
        upcoming=_to_join(upcoming) if upcoming else None,
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
    order = order_card(PURPOSE, registration.pk)
    first_year = _first_year(registration.cohort)
    return OutcomePage(
        registration=registration,
        window=window,
        is_open=window.state(now) is WindowState.OPEN,
        waiting=_waiting(registration, now),
        candidacy=Candidacy.objects.filter(registration=registration).first(),
        first_year=first_year,
        timeline=_timeline(registration.cohort, first_year),
        upcoming=selectors.next_cohort(now),
        order=order,
        documents=documents_of(order.id) if order else (),
    )


def document_page(kind: str, version: int) -> DocumentPage | None:
    """The page of one version; None when there is no such version."""
    versions = tuple(PolicyDocument.objects.filter(kind=kind).order_by("-version"))
    by_number = {one.version: one for one in versions}
    document, before = by_number.get(version), by_number.get(version - 1)
    if document is None:
        return None
    return DocumentPage(
        document=document,
        sentence=AFFIRMED.get(kind, ""),
        prose=parse(document.body),
        changes=changes(_whole(before), _whole(document)) if before else (),
        versions=versions,
    )


def documents_page() -> DocumentsPage:
    texts = documents.current_texts()
    return DocumentsPage(
        affirmed=tuple(text for kind, text in texts.items() if kind in AffirmationKind.values),
        on_submitting=tuple(text for kind, text in texts.items() if kind in SubmissionKind.values),
        pages=tuple(text for kind, text in texts.items() if kind not in AFFIRMED),
    )


def _whole(document: PolicyDocument) -> str:
    return f"{document.title}\n{document.body}"


def _waiting(registration: Registration, now: datetime) -> selectors.RegistrationCard | None:
    """What a registration that was sent waits for: the same card as on the dashboard."""
    if registration.state != RegistrationState.AWAITING_PAYMENT:
        return None
    return selectors.registration_card(registration.account, now)


def _to_join(cohort: Cohort) -> CohortToJoin:
    return CohortToJoin(cohort, cohort.registration_window, _timeline(cohort, _first_year(cohort)))


def _first_year(cohort: Cohort) -> CohortYear:
    return next(year for year in cohort.years.all() if year.number == 1)


def _timeline(cohort: Cohort, first: CohortYear) -> tuple[YearItem, ...]:
    """The cohort's first year; the later ones fall on the same days."""
    window = cohort.registration_window
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
