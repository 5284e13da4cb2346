"""The public pages whose words staff publish: the text, and what is worked out beside it.

A page takes its words from the text in force and every number from the data: fees and bounds from the
cohort, cuts and marks from the rule set, dates from the calendar.  Source: ADR 0013.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from django.urls import reverse

from candidates.changes import Change
from candidates.models import PolicyDocument
from candidates.seasons import programme_at
from candidates.states import AFFIRMED, AffirmationKind, PageKind
from certification.kernel.prose import Block, BlockKind, Prose, parse
from payments import gateways
from portfolio.directions import all_frameworks, scoring_of
from portfolio.rules import YearPolicy
from scoring.api import RubricCard
from scoring.rules.numbers import plain
from scoring.rules.ruleset import Resolution, RuleSet

from .home import YearNow, year_now
from .three_years import ThreeYears, three_years
from .worked_example import Example, example

# The pages in the order in which somebody who considers registering reads them.
READING_ORDER = (
    ("process", "The process"),
    ("requirements", "Candidate requirements"),
    ("standards", "Standards and quality indicators"),
    ("portfolio:frameworks", "Portfolio directions and look-fors"),
    ("how_scoring_works", "How scoring works"),
    ("fees", "Fees and refunds"),
    ("candidates:register", "Registration"),
)
_PAGE_OF: dict[str, str] = {
    PageKind.JOURNEY: "process",
    AffirmationKind.REQUIREMENTS: "requirements",
    AffirmationKind.STANDARDS: "standards",
    PageKind.SCORING: "how_scoring_works",
    PageKind.FEES: "fees",
}
_TEMPLATES: dict[str, str] = {
    PageKind.WELCOME: "pages/home.html",
    PageKind.JOURNEY: "pages/process.html",
    AffirmationKind.REQUIREMENTS: "pages/requirements.html",
    PageKind.SCORING: "pages/how_scoring_works.html",
    PageKind.FEES: "pages/fees.html",
    PageKind.QUESTIONS: "pages/questions.html",
    PageKind.SPONSORS: "pages/for_districts.html",
    PageKind.CONTACT: "pages/contact.html",
}
_RESOLUTIONS = {
    Resolution.ADJUDICATOR: "that score stands",
    Resolution.MEAN_OF_THREE: "the mean of all readings stands",
    Resolution.CLOSEST_TWO: "the mean of the two closest readings stands",
}
_MANY_SEATS = (1, 5, 10, 25)


@dataclass(frozen=True, slots=True)
class Level:
    """A level of the scale: what it means, and the marks that belong to it."""

    level: int
    description: str
    marks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ScoringPanel:
    """The rule set in words and numbers, and an example worked out by it."""

    framework_slug: str
    framework_title: str
    ruleset: RuleSet
    levels: tuple[Level, ...]
    floor: str
    threshold: str
    gap: str
    near_cut: str
    resolution: str
    example: Example

    @property
    def scorers(self) -> str:
        number = self.ruleset.scorers_per_entry
        return {1: "One trained scorer", 2: "Two trained scorers", 3: "Three trained scorers"}.get(
            number, f"{number} trained scorers"
        )


@dataclass(frozen=True, slots=True)
class FeesPanel:
    """The ways to pay that are switched on, and what seats for many coaches come to."""

    ways: tuple[str, ...]
    seats: tuple[tuple[int, int], ...]


Panel = ThreeYears | ScoringPanel | FeesPanel | None


@dataclass(frozen=True, slots=True)
class TextPage:
    """A public page.

    `sentence` is what candidates affirm about its text, if they do; `changes` is given for a preview only:
    what publishing would change.
    """

    document: PolicyDocument
    prose: Prose
    sentence: str
    now: YearNow
    panel: Panel
    is_preview: bool = False
    changes: tuple[Change, ...] = ()

    @property
    def template(self) -> str:
        return _TEMPLATES.get(self.document.kind, "pages/text.html")

    @property
    def lede(self) -> Block | None:
        """The first paragraph, when the text begins with one."""
        first = self.prose.blocks[:1]
        return first[0] if first and first[0].kind is BlockKind.PARAGRAPH else None

    @property
    def blocks(self) -> tuple[Block, ...]:
        """What stands between the first paragraph and the first heading."""
        return self.prose.blocks[1:] if self.lede else self.prose.blocks

    @property
    def read_next(self) -> tuple[str, str] | None:
        """Address and name of the page that comes next in the reading order."""
        names = [name for name, _ in READING_ORDER]
        here = _PAGE_OF.get(self.document.kind)
        if here is None:
            return None
        name, label = READING_ORDER[names.index(here) + 1]
        return reverse(name), label


def text_page(
    document: PolicyDocument, now: datetime, *, preview: tuple[Change, ...] | None = None
) -> TextPage:
    """The page that shows this version of a text; with `preview`, one that is not published."""
    year = year_now(programme_at(now), now)
    panel = _PANELS.get(document.kind)
    return TextPage(
        document=document,
        prose=parse(document.body),
        sentence=AFFIRMED.get(document.kind, ""),
        now=year,
        panel=panel(year, now) if panel else None,
        is_preview=preview is not None,
        changes=preview or (),
    )


def _three_years(year: YearNow, now: datetime) -> ThreeYears | None:
    return three_years(year.season, now) if year.season else None


def _scoring(year: YearNow, now: datetime) -> ScoringPanel | None:
    """By the framework of the season's cohort; before there is one, by the first there is."""
    frameworks = {card.slug: card for card in all_frameworks()}
    wanted = year.season.framework_slug if year.season else next(iter(frameworks), "")
    found = scoring_of(wanted) if wanted in frameworks else None
    if found is None:
        return None
    ruleset, rubric = found
    policy = YearPolicy(retakes_in_year_2=year.season.retakes_in_year_2 if year.season else False)
    return _scoring_panel(wanted, frameworks[wanted].title, ruleset, rubric, policy)


def _scoring_panel(
    slug: str, title: str, ruleset: RuleSet, rubric: RubricCard, policy: YearPolicy
) -> ScoringPanel:
    cuts = {
        name: "" if value is None else ruleset.shown_cut(value)
        for name, value in (
            ("floor", ruleset.floor),
            ("threshold", ruleset.threshold),
            ("gap", ruleset.gap),
            ("near_cut", ruleset.near_cut),
        )
    }
    return ScoringPanel(
        framework_slug=slug,
        framework_title=title,
        ruleset=ruleset,
        levels=_levels(ruleset),
        resolution=_RESOLUTIONS[ruleset.resolution],
        example=example(ruleset, rubric, policy),
        **cuts,
    )


def _levels(ruleset: RuleSet) -> tuple[Level, ...]:
    """The highest first, as rubrics are read."""
    meanings = {level.level: level.description for level in ruleset.scale.levels}
    found = sorted({point.level for point in ruleset.scale.points}, reverse=True)
    return tuple(
        Level(
            level,
            meanings.get(level, ""),
            tuple(plain(point.value) for point in ruleset.scale.points if point.level == level),
        )
        for level in found
    )


def _fees(year: YearNow, now: datetime) -> FeesPanel:
    fee = year.season.fee_minor if year.season else 0
    return FeesPanel(
        ways=tuple(gateway.label for gateway in gateways.enabled()),
        seats=tuple((number, number * fee) for number in _MANY_SEATS),
    )


_PANELS: dict[str, Callable[[YearNow, datetime], Panel]] = {
    PageKind.JOURNEY: _three_years,
    PageKind.SCORING: _scoring,
    PageKind.FEES: _fees,
    PageKind.SPONSORS: _fees,
}
