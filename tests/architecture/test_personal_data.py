"""Every table says which personal data it holds, and the published inventory says the same."""

from __future__ import annotations

from pathlib import Path

import pytest
from django.apps import apps
from django.db.models import Model

from certification.management.commands.personal_data import (
    FOREIGN_MODELS,
    inventory,
    is_ours,
    personal_data_of,
)

PROJECT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize("model", apps.get_models(), ids=lambda model: model._meta.label)
def test_model_says_which_personal_data_it_holds(model: type[Model]) -> None:
    where = (
        'its docstring: "Personal data: …." or "Holds no personal data."'
        if is_ours(model)
        else "FOREIGN_MODELS of certification/management/commands/personal_data.py"
    )
    assert personal_data_of(model) is not None, f"Say what {model._meta.label} holds, in {where}"


def test_inventory_is_in_step_with_the_models() -> None:
    page = (PROJECT / "docs" / "personal-data.md").read_text()
    assert "`accounts_user`" in page
    assert page == inventory(), "Run: manage.py personal_data"


def test_inventory_lists_no_package_that_is_gone() -> None:
    assert FOREIGN_MODELS.keys() <= {model._meta.label for model in apps.get_models()}


def planted(docstring: str | None) -> type[Model]:
    """A stand-in with a docstring of ours, which no registry has to know."""
    return type("Planted", (), {"__module__": "accounts.models", "__doc__": docstring})


@pytest.mark.parametrize(
    ("docstring", "held"),
    [
        ("A row.  Holds no personal data.", ""),
        ("A row.\n\n    Personal data: a name, and\n    an address.\n    ", "a name, and an address"),
        ("A row.", None),
        ("Planted(id, name)", None),
        (None, None),
    ],
)
def test_docstring_is_read_as_written(docstring: str | None, held: str | None) -> None:
    assert personal_data_of(planted(docstring)) == held
