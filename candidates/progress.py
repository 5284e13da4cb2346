"""How far a registration is filled in: which step is next, and the line of steps on every page."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from django.urls import reverse

from . import selectors
from .documents import current_documents
from .models import Registration
from .rules import Advisory, Refused


class Step(StrEnum):
    """The pages of a registration; the advisory is asked only when it applies."""

    ABOUT = "about"
    WORK = "work"
    ADVISORY = "advisory"
    AFFIRM = "affirm"
    REVIEW = "review"


_LABELS = {
    Step.ABOUT: "About you",
    Step.WORK: "Your work",
    Step.ADVISORY: "Advisory",
    Step.AFFIRM: "Affirmations",
    Step.REVIEW: "Review",
}


@dataclass(frozen=True, slots=True)
class StepLink:
    """One step in the line: `status` is done, current or todo."""

    label: str
    url: str
    status: str


@dataclass(frozen=True, slots=True)
class Progress:
    """The steps that apply, and which of them are done."""

    registration: Registration
    steps: tuple[Step, ...]
    done: frozenset[Step]

    @property
    def next_step(self) -> Step:
        """The first step that is not done; the review at the latest."""
        return next((step for step in self.steps if step not in self.done), Step.REVIEW)

    @property
    def next_url(self) -> str:
        return url_of(self.registration, self.next_step)

    def after(self, step: Step) -> str:
        """Where to go on after `step` was saved: the next one in line."""
        return url_of(self.registration, self.steps[self.steps.index(step) + 1])

    def links(self, current: Step) -> list[StepLink]:
        """The line of steps, with the payment at its end."""
        links = []
        for step in self.steps:
            status = "current" if step is current else "done" if step in self.done else "todo"
            links.append(StepLink(_LABELS[step], url_of(self.registration, step), status))
        return [*links, StepLink("Payment", "", "todo")]


def progress_of(registration: Registration) -> Progress:
    """How far this registration is.

    Answers that would be refused lead to the review at once: nobody reads seven texts to be refused.
    """
    verdict = selectors.verdict(registration)
    done = set()
    if not selectors.missing_about(registration):
        done.add(Step.ABOUT)
    if not selectors.missing_employment(registration):
        done.add(Step.WORK)
    if isinstance(verdict, Refused):
        return Progress(registration, (Step.ABOUT, Step.WORK, Step.REVIEW), frozenset(done))
    steps = [Step.ABOUT, Step.WORK, Step.AFFIRM, Step.REVIEW]
    if isinstance(verdict, Advisory):
        steps.insert(2, Step.ADVISORY)
        if verdict.acknowledged:
            done.add(Step.ADVISORY)
    if selectors.affirmed_kinds(registration) >= set(current_documents()):
        done.add(Step.AFFIRM)
    return Progress(registration, tuple(steps), frozenset(done))


def url_of(registration: Registration, step: Step) -> str:
    return reverse(f"candidates:{step}", args=[registration.pk])
