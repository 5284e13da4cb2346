"""Every static file a template names is there, or the hashed storage of a real site answers 500."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from django.conf import settings
from django.contrib.staticfiles import finders

_NAMED = re.compile(r"""\{%\s*static\s+['"]([^'"]+)['"]""")
_TEMPLATES = Path(settings.BASE_DIR) / "templates"


def _named_files() -> list[str]:
    return sorted({name for page in _TEMPLATES.rglob("*.html") for name in _NAMED.findall(page.read_text())})


@pytest.mark.parametrize("name", _named_files())
def test_a_static_file_named_by_a_template_exists(name: str) -> None:
    assert finders.find(name), f"No built file is called {name}: run script/setup, or correct the template."


def test_a_wrong_name_would_be_noticed() -> None:
    assert finders.find("dist/main.css") is None
    assert "main.css" in _named_files()
