"""Scores are exact fractions from the marks to the row and back; only people's eyes see them rounded."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from django.core.exceptions import ValidationError
from hypothesis import given
from hypothesis import strategies as st

from certification.kernel.exact import ExactField, display, exact_text

FIELD = ExactField()
marks = st.fractions(min_value=-1000, max_value=1000, max_denominator=10**9)


@given(marks)
def test_a_fraction_comes_back_from_its_column_unchanged(value: Fraction) -> None:
    stored = FIELD.get_prep_value(value)
    assert stored is not None
    assert FIELD.from_db_value(stored, None, None) == value
    assert FIELD.to_python(stored) == value
    assert len(stored) <= FIELD.max_length  # type: ignore[operator]


@given(st.decimals(min_value=0, max_value=100, places=4))
def test_a_decimal_is_stored_as_the_fraction_it_is(value: Decimal) -> None:
    stored = FIELD.get_prep_value(value)
    assert stored is not None
    assert Fraction(stored) == Fraction(value)


def test_equal_scores_are_equal_texts_so_the_database_can_compare_them() -> None:
    assert FIELD.get_prep_value(Fraction(6, 4)) == FIELD.get_prep_value(Decimal("1.50")) == "3/2"


def test_nothing_stays_nothing() -> None:
    assert FIELD.get_prep_value(None) is None
    assert FIELD.from_db_value(None, None, None) is None
    assert FIELD.to_python(None) is None


def test_a_float_is_never_a_score() -> None:
    with pytest.raises(TypeError, match="never a float"):
        FIELD.get_prep_value(2.75)


@pytest.mark.parametrize("text", ["three", "1/0", "", "1/2/3", object()])
def test_what_is_no_number_is_refused(text: object) -> None:
    with pytest.raises(ValidationError, match="exact number"):
        FIELD.to_python(text)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(11, 4), "2.75"),
        (Fraction(3), "3"),
        (Fraction(0), "0"),
        (Fraction(100), "100"),
        (Fraction(37, 12), "3.083333333333"),
        (Fraction(2, 3), "0.666666666667"),
        (Fraction(1, 2**20), "0.00000095367431640625"),
    ],
)
def test_the_exact_text_ends_where_the_number_ends(value: Fraction, text: str) -> None:
    assert exact_text(value) == text


@given(st.decimals(min_value=-1000, max_value=1000, places=6))
def test_a_number_that_ends_is_written_whole(value: Decimal) -> None:
    assert Decimal(exact_text(Fraction(value))) == value


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (Fraction(11, 4), "2.75"),
        (Fraction(3), "3.00"),
        (Decimal("2.745"), "2.75"),
        (Decimal("2.7449999"), "2.74"),
        (Fraction(37, 12), "3.08"),
        (Fraction(5, 1000), "0.01"),
    ],
)
def test_people_see_two_places_rounded_half_up(value: Fraction | Decimal, shown: str) -> None:
    assert display(value) == shown


def test_a_score_shown_as_the_threshold_may_still_be_below_it() -> None:
    """Why a decision compares what is stored, never what is shown."""
    value = Fraction(11, 4) - Fraction(1, 10**6)
    assert display(value) == "2.75"
    assert value < Fraction(11, 4)
