"""`manage.py personal_data`: the inventory of personal data, out of what each model says about itself."""

from __future__ import annotations

import inspect
import re
from collections.abc import Iterator
from typing import Any

from django.apps import AppConfig, apps
from django.core.management.base import BaseCommand
from django.db.models import Model

from certification.environment import BASE_DIR

# Tables that come with packages cannot say it themselves.
FOREIGN_MODELS = {
    "account.EmailAddress": "e-mail address, and whether its owner confirmed it",
    "account.EmailConfirmation": "through the e-mail address",
    "admin.LogEntry": "the account of the staff member, and the label of what they changed",
    "auth.Group": "",
    "auth.Permission": "",
    "contenttypes.ContentType": "",
    "mfa.Authenticator": "the account, and the secret of its second factor",
    "sessions.Session": "the account that is signed in",
}

_SENTENCE = re.compile(r"(?:Personal data: (?P<what>.+?)|(?:Holds n|N)o personal data)\.(?:\s|$)", re.DOTALL)

_BEGIN, _END = "<!-- tables: begin -->\n", "<!-- tables: end -->\n"
_PAGE = BASE_DIR / "docs" / "personal-data.md"


class Command(BaseCommand):
    help = "Bring the tables of docs/personal-data.md in step with the models."

    def handle(self, *args: Any, **options: Any) -> None:
        _PAGE.write_text(inventory())


def inventory() -> str:
    """The page as it should be: its own words around the tables, the tables out of the models."""
    before, _, rest = _PAGE.read_text().partition(_BEGIN)
    _, _, after = rest.partition(_END)
    sections = (_section(app) for app in apps.get_app_configs() if any(_models(app)))
    return before + _BEGIN + "\n".join(sections) + _END + after


def personal_data_of(model: type[Model]) -> str | None:
    """What a model says it holds: text, "" for nothing, None when it does not say."""
    if not is_ours(model):
        return FOREIGN_MODELS.get(model._meta.label)
    # Django writes a docstring of its own when there is none; it says nothing about personal data.
    said = _SENTENCE.search(inspect.cleandoc(model.__doc__ or ""))
    return None if said is None else " ".join((said["what"] or "").split())


def is_ours(model: type[Model]) -> bool:
    """Whether the model is written in this project, so that its docstring can be."""
    folder = BASE_DIR / model.__module__.split(".")[0]
    return folder.is_dir()


def _section(app: AppConfig) -> str:
    rows = "".join(
        f"| {str(model._meta.verbose_name).capitalize()} | `{model._meta.db_table}` "
        f"| {personal_data_of(model) or '–'} |\n"
        for model in _models(app)
    )
    return f"### {app.label}\n| record | table | personal data |\n|---|---|---|\n{rows}"


def _models(app: AppConfig) -> Iterator[type[Model]]:
    return (model for model in app.get_models() if not model._meta.proxy)
