"""The components keep what policy and reader need: nothing inline, labels, linked errors, unique ids."""

import re
from collections import Counter
from html.parser import HTMLParser
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from django.contrib.auth.models import AnonymousUser
from django.template import engines
from django.template.loader import render_to_string
from django.test import RequestFactory

from tests.ui import gallery

TEMPLATES = Path(__file__).resolve().parents[2] / "templates"
GALLERY = Path(__file__).parent / "templates" / "gallery"


class Tags(HTMLParser):
    """Every start tag with its attributes."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))


def page(name: str, context: dict[str, Any], role: str | None = None) -> str:
    request = RequestFactory().get("/dashboard/")
    request.user = AnonymousUser() if role is None else person(role)
    named = {"demo": True, "programme_now": gallery.NOW, "programme_zone": "America/Chicago"}
    template = engines["django"].from_string((GALLERY / f"{name}.html").read_text())
    return template.render({**context, **named, "viewer_zone": "Europe/Berlin"}, request)


def person(role: str) -> Any:
    return SimpleNamespace(
        is_authenticated=True,
        role=role,
        get_full_name=gallery.LONG_NAME,
        email="someone@example.org",
        get_role_display=role,
        timezone="Europe/Berlin",
    )


@pytest.fixture(autouse=True)
def _own_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("certification.kernel.clock.now", lambda: gallery.NOW)


@pytest.fixture(params=["components", "scoring", "hero"])
def html(request: pytest.FixtureRequest) -> str:
    contexts = {"components": gallery.components(), "scoring": gallery.scoring(), "hero": {}}
    return page(request.param, contexts[request.param], "candidate")


def test_nothing_is_inline(html: str) -> None:
    for tag, attributes in Tags(html).tags:
        assert "style" not in attributes, (tag, attributes)
        assert not [name for name in attributes if name.startswith("on")], (tag, attributes)
        assert tag != "style"
        if tag == "script":
            assert attributes.get("src"), attributes


def test_ids_are_unique_and_every_reference_has_its_target(html: str) -> None:
    tags = Tags(html).tags
    ids = Counter(attributes["id"] for _, attributes in tags if attributes.get("id"))
    assert not [name for name, times in ids.items() if times > 1]
    for _, attributes in tags:
        for reference in ("for", "aria-describedby", "aria-labelledby"):
            for target in (attributes.get(reference) or "").split():
                assert target in ids, (reference, target)
        href = attributes.get("href") or ""
        if href.startswith("#") and len(href) > 1:
            assert href[1:] in ids, href


def test_no_template_for_a_browser_carries_inline_style_or_script() -> None:
    """A `*_pdf.html` is read by the PDF writer alone and carries its own sheet."""
    inline = re.compile(r"\sstyle=|<style|\son[a-z]+=\"|<script(?![^>]*\ssrc=)", re.IGNORECASE)
    for template in TEMPLATES.rglob("*.html"):
        if template.name.endswith("_pdf.html"):
            continue
        assert not inline.search(template.read_text()), template


def test_every_error_stands_in_the_summary_and_beside_its_field() -> None:
    form = gallery.Everything({})
    summary = render_to_string("ui/form_errors.html", {"form": form})
    for field in form.visible_fields():
        if not field.errors:
            continue
        target = f"{field.auto_id}_group" if field.use_fieldset else field.id_for_label
        assert f'href="#{target}"' in summary
        beside = render_to_string("ui/field.html", {"field": field})
        assert f'id="{field.auto_id}_error"' in beside
        assert f'id="{target}"' in beside
        assert re.search(rf'aria-describedby="[^"]*{field.auto_id}_error', beside)


@pytest.mark.parametrize(
    ("role", "seen", "unseen"),
    [
        (None, "Sign in", "Sign out"),
        ("candidate", "Sign out", "Administration"),
        ("sponsor", "Sign out", "Administration"),
        ("scorer", "Sign out", ">Dashboard<"),
        ("lead_scorer", "Sign out", ">Dashboard<"),
    ],
)
def test_the_header_offers_what_the_role_may_reach(role: str | None, seen: str, unseen: str) -> None:
    html = page("hero", {}, role)
    assert seen in html
    assert unseen not in html


def test_a_rating_keeps_the_chosen_point() -> None:
    html = render_to_string("ui/rating.html", {"field": gallery.Rating({"identify": "3.25"})["identify"]})
    chosen = [attributes["value"] for _, attributes in Tags(html).tags if "checked" in attributes]
    assert chosen == ["3.25"]
    assert html.count('type="radio"') == len(gallery.POINTS)
