"""The year policy: which entries may be submitted in which year, and what follows from a year's scores.

One function decides what is open; the decision after a release asks it about the next year, so that
what a candidate is told in October is what the form allows in May.
Source: the programme's rules, sections 5 and 8.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction

from scoring.rules.banking import Banked, EntryResult, Standing, stand
from scoring.rules.numbers import listed
from scoring.rules.ruleset import Retakes, RuleSet

from .states import Outcome


@dataclass(frozen=True)
class YearPolicy:
    """What a cohort allows in which year: a first submission up to `first_attempt_years`, then retakes."""

    years: int = 3
    first_attempt_years: int = 2
    retakes_in_year_2: bool = False

    @property
    def first_retake_year(self) -> int:
        """The first year in which an entry may be retaken."""
        return 2 if self.retakes_in_year_2 else self.first_attempt_years + 1


@dataclass(frozen=True)
class OpenEntries:
    """The entries open in one year, in the rule set's order; `retakes` are those submitted before.

    `reasons` has a sentence for every entry, open or closed.
    """

    entries: tuple[str, ...]
    retakes: tuple[str, ...]
    reasons: Mapping[str, str]


class EndedAs(StrEnum):
    """Why a candidacy ended without a certificate."""

    INCOMPLETE = "incomplete"
    YEARS_OVER = "years over"


@dataclass(frozen=True)
class Decision:
    """What a year's release means for one candidate, and why, in sentences for candidate and staff alike."""

    outcome: Outcome
    ended_as: EndedAs | None
    overall: Fraction | None
    banked: Mapping[str, Banked]
    reasons: tuple[str, ...]
    open_next_year: tuple[str, ...]


def open_entries(
    *,
    ruleset: RuleSet,
    policy: YearPolicy,
    history: Sequence[EntryResult],
    year: int,
    certified: bool = False,
    extended_entries: Collection[str] = (),
) -> OpenEntries:
    """The entries a candidate may submit in `year` (1 is the first), judged by the years before it.

    `history` may hold later results too; they are not looked at.  `certified` says that a certificate
    is on record, whatever the scores come to.  `extended_entries` are entries never submitted that staff
    let the candidate submit after the last year for a first submission.
    """
    standing = stand(ruleset, [result for result in history if result.year < year])
    closed = _why_all_is_closed(ruleset, policy, standing, year, certified, extended_entries)
    if closed:
        return OpenEntries((), (), dict.fromkeys(ruleset.entry_keys, closed))

    opened, reasons = [], {}
    for key in ruleset.entry_keys:
        if key in standing.never_submitted:
            is_open, reasons[key] = True, _about_first_submission(ruleset, policy, key, year)
        else:
            is_open, reasons[key] = _judge_retake(ruleset, policy, standing, key, year)
        if is_open:
            opened.append(key)
    retakes = tuple(key for key in opened if key not in standing.never_submitted)
    return OpenEntries(tuple(opened), retakes, reasons)


def decide(
    *,
    ruleset: RuleSet,
    policy: YearPolicy,
    history: Sequence[EntryResult],
    year: int,
    extended_entries: Collection[str] = (),
) -> Decision:
    """What the scores up to and including `year` come to once they are released.

    `history` may hold later results too; they are not looked at.
    """
    standing = stand(ruleset, [result for result in history if result.year <= year])
    if standing.certified:
        return _decision(
            standing, Outcome.CERTIFIED, conclusions=["The standard is met, and the certificate is earned."]
        )

    overdue = _overdue(policy, standing, year + 1, extended_entries)
    if overdue:
        conclusion = (
            f"{_why_incomplete(ruleset, policy, overdue)} Registering again and starting over is possible."
        )
        return _decision(standing, Outcome.ENDED, EndedAs.INCOMPLETE, conclusions=[conclusion])
    if year >= policy.years:
        conclusion = (
            f"The {policy.years} years of the candidacy are over without certification, so it ends."
            " Registering again and starting over is possible."
        )
        return _decision(standing, Outcome.ENDED, EndedAs.YEARS_OVER, conclusions=[conclusion])

    following = open_entries(
        ruleset=ruleset, policy=policy, history=history, year=year + 1, extended_entries=extended_entries
    )
    conclusions = list(following.reasons.values())
    if not following.entries:
        conclusions.append(f"Nothing may be submitted in year {year + 1}; the candidacy goes on after it.")
    return _decision(standing, Outcome.CONTINUING, open_next_year=following.entries, conclusions=conclusions)


def _decision(
    standing: Standing,
    outcome: Outcome,
    ended_as: EndedAs | None = None,
    *,
    conclusions: Sequence[str],
    open_next_year: tuple[str, ...] = (),
) -> Decision:
    return Decision(
        outcome=outcome,
        ended_as=ended_as,
        overall=standing.overall,
        banked=standing.banked,
        reasons=(*standing.reasons, *conclusions),
        open_next_year=open_next_year,
    )


def _why_all_is_closed(
    ruleset: RuleSet,
    policy: YearPolicy,
    standing: Standing,
    year: int,
    certified: bool,
    extended_entries: Collection[str],
) -> str | None:
    if certified or standing.certified:
        return "The certificate is earned, so no entry is open."
    overdue = _overdue(policy, standing, year, extended_entries)
    if overdue:
        return _why_incomplete(ruleset, policy, overdue)
    if year > policy.years:
        return f"The {policy.years} years of the candidacy are over, so no entry is open."
    return None


def _overdue(
    policy: YearPolicy, standing: Standing, year: int, extended_entries: Collection[str]
) -> list[str]:
    """The entries that in `year` are too late for a first submission."""
    if year <= policy.first_attempt_years:
        return []
    return [key for key in standing.never_submitted if key not in extended_entries]


def _why_incomplete(ruleset: RuleSet, policy: YearPolicy, overdue: Sequence[str]) -> str:
    names = listed([ruleset.name_of(key) for key in overdue])
    return (
        f"{names} had to be submitted by the end of year {policy.first_attempt_years},"
        " so the candidacy ends as incomplete."
    )


def _about_first_submission(ruleset: RuleSet, policy: YearPolicy, key: str, year: int) -> str:
    name = ruleset.name_of(key)
    if year > policy.first_attempt_years:
        return f"{name} may still be submitted in year {year}, because staff extended it."
    if year == policy.first_attempt_years:
        return (
            f"{name} must be submitted in year {year}, the last year for a first submission;"
            " otherwise the candidacy ends as incomplete."
        )
    return f"{name} may be submitted in year {year}."


def _judge_retake(
    ruleset: RuleSet, policy: YearPolicy, standing: Standing, key: str, year: int
) -> tuple[bool, str]:
    name = ruleset.name_of(key)
    if year < policy.first_retake_year:
        return False, (
            f"{name} has been submitted and is closed in year {year};"
            f" retakes open in year {policy.first_retake_year}."
        )
    why = _why_it_qualifies(ruleset, standing, key)
    if why:
        return True, f"{name} may be retaken in year {year}, because {why}."
    if standing.only_floor_failed:
        below = listed([ruleset.name_of(other) for other in standing.below_floor])
        return False, (
            f"{name} may not be retaken in year {year}: the overall score meets the threshold,"
            f" and only {below} must rise to the floor."
        )
    return False, (
        f"{name} may not be retaken in year {year}: it meets the floor,"
        " and the overall score awaits entries not submitted yet."
    )


def _why_it_qualifies(ruleset: RuleSet, standing: Standing, key: str) -> str | None:
    if key in standing.below_floor:
        return "its score is below the floor"
    if key in standing.unscorable:
        return "it could not be scored"
    if standing.misses_threshold:
        return "the overall score is below the threshold"
    if standing.unscorable:
        missing = listed([ruleset.name_of(other) for other in standing.unscorable])
        return f"there is no overall score while {missing} could not be scored"
    if ruleset.retakes is Retakes.ANY_ENTRY:
        return "the candidate is not certified yet"
    return None
