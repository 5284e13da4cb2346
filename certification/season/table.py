"""The season's table for people: who did what, how it ended, and which invariants held."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

from .invariants import Verdict
from .play import Season

_PROBLEMS_SHOWN = 20


def render(season: Season, record: dict[str, Any], verdicts: Sequence[Verdict]) -> str:
    """The whole report as text, ending with the verdict."""
    rows = [_row(season, candidate) for candidate in record["candidates"]]
    head = ["", "fate", *(f"year {number}" for number in range(1, season.options.years + 1)), "ends as"]
    widths = [max(len(row[column]) for row in [head, *rows]) for column in range(len(head))]
    lines = [
        "",
        _line(head, widths),
        _line(["─" * width for width in widths], widths),
        *(_line(row, widths) for row in rows),
        "",
        "E1, E2: the entries with their scores; * adjudicated; – nothing submitted.",
        "",
    ]
    for verdict in verdicts:
        lines.append(f"{'✓' if verdict.holds else '✗'} {verdict.title} ({verdict.count} looked at)")
        lines += [f"    {problem}" for problem in verdict.problems[:_PROBLEMS_SHOWN]]
        if len(verdict.problems) > _PROBLEMS_SHOWN:
            lines.append(f"    and {len(verdict.problems) - _PROBLEMS_SHOWN} more")
    holding = sum(verdict.holds for verdict in verdicts)
    lines += ["", f"{holding} of {len(verdicts)} invariants hold."]
    return "\n".join(lines)


def _row(season: Season, candidate: dict[str, Any]) -> list[str]:
    player = season.stage.player(candidate["alias"])
    years = {year["year"]: year for year in candidate["years"]}
    cells = [_cell(years.get(number)) for number in range(1, season.options.years + 1)]
    return [candidate["alias"], str(player.person.fate), *cells, _end(candidate)]


def _cell(year: dict[str, Any] | None) -> str:
    if year is None:
        return ""
    parts = []
    for entry in year["submitted"]:
        score = year["scores"].get(entry)
        adjudicated = any(
            reading["entry"] == entry and reading["role"] == "adjudicator" for reading in year["readings"]
        )
        short = entry.replace("entry-", "E")
        parts.append(f"{short} {_rounded(score) if score else 'unscorable'}{'*' if adjudicated else ''}")
    return ", ".join(parts) or "–"


def _end(candidate: dict[str, Any]) -> str:
    if candidate["refused"]:
        return "refused"
    if not candidate["registered"]:
        return "lapsed"
    if candidate["certificate"]:
        return f"certified, {candidate['certificate']}"
    return candidate["years"][-1]["outcome"] if candidate["years"] else "registered"


def _line(cells: Sequence[str], widths: Sequence[int]) -> str:
    return "  ".join(cell.ljust(width) for cell, width in zip(cells, widths, strict=True)).rstrip()


def _rounded(score: str) -> str:
    return str(Decimal(score).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP))
