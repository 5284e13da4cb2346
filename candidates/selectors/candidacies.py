"""Who the candidates are, and until when each may submit.  Other apps get frozen values, never rows."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from django.db.models import Max, QuerySet

from accounts.models import User
from candidates.models import Candidacy, CohortYear, DeadlineExtension
from candidates.states import CandidacyState
from certification.kernel.windows import Window


@dataclass(frozen=True, slots=True)
class CandidacyCard:
    """A candidacy with the policy that rules it."""

    id: UUID
    number: str
    account_id: UUID
    state: CandidacyState
    cohort_id: UUID
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


def name_on_certificate(account: User) -> str:
    """The name the person's newest registration gives; empty when there is none yet."""
    names = account.registrations.order_by("-started_at").values_list("name_on_certificate", flat=True)
    return names.first() or ""


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
    """`submission_window` of many candidacies in two queries, or in three if some are known by key only.

    Raises:
        CohortYear.DoesNotExist: a cohort of one of them has no such year.
    """
    given = list(candidacies)
    keys = [_key(candidacy) for candidacy in given]
    cohort_of = {row.pk: row.cohort_id for row in given if isinstance(row, Candidacy)}
    if by_key := [key for key in keys if key not in cohort_of]:
        cohort_of |= dict(Candidacy.objects.filter(pk__in=by_key).values_list("pk", "cohort_id"))
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
