"""Scored entries for the release: straight rows where scoring itself is not what a test is about."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from fractions import Fraction
from typing import Any

from accounts.models import Role, User
from candidates.models import Candidacy, Cohort
from certification.kernel import ids
from portfolio.frameworks import load_frameworks
from portfolio.models import Blinding, Entry, EntryTemplate
from portfolio.states import BlindingState, EntryState
from scoring import api as scoring
from scoring.models import Packet, PacketResult
from scoring.states import PacketState
from tests.factories import portfolio as people
from tests.factories import scoring as scorers


def a_cohort(framework: str = "two-entry", *, number: int = 10, first_year: int = 2027) -> Cohort:
    """A cohort whose framework, rubric and rule set are loaded."""
    load_frameworks()
    return people.a_cohort(number=number, first_year=first_year, framework_slug=framework)


def release_instant(cohort: Cohort, year: int = 1) -> datetime:
    return cohort.years.get(number=year).release_at


def a_sealed_entry(candidacy: Candidacy, key: str = "entry-1", *, year: int = 1) -> Entry:
    """Handed in during the year's window and sealed after it; nobody has blinded it yet."""
    of_year = candidacy.cohort.years.get(number=year)
    entry = Entry.objects.create(
        candidacy=candidacy,
        template=EntryTemplate.objects.get(framework__slug=candidacy.cohort.framework_slug, key=key),
        year=year,
        is_retake=candidacy.entries.filter(template__key=key).exists(),
        created_at=of_year.submission_opens_at,
    )
    _move(entry, EntryState.SUBMITTED, submitted_at=of_year.submission_opens_at + timedelta(days=1))
    _move(entry, EntryState.SEALED, sealed_at=of_year.submission_closes_at)
    return entry


def a_packet(entry: Entry) -> Packet:
    """Its packet, signed off by two people and not yet with scorers."""
    at = entry.sealed_at
    assert at is not None
    first, second = _office("first"), _office("second")
    code = ids.code(8)
    blinding = Blinding.objects.create(entry=entry)
    _move(blinding, BlindingState.CLEANED, cleaned_at=at)
    _move(blinding, BlindingState.CHECKED, checked_by=first, checked_at=at)
    _move(blinding, BlindingState.SIGNED_OFF, signed_by=second, signed_at=at, packet_code=code)
    framework = entry.template.framework
    scoring.mint_packet(
        code=code,
        rubric_entry_id=scoring.rubric(framework.rubric_id).entry(entry.template.key).id,
        rule_set_id=framework.rule_set_id,
        files=[scorers.file_spec(1)],
        now=at,
    )
    return Packet.objects.get(code=code)


def a_scored_entry(
    candidacy: Candidacy,
    key: str = "entry-1",
    *,
    year: int = 1,
    score: Fraction | str | None = "3",
    condition: str = "",
    look_fors: Mapping[str, Fraction] | None = None,
) -> Entry:
    """A sealed entry whose packet is closed with exactly this result."""
    entry = a_sealed_entry(candidacy, key, year=year)
    packet = a_packet(entry)
    at = entry.sealed_at
    assert at is not None
    given = None if condition else Fraction(score or 0)
    keys = packet.rubric_entry.look_fors.values_list("key", flat=True)
    lines = {} if given is None else dict.fromkeys(keys, given) | dict(look_fors or {})
    _move(packet, PacketState.ASSIGNED)
    PacketResult.objects.create(
        packet=packet,
        score=given,
        condition=condition,
        look_fors={key: f"{value.numerator}/{value.denominator}" for key, value in lines.items()},
        rule_set_digest=packet.rule_set.digest,
        closed_at=at,
    )
    _move(packet, PacketState.CLOSED, closed_at=at)
    return entry


def all_scored(candidacy: Candidacy, *scores: str, year: int = 1) -> list[Entry]:
    """One scored entry per score, in the framework's order."""
    keys = EntryTemplate.objects.filter(framework__slug=candidacy.cohort.framework_slug)
    return [
        a_scored_entry(candidacy, key, year=year, score=score)
        for key, score in zip(keys.order_by("ordinal").values_list("key", flat=True), scores, strict=False)
    ]


def _move(row: Any, state: str, **fields: Any) -> None:
    row.state = state
    for name, value in fields.items():
        setattr(row, name, value)
    row.save()


def _office(name: str) -> User:
    found = User.objects.filter(email=f"{name}@office.example.org").first()
    return found or User.objects.create_user(
        f"{name}@office.example.org", "pass-word-1234", role=Role.STAFF, full_name=f"{name.title()} Office"
    )
