"""How far a piece of evidence has come, in words for its candidate."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.urls import reverse

from ..states import PREPARING, PreparationState
from .models import Preparation

_TONES = {
    PreparationState.RECEIVED: "neutral",
    PreparationState.CHECKING: "info",
    PreparationState.READY: "success",
    PreparationState.REJECTED: "danger",
    PreparationState.UNSCANNABLE: "warn",
}
_KEPT_UNSCANNED = (
    "The virus scanner could not look into this file. It is kept and counts; the programme office looks at"
    " it, and scorers get only copies that we made. You need not do anything."
)


@dataclass(frozen=True, slots=True)
class PreparationCard:
    """Where the preparation stands; `sentence` says what it means and what to do, if anything."""

    state: PreparationState
    step: str = ""
    percent: int = 0
    problem: str = ""

    @property
    def label(self) -> str:
        return str(self.state.label)

    @property
    def tone(self) -> str:
        return _TONES[self.state]

    @property
    def is_running(self) -> bool:
        """Whether a worker still has something to do, so that the page asks again."""
        return self.state in PREPARING

    @property
    def is_rejected(self) -> bool:
        return self.state is PreparationState.REJECTED

    @property
    def sentence(self) -> str:
        match self.state:
            case PreparationState.RECEIVED:
                return "It is checked and drawn in a moment. You may leave this page."
            case PreparationState.CHECKING:
                step = self.step.rstrip(". ") or "Being drawn as scorers will see it"
                return f"{step}. You may leave this page."
            case PreparationState.REJECTED:
                return f"{self.problem} It does not count until it is replaced."
            case PreparationState.UNSCANNABLE:
                return _KEPT_UNSCANNED
        return ""

    def spoken(self, name: str) -> str:
        """What a screen reader is told when it has come this far."""
        match self.state:
            case PreparationState.READY:
                return f"“{name}” is ready."
            case PreparationState.REJECTED:
                return f"“{name}” is not usable. {self.problem}"
            case PreparationState.UNSCANNABLE:
                return f"“{name}” was not scanned. It is kept and counts."
        return ""


def preparation_card(preparation: Preparation | None) -> PreparationCard:
    """The card of a preparation; evidence whose preparation is still to be begun counts as received."""
    if preparation is None:
        return PreparationCard(PreparationState.RECEIVED)
    return PreparationCard(
        PreparationState(preparation.state), preparation.step, preparation.percent, preparation.problem
    )


def rendition_url(rendition_id: UUID) -> str:
    """The lasting address of a rendition for its owner and staff; each look gets a fresh signed link."""
    return reverse("portfolio:rendition", args=[rendition_id])
