"""Unfinished marks, as they lie in an assignment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from .rules.numbers import plain


@dataclass(frozen=True, slots=True)
class Draft:
    """Marks, condition and note not submitted yet; marks may stand beside a condition, and lose to it."""

    ratings: Mapping[str, Decimal] = field(default_factory=dict)
    condition: str = ""
    note: str = ""

    def as_json(self) -> dict[str, Any]:
        ratings = {key: plain(points) for key, points in self.ratings.items()}
        return {"ratings": ratings, "condition": self.condition, "note": self.note}

    @classmethod
    def from_json(cls, stored: Mapping[str, Any]) -> Draft:
        ratings = {key: Decimal(points) for key, points in stored.get("ratings", {}).items()}
        return cls(ratings, stored.get("condition", ""), stored.get("note", ""))
