"""The candidate's dashboard: what is open, until when, and the one next thing to do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from accounts.models import Role, User


@dataclass(frozen=True, slots=True)
class NextStep:
    """The one thing to do now; `waiting` when there is nothing to do but wait."""

    title: str
    body: str
    url: str = ""
    action: str = ""
    until: datetime | None = None
    waiting: bool = False
