"""Exact inside, rounded only for people."""

import ast
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest

import scoring.rules
from scoring.rules.numbers import plain, shown, shown_cut


@pytest.mark.parametrize(
    ("value", "places", "text"),
    [
        ("2.745", 2, "2.75"),
        ("2.7449", 2, "2.74"),
        ("3", 2, "3.00"),
        ("2.5", 0, "3"),
        ("0.004", 2, "0.00"),
        ("-1.005", 2, "-1.01"),
        ("-0.001", 2, "0.00"),
        ("100", 1, "100.0"),
    ],
)
def test_scores_are_shown_rounded_half_up(value: str, places: int, text: str) -> None:
    assert shown(Fraction(value), places) == text


@pytest.mark.parametrize(
    ("value", "cut", "text"),
    [
        ("2.746", "2.75", "2.746"),
        ("2.7499999", "2.75", "2.7499999"),
        ("2.75", "2.75", "2.75"),
        ("2.751", "2.75", "2.751"),
        ("2.748", "2.749", "2.748"),
        ("1.63", "1.75", "1.63"),
    ],
)
def test_a_score_beside_a_cut_is_shown_on_its_own_side_of_it(value: str, cut: str, text: str) -> None:
    assert shown(Fraction(value), 2, beside=Decimal(cut)) == text


def test_a_cut_never_loses_digits() -> None:
    assert shown_cut(Decimal("2.755"), 2) == "2.755"
    assert shown_cut(Decimal("2.7"), 2) == "2.70"


@pytest.mark.parametrize(("value", "text"), [("2.50", "2.5"), ("1E+2", "100"), ("-0.0", "0"), ("10", "10")])
def test_plain_spelling_has_no_exponent_and_no_trailing_zeros(value: str, text: str) -> None:
    assert plain(Decimal(value)) == text


def test_no_float_is_written_anywhere_in_the_rules() -> None:
    for path in Path(scoring.rules.__path__[0]).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            assert not (isinstance(node, ast.Constant) and isinstance(node.value, float)), path
            assert not (isinstance(node, ast.Name) and node.id in {"float", "round"}), path


def test_the_rules_import_nothing_but_the_standard_library_and_themselves() -> None:
    allowed = (
        "scoring.rules",
        "collections",
        "copy",
        "dataclasses",
        "decimal",
        "enum",
        "fractions",
        "functools",
        "hashlib",
        "itertools",
        "json",
        "math",
        "re",
        "typing",
    )
    for path in Path(scoring.rules.__path__[0]).glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            names += [node.module or ""] if isinstance(node, ast.ImportFrom) else []
            assert all(name.startswith(allowed) for name in names), (path, names)
