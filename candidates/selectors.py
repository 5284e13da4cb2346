"""What other apps and the pages ask about cohorts, registrations and candidacies.

Other apps get frozen values, never rows.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db.models import Max, QuerySet

from accounts.models import User
from certification.kernel.windows import Window

from .documents import current_documents
from .models import Candidacy, Cohort, CohortYear, DeadlineExtension, Registration
from .rules import Advisory, EligibilityPolicy, Facts, Verdict, judge, still_needed
from .states import AffirmationKind, CandidacyState

# ---- eligibility ----


def policy_of(cohort: Cohort) -> EligibilityPolicy:
    """The cohort's bounds, with the sentence of every affirmation it asks for."""
    return EligibilityPolicy(
        min_years=cohort.min_years_employed,
        refuse_below_percent=Decimal(cohort.refuse_below_percent),
        clean_from_percent=Decimal(cohort.clean_from_percent),
        affirmations={str(kind): str(kind.label) for kind in AffirmationKind},
    )


def affirmed_kinds(registration: Registration) -> frozenset[str]:
    """The kinds whose present text the person has affirmed; an older version does not count."""
    current = [document.pk for document in current_documents().values()]
    return frozenset(registration.affirmations.filter(document_id__in=current).values_list("kind", flat=True))


def verdict(registration: Registration) -> Verdict | None:
    """What the rules say about the answers given; None while one that decides is missing."""
    facts = _facts(registration, frozenset())
    return judge(policy_of(registration.cohort), facts) if facts else None


def missing_answers(registration: Registration) -> list[str]:
    """Every answer still to be given, a sentence each."""
    return [
        *missing_about(registration),
        *missing_employment(registration),
    ]


def missing_about(registration: Registration) -> list[str]:
    return [] if registration.name_on_certificate else ["Say what name the certificate should carry."]


def missing_employment(registration: Registration) -> list[str]:
    needed = {
        "Name your school or organisation.": registration.school,
        "Name your country.": registration.country,
        "Give your job title.": registration.role_title,
        "Say whether you are employed full-time as an instructional coach.": registration.full_time
        is not None,
        "Say how many full school years you have been.": registration.years_employed is not None,
        "Say what share of your work time goes to cycle-based partnership coaching.": (
            registration.coaching_percent is not None
        ),
    }
    return [sentence for sentence, given in needed.items() if not given]


def missing_confirmations(registration: Registration) -> list[str]:
    """The advisory and the affirmations that an eligible person has yet to confirm."""
    facts = _facts(registration, affirmed_kinds(registration))
    return list(still_needed(policy_of(registration.cohort), facts)) if facts else []


def needs_acknowledgement(registration: Registration) -> bool:
    """Whether an advisory applies that the person has not acknowledged."""
    judged = verdict(registration)
    return isinstance(judged, Advisory) and not judged.acknowledged


def _facts(registration: Registration, affirmed: frozenset[str]) -> Facts | None:
    if (
        registration.full_time is None
        or registration.years_employed is None
        or registration.coaching_percent is None
    ):
        return None
    return Facts(
        full_time=registration.full_time,
        years_employed=registration.years_employed,
        coaching_percent=registration.coaching_percent,
        advisory_acknowledged=registration.advisory_acknowledged_at is not None,
        affirmed=affirmed,
    )


# ---- cohorts ----


def open_cohorts(now: datetime) -> list[Cohort]:
    """Cohorts that register at this instant, the one closing first first."""
    cohorts = Cohort.objects.filter(registration_opens_at__lte=now).order_by("registration_closes_at")
    return [cohort for cohort in cohorts if cohort.registration_window.contains(now)]


def next_cohort(now: datetime) -> Cohort | None:
    """The cohort whose registration opens next, if one is announced."""
    return Cohort.objects.filter(registration_opens_at__gt=now).order_by("registration_opens_at").first()


@dataclass(frozen=True, slots=True)
class CohortYearCard:
    """One year of one cohort: its general submission window (grace included) and its release."""

    cohort_id: UUID
    cohort_number: int
    cohort_name: str
    framework_slug: str
    year: int
    window: Window
    release_at: datetime


def cohort_years() -> list[CohortYearCard]:
    """Every year of every cohort, by release."""
    years = CohortYear.objects.select_related("cohort").order_by("release_at", "cohort__number")
    return [_year_card(year) for year in years]


def cohort_years_due(now: datetime) -> list[CohortYearCard]:
    """The years whose release instant has come, the oldest first."""
    years = CohortYear.objects.filter(release_at__lte=now).select_related("cohort")
    return [_year_card(year) for year in years.order_by("release_at", "cohort__number")]


def _year_card(year: CohortYear) -> CohortYearCard:
    return CohortYearCard(
        cohort_id=year.cohort_id,
        cohort_number=year.cohort.number,
        cohort_name=year.cohort.name,
        framework_slug=year.cohort.framework_slug,
        year=year.number,
        window=year.submission_window,
        release_at=year.release_at,
    )


# ---- candidacies ----


@dataclass(frozen=True, slots=True)
class CandidacyCard:
    """A candidacy with the policy that rules it."""

    id: UUID
    number: str
    account_id: UUID
    state: CandidacyState
    cohort_id: UUID
    cohort_number: int
    cohort_name: str
    framework_slug: str
    retakes_in_year_2: bool
    enrolled_at: datetime
    ended_as: str


@dataclass(frozen=True, slots=True)
class Person:
    """Who a candidacy is: everything that identifies the person, for blinding, mails and the certificate."""

    candidacy_id: UUID
    account_id: UUID
    number: str
    cohort_name: str
    name_on_certificate: str
    full_name: str
    email: str
    school: str
    district: str
    country: str
    role_title: str


def live_candidacy(account: User) -> CandidacyCard | None:
    """The person's candidacy that has not ended."""
    row = _candidacies().filter(account=account, state=CandidacyState.ACTIVE).first()
    return _candidacy_card(row) if row else None


def latest_candidacy(account: User) -> CandidacyCard | None:
    """The person's newest candidacy, ended or not."""
    row = _candidacies().filter(account=account).order_by("-enrolled_at").first()
    return _candidacy_card(row) if row else None


def candidacy_card(candidacy_id: UUID) -> CandidacyCard | None:
    row = _candidacies().filter(pk=candidacy_id).first()
    return _candidacy_card(row) if row else None


def active_candidacies(cohort_id: UUID | None = None) -> list[CandidacyCard]:
    """Candidacies that have not ended, of one cohort or of all, by number."""
    rows = _candidacies().filter(state=CandidacyState.ACTIVE)
    if cohort_id is not None:
        rows = rows.filter(cohort_id=cohort_id)
    return [_candidacy_card(row) for row in rows]


def person(candidacy_id: UUID) -> Person:
    """Who this candidacy is.

    Raises:
        Candidacy.DoesNotExist: there is none with this key.
    """
    return _person(Candidacy.objects.select_related("cohort", "account", "registration").get(pk=candidacy_id))


def persons(candidacy_ids: Collection[UUID]) -> dict[UUID, Person]:
    """Who these candidacies are, in one query."""
    rows = Candidacy.objects.filter(pk__in=candidacy_ids).select_related("cohort", "account", "registration")
    return {row.pk: _person(row) for row in rows}


def year_at(candidacy: Candidacy | UUID, now: datetime) -> int | None:
    """The year of candidacy that `now` belongs to: each lasts until its scores come out.

    None once the third year's scores are out.
    """
    years = CohortYear.objects.filter(cohort__candidacies=_key(candidacy), release_at__gt=now)
    return years.order_by("number").values_list("number", flat=True).first()


def submission_window(candidacy: Candidacy | UUID, year: int) -> Window:
    """When this person may submit in `year`: the cohort's window, its grace, and any extension.

    Raises:
        CohortYear.DoesNotExist: the cohort has no such year.
    """
    return submission_windows([candidacy], year)[_key(candidacy)]


def submission_windows(candidacies: Iterable[Candidacy | UUID], year: int) -> dict[UUID, Window]:
    """`submission_window` of many candidacies in two queries.

    Raises:
        CohortYear.DoesNotExist: a cohort of one of them has no such year.
    """
    keys = [_key(candidacy) for candidacy in candidacies]
    cohort_of = dict(Candidacy.objects.filter(pk__in=keys).values_list("pk", "cohort_id"))
    years = {
        row.cohort_id: row.submission_window
        for row in CohortYear.objects.filter(
            cohort_id__in=set(cohort_of.values()), number=year
        ).select_related("cohort")
    }
    extended = dict(
        DeadlineExtension.objects.filter(candidacy_id__in=keys, year=year)
        .order_by()
        .values_list("candidacy_id")
        .annotate(Max("closes_at"))
    )
    windows = {}
    for key in keys:
        general = years.get(cohort_of[key]) if key in cohort_of else None
        if general is None:
            raise CohortYear.DoesNotExist(f"Candidacy {key} has no year {year}.")
        windows[key] = Window(general.opens, max(general.closes, extended.get(key, general.closes)))
    return windows


def _candidacies() -> QuerySet[Candidacy]:
    return Candidacy.objects.select_related("cohort")


def _candidacy_card(row: Candidacy) -> CandidacyCard:
    return CandidacyCard(
        id=row.pk,
        number=row.number,
        account_id=row.account_id,
        state=CandidacyState(row.state),
        cohort_id=row.cohort_id,
        cohort_number=row.cohort.number,
        cohort_name=row.cohort.name,
        framework_slug=row.cohort.framework_slug,
        retakes_in_year_2=row.cohort.retakes_in_year_2,
        enrolled_at=row.enrolled_at,
        ended_as=row.ended_as,
    )


def _person(row: Candidacy) -> Person:
    registration = row.registration
    return Person(
        candidacy_id=row.pk,
        account_id=row.account_id,
        number=row.number,
        cohort_name=row.cohort.name,
        name_on_certificate=registration.name_on_certificate,
        full_name=row.account.full_name or registration.name_on_certificate,
        email=row.account.email,
        school=registration.school,
        district=registration.district,
        country=registration.country,
        role_title=registration.role_title,
    )


def _key(candidacy: Candidacy | UUID) -> UUID:
    return candidacy.pk if isinstance(candidacy, Candidacy) else candidacy
