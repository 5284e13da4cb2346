"""Exact scores in the database.

A mean of thirds has no finite decimal, and a certificate must never hang on the thirteenth place.
Scores are therefore fractions from the marks to the decision; they are rounded only for people's eyes.
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from typing import Any

from django.core.exceptions import ValidationError
from django.db import models

_FULL_PLACES = 12


class ExactField(models.CharField):
    """A `Fraction` stored as the text `37/12`."""

    description = "An exact rational number"

    # What the type checker's plugin reads: what may be written, and what is read.
    _pyi_private_set_type: Fraction | Decimal | int  # type: ignore[assignment]
    _pyi_private_get_type: Fraction  # type: ignore[assignment]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        kwargs.setdefault("max_length", 80)
        super().__init__(*args, **kwargs)

    def from_db_value(self, value: str | None, expression: Any, connection: Any) -> Fraction | None:
        return None if value is None else Fraction(value)

    def to_python(self, value: Any) -> Fraction | None:
        if value is None or isinstance(value, Fraction):
            return value
        try:
            return Fraction(value)
        except (ValueError, ZeroDivisionError, TypeError) as error:
            raise ValidationError("Write an exact number such as 37/12 or 3.25.") from error

    def get_prep_value(self, value: Any) -> str | None:
        if value is None:
            return None
        if isinstance(value, float):
            raise TypeError("A score is never a float: give a Fraction or a Decimal.")
        exact = Fraction(value)
        return f"{exact.numerator}/{exact.denominator}"


def exact_text(value: Fraction) -> str:
    """The decimal digits of `value`: exact when they end, else rounded to 12 places."""
    with localcontext() as context:
        context.prec = 60
        quotient = Decimal(value.numerator) / Decimal(value.denominator)
        if Fraction(quotient) != value:
            quotient = quotient.quantize(Decimal(1).scaleb(-_FULL_PLACES), rounding=ROUND_HALF_UP)
        return format(quotient.normalize(), "f")


def display(value: Fraction | Decimal, places: int = 2) -> str:
    """`value` rounded half up for people, always with `places` decimals."""
    exact = Fraction(value)
    with localcontext() as context:
        context.prec = 60
        quotient = Decimal(exact.numerator) / Decimal(exact.denominator)
        return format(quotient.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP), "f")
