"""State lives in tables of allowed moves.

One `ALLOWED` map per model drives the service (`require`), and the database trigger
(`state_machine`), so a state nobody allowed can be written by nobody: no view, no shell, no SQL.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum

import pgtrigger
from django.db import models

from .errors import NotAllowed


def require(allowed: Mapping[str, frozenset[str]], old: str, new: str, *, what: str = "This") -> None:
    """Let a move from `old` to `new` happen only if the table of moves has it.

    Raises:
        NotAllowed: the move is not in the table.
    """
    if new not in allowed.get(old, frozenset()):
        raise NotAllowed(
            f"{what} is {_spoken(old)} and cannot become {_spoken(new)}. "
            "Reload the page to see where it stands."
        )


def state_machine(
    allowed: Mapping[str, frozenset[str]], *, initial: Iterable[str]
) -> list[pgtrigger.Trigger]:
    """Triggers on `state`: refuse a row born in a state not in `initial`, and a move not in `allowed`."""
    moves = [(str(old), str(new)) for old, news in allowed.items() for new in sorted(news)]
    births = ", ".join(f"'{state}'" for state in sorted(map(str, initial)))
    return [
        pgtrigger.FSM(name="state_moves", field="state", transitions=moves),
        pgtrigger.Trigger(
            name="state_births",
            when=pgtrigger.Before,
            operation=pgtrigger.Insert,
            func=(
                f"IF NEW.state NOT IN ({births}) THEN "
                "RAISE EXCEPTION 'a new % row cannot start as %', TG_TABLE_NAME, NEW.state; "
                "END IF; RETURN NEW;"
            ),
        ),
    ]


def state_is_known(states: type[models.TextChoices] | type[StrEnum], *, name: str) -> models.CheckConstraint:
    """A CHECK constraint: the column `state` holds one of the declared states and nothing else."""
    values = sorted(str(state.value) for state in states)
    return models.CheckConstraint(condition=models.Q(state__in=values), name=name)


def append_only() -> list[pgtrigger.Trigger]:
    """Triggers that refuse every update and delete: a correction is a new row that supersedes."""
    return [pgtrigger.Protect(name="append_only", operation=pgtrigger.Update | pgtrigger.Delete)]


def frozen_fields(*fields: str) -> list[pgtrigger.Trigger]:
    """Triggers that refuse a change of the named columns, once written."""
    return [pgtrigger.ReadOnly(name="frozen_fields", fields=list(fields))]


def _spoken(state: str) -> str:
    return f"“{str(state).replace('_', ' ')}”"
