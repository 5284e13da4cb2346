"""The form of one reading: a field for each look-for, from whatever scale the packet's rule set has."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

from django import forms
from django.forms.boundfield import BoundField

from .drafts import Draft
from .library import LookForCard
from .rules.numbers import plain
from .rules.ruleset import Point, RuleSet
from .selectors import ScoringPage, level_text, point_label

NOTE_LENGTH = 4000


class ReadingForm(forms.Form):
    """Marks, or the reason why there can be none.

    No field is required: a draft may be incomplete.  `is_complete` asks for the rest, beside each field.
    """

    condition = forms.ChoiceField(
        label="Can this entry be scored?", widget=forms.RadioSelect, required=False, initial=""
    )
    note = forms.CharField(
        label="Note",
        help_text="For the lead scorer and the programme office, who read it with your marks. Name nobody.",
        widget=forms.Textarea(attrs={"rows": 4}),
        max_length=NOTE_LENGTH,
        required=False,
    )

    def __init__(self, data: Mapping[str, Any] | None = None, *, page: ScoringPage) -> None:
        super().__init__(data, initial=_initial(page))
        self.page = page
        condition = self.fields["condition"]
        assert isinstance(condition, forms.ChoiceField)
        condition.choices = [
            ("", "Yes: I give marks"),
            *((known.code, f"No: {known.label}") for known in page.rules.conditions),
        ]
        for look_for in page.look_fors:
            self.fields[_name(look_for.key)] = forms.ChoiceField(
                label=look_for.title,
                help_text=look_for.description,
                choices=_choices(page.rules, look_for),
                widget=forms.RadioSelect,
                required=False,
            )
        self.order_fields([_name(look_for.key) for look_for in page.look_fors])

    @property
    def marks(self) -> Iterator[BoundField]:
        """The look-fors' fields, in the rubric's order."""
        return (self[_name(look_for.key)] for look_for in self.page.look_fors)

    @property
    def draft(self) -> Draft:
        """What was typed, as far as it is valid."""
        given = {look_for.key: self.cleaned_data.get(_name(look_for.key)) for look_for in self.page.look_fors}
        return Draft(
            ratings={key: Decimal(points) for key, points in given.items() if points},
            condition=self.cleaned_data.get("condition", ""),
            note=self.cleaned_data.get("note", ""),
        )

    def is_complete(self) -> bool:
        """Whether the reading can be submitted; puts what is missing beside its field."""
        if not self.cleaned_data.get("condition"):
            for look_for in self.page.look_fors:
                if not self.cleaned_data.get(_name(look_for.key)):
                    self.add_error(_name(look_for.key), "Choose a mark.")
        return self.is_valid()


def _name(look_for_key: str) -> str:
    return f"mark-{look_for_key}"


def _initial(page: ScoringPage) -> dict[str, str]:
    marks = {_name(key): plain(points) for key, points in page.draft.ratings.items()}
    return {**marks, "condition": page.draft.condition, "note": page.draft.note}


def _choices(rules: RuleSet, look_for: LookForCard) -> list[tuple[str, list[tuple[str, str]]]]:
    """The scale's marks grouped by level, the highest level first."""
    levels: dict[int, list[Point]] = {}
    for point in rules.scale.points:
        levels.setdefault(point.level, []).append(point)
    return [
        (level_text(rules, look_for, level), [(plain(point.value), point_label(point)) for point in points])
        for level, points in sorted(levels.items(), reverse=True)
    ]
