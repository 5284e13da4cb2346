"""Put the season's people on stage: cohort, staff, scorers, through the services the site uses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from uuid import UUID

from accounts.models import Role, User
from candidates.documents import publish_documents
from candidates.models import Cohort
from candidates.services import create_cohort
from portfolio.blinding.identifiers import Identity
from portfolio.frameworks import load_frameworks
from portfolio.models import Framework
from scoring import services as scoring_services
from scoring.models import RubricEntry

from . import files, plan

FRAMEWORK = "two-entry"


@dataclass(slots=True)
class Player:
    """A planned candidate on stage."""

    person: plan.Person
    account: User
    folder: Path
    registration_id: UUID | None = None
    candidacy_id: UUID | None = None

    @property
    def identity(self) -> Identity:
        return Identity(
            names=(self.person.name,),
            emails=(self.person.email,),
            organisations=(self.person.school, self.person.district),
        )

    def document(self, label: str, extension: str) -> Path:
        """A real PDF or DOCX of this person, named after them; made once per label."""
        path = files.named(self.folder, identity=self.identity, label=label, extension=extension)
        if not path.exists():
            make = files.make_pdf if extension == "pdf" else files.make_docx
            make(path, identity=self.identity, pages=1, seed=len(label))
        return path

    def video(self, label: str, *, seconds: int = 1) -> Path:
        """A real MP4 of this person, named after them; made once per label."""
        path = files.named(self.folder, identity=self.identity, label=label, extension="mp4")
        if not path.exists():
            files.make_mp4(path, identity=self.identity, seconds=seconds, seed=len(label))
        return path


@dataclass(slots=True)
class Stage:
    """Everybody and everything a season is played with."""

    cohort: Cohort
    staff: tuple[User, User]
    players: tuple[Player, ...]
    judges: Mapping[UUID, plan.Judge] = field(default_factory=dict)

    def player(self, alias: str) -> Player:
        return next(player for player in self.players if player.person.alias == alias)


def set_stage(
    people: tuple[plan.Person, ...], *, seed: int, first_year: int, folder: Path, now: datetime
) -> Stage:
    """Load the frameworks, open the cohort, hire staff and scorers, and give each candidate an account."""
    load_frameworks()
    publish_documents(now)
    cohort = create_cohort(
        number=first_year - 2017,
        name=f"Cohort {first_year - 2017}",
        first_year=first_year,
        framework_slug=FRAMEWORK,
    )
    staff = (
        account("office@programme.example", "Programme Office", Role.STAFF),
        account("second@programme.example", "Second Reader", Role.STAFF),
    )
    players = tuple(
        Player(
            person=person,
            account=account(person.email, person.name, Role.CANDIDATE),
            folder=_folder(folder, person.alias),
        )
        for person in people
    )
    entries = sum(len(year) for person in people for year in person.script.years.values())
    return Stage(cohort, staff, players, _hire(plan.judges(entries, seed), now))


def _hire(judges: tuple[plan.Judge, ...], now: datetime) -> Mapping[UUID, plan.Judge]:
    rubric_id = Framework.objects.get(slug=FRAMEWORK).rubric_id
    entries = list(RubricEntry.objects.filter(rubric_id=rubric_id))
    hired = {}
    for number, judge in enumerate(judges, start=1):
        role = Role.LEAD_SCORER if judge.is_lead else Role.SCORER
        scorer_id = scoring_services.enlist_scorer(
            account_id=account(judge.email, judge.name, role).pk,
            alias=f"S{number:02d}",
            is_lead=judge.is_lead,
            employer=judge.employer,
            district=judge.district,
        )
        for entry in entries:
            scoring_services.qualify(
                scorer_id=scorer_id,
                rubric_entry_id=entry.pk,
                exact_percent=Decimal(80),
                within_one_percent=Decimal(100),
                now=now,
            )
        hired[scorer_id] = judge
    return hired


def account(email: str, name: str, role: Role) -> User:
    """The account of that address, made when it is not there yet."""
    return User.objects.filter(email=email).first() or User.objects.create_user(
        email, full_name=name, role=role
    )


def _folder(parent: Path, alias: str) -> Path:
    folder = parent / alias
    folder.mkdir(parents=True, exist_ok=True)
    return folder
