"""What is written down exists, is listed where people look for it, and leaves nothing out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
PAGES = sorted([*PROJECT.glob("*.md"), *(PROJECT / "docs").rglob("*.md")])
DECISIONS = sorted((PROJECT / "docs" / "adr").glob("[0-9]*.md"))
_LINK = re.compile(r"\]\((?!https?:|mailto:|#)([^)#\s]+)")
# However a variable is read, its name is the first text of the call; a group's names are all of its texts.
_READ = re.compile(
    r"(?:env\.\w+|required|rehearsal_only|environ\.get)\(\s*\"([A-Z0-9_]+)\"|all_or_none\(([^)]*)\)"
)


def links_of(page: str) -> set[str]:
    """Targets of a page's links and pictures in this project; an elision in an example is none."""
    return {target for target in _LINK.findall(page) if "…" not in target}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(PROJECT)))
def test_links_lead_somewhere(page: Path) -> None:
    broken = [target for target in links_of(page.read_text()) if not (page.parent / target).exists()]
    assert broken == []


@pytest.mark.parametrize("decision", DECISIONS, ids=lambda decision: decision.stem)
def test_decision_is_listed_under_its_number_and_title(decision: Path) -> None:
    number = int(decision.name.split("-")[0])
    title = re.fullmatch(rf"# {number}\. (.+)", decision.read_text().splitlines()[0])
    assert title is not None, f"{decision.name} begins with '# {number}. ' and its title"
    line = f"| [{number}]({decision.name}) | {title[1]} |"
    assert line in (PROJECT / "docs" / "adr" / "README.md").read_text(), f"list it: {line}"


def test_every_page_of_docs_is_in_its_index() -> None:
    index = links_of((PROJECT / "docs" / "README.md").read_text())
    pages = {page.name for page in (PROJECT / "docs").glob("*.md")} - {"README.md"}
    assert pages <= index


def test_pictures_are_small() -> None:
    heavy = [
        picture.name for picture in (PROJECT / "docs" / "img").iterdir() if picture.stat().st_size > 200_000
    ]
    assert heavy == []


def test_every_variable_of_the_settings_is_in_operations() -> None:
    sources = [
        *(PROJECT / "certification" / "settings").glob("*.py"),
        PROJECT / "certification/environment.py",
    ]
    named: set[str] = set()
    for source in sources:
        for name, group in _READ.findall(source.read_text()):
            named |= {name} if name else set(re.findall(r"\"([A-Z0-9_]+)\"", group))
    assert {"SECRET_KEY", "PAYPAL_CLIENT_ID", "ICG_DEMO", "EMAIL_URL"} <= named
    operations = (PROJECT / "docs" / "operations.md").read_text()
    assert sorted(name for name in named if f"`{name}" not in operations) == []
