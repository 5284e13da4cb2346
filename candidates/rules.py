"""Who may register: eligibility as a plain function of what a person states.

Source: the programme's rules, section 3.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal


@dataclass(frozen=True)
class EligibilityPolicy:
    """A cohort's bounds, and the affirmations it asks for (kind → the sentence affirmed).

    Below `refuse_below_percent` of work time spent coaching a person is refused; from there to
    `clean_from_percent` they are accepted with an advisory.
    """

    min_years: Decimal = Decimal(2)
    refuse_below_percent: Decimal = Decimal(60)
    clean_from_percent: Decimal = Decimal(70)
    affirmations: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Facts:
    """What a person states when registering.  Years are full school years; the percentage is of work time."""

    full_time: bool
    years_employed: Decimal
    coaching_percent: Decimal
    advisory_acknowledged: bool = False
    affirmed: frozenset[str] = frozenset()


@dataclass(frozen=True)
class Eligible:
    """The person may register."""

    reasons: tuple[str, ...]


@dataclass(frozen=True)
class Advisory:
    """The person may register once they acknowledge the reasons; staff see the flag."""

    reasons: tuple[str, ...]
    acknowledged: bool


@dataclass(frozen=True)
class Refused:
    """The person may not register this year; each reason ends with what to do about it."""

    reasons: tuple[str, ...]


Verdict = Eligible | Advisory | Refused


def judge(policy: EligibilityPolicy, facts: Facts) -> Verdict:
    """Whether the facts allow registration, with every reason and not the first alone."""
    refusals = _refusals(policy, facts)
    if refusals:
        return Refused(refusals)
    if facts.coaching_percent < policy.clean_from_percent:
        reason = (
            f"Cycle-based partnership coaching takes {_number(facts.coaching_percent)} % of work time;"
            f" the programme is made for {_number(policy.clean_from_percent)} % and more, so finding enough"
            " coaching cycles for the portfolio may be hard."
        )
        return Advisory((reason,), acknowledged=facts.advisory_acknowledged)
    return Eligible(("Employment and coaching time meet the requirements.",))


def still_needed(policy: EligibilityPolicy, facts: Facts) -> tuple[str, ...]:
    """What an eligible person has yet to do before the registration can be sent, a sentence each."""
    needed = []
    verdict = judge(policy, facts)
    if isinstance(verdict, Advisory) and not verdict.acknowledged:
        needed.append("Acknowledge the advisory about coaching time.")
    needed += [
        f"Affirm: “{sentence}”"
        for kind, sentence in policy.affirmations.items()
        if kind not in facts.affirmed
    ]
    return tuple(needed)


def _refusals(policy: EligibilityPolicy, facts: Facts) -> tuple[str, ...]:
    reasons = []
    if not facts.full_time:
        reasons.append(
            "Full-time employment as an instructional coach is required, and the answer was no."
            " Register in the first year in which it is."
        )
    if facts.years_employed < policy.min_years:
        reasons.append(
            f"At least {_number(policy.min_years)} full school years as a full-time coach are required at"
            f" registration, and the answer was {_number(facts.years_employed)}."
            " Register in the first year in which that many are complete."
        )
    if facts.coaching_percent < policy.refuse_below_percent:
        reasons.append(
            f"At least {_number(policy.refuse_below_percent)} % of work time on cycle-based partnership"
            f" coaching is required, and the answer was {_number(facts.coaching_percent)} %."
            " Agree on more coaching time with the employer, and register next year."
        )
    return tuple(reasons)


def _number(value: Decimal) -> str:
    text = format(Decimal(value), "f")
    return text.rstrip("0").rstrip(".") if "." in text else text
