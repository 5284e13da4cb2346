"""What a person answers when registering, step by step.  Source: the programme's rules, section 3.

An answer that was not given yet is an empty text or None: drafts are kept as far as they are filled in.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from certification.kernel.errors import BadInput

MAX_YEARS_EMPLOYED = Decimal(60)


@dataclass(frozen=True)
class About:
    """Who registers.  The e-mail address is the account's own."""

    name_on_certificate: str


@dataclass(frozen=True)
class Employment:
    """Where the person works, and the three facts that decide on eligibility.

    `years_employed` are full school years; `coaching_percent` is the share of work time, 0 to 100.
    """

    school: str
    district: str
    country: str
    role_title: str
    full_time: bool | None
    years_employed: Decimal | None
    coaching_percent: Decimal | None


def require_plausible(answers: Employment) -> None:
    """Refuse numbers that nobody can mean.

    Raises:
        BadInput: a share of time beyond 0 to 100 %, or years beyond a working life.
    """
    problems = []
    if answers.coaching_percent is not None and not 0 <= answers.coaching_percent <= 100:
        problems.append("The share of work time is a percentage from 0 to 100.")
    if answers.years_employed is not None and not 0 <= answers.years_employed <= MAX_YEARS_EMPLOYED:
        problems.append(f"The full school years are a number from 0 to {MAX_YEARS_EMPLOYED}.")
    if problems:
        raise BadInput("These answers cannot be saved. Correct them and save again.", problems)
