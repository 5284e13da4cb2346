"""Staff's texts: the structure that is read, and everything else that stays plain text."""

from __future__ import annotations

from html.parser import HTMLParser

import pytest
from django.template.loader import render_to_string
from hypothesis import given
from hypothesis import strategies as st

from certification.kernel.prose import BlockKind, Span, parse, refused_addresses


def drawn(body: str) -> str:
    prose = parse(body)
    return render_to_string("ui/prose.html", {"blocks": prose.blocks, "parts": prose.parts})


def kinds(body: str) -> list[tuple[BlockKind, int]]:
    return [(block.kind, len(block.lines)) for block in parse(body).blocks]


def test_neighbouring_lines_are_one_block_and_blank_lines_end_it() -> None:
    assert kinds("One\ntwo.\n\n- a\n- b\n\nThree:\n- c\n1. d\r\n2. e") == [
        (BlockKind.PARAGRAPH, 1),
        (BlockKind.LIST, 2),
        (BlockKind.PARAGRAPH, 1),
        (BlockKind.LIST, 1),
        (BlockKind.NUMBERED, 2),
    ]
    assert parse("One\ntwo.").blocks[0].lines == ((Span("One two."),),)
    assert parse("- a\n  goes on\n- b").blocks[0].lines == ((Span("a goes on"),), (Span("b"),))
    assert parse("") == parse("\n\n \n")


def test_headings_make_parts_and_no_level_is_skipped() -> None:
    prose = parse("Intro\n## One\ntext\n### Inside\nmore\n## One\n")
    assert [part.heading for part in prose.parts] == ["One", "One"]
    assert [part.anchor for part in prose.parts] == ["one", "one-2"]
    assert [part.heading for part in prose.parts[0].parts] == ["Inside"]
    assert [part.heading for part in parse("### First\n## Second").parts] == ["First", "Second"]
    assert parse("## 問い").parts[0].anchor == "part"
    assert "<h2" not in drawn("##No space\n#### Too deep")


def test_a_table_names_its_columns_in_every_cell() -> None:
    page = drawn("| Who | sees |\n|---|---|\n| Scorers | a **code** |\n| Staff | all | too much |")
    assert '<th scope="col">Who</th>' in page
    assert '<th scope="row">Scorers</th><td data-label="sees">a <strong>code</strong></td>' in page
    assert '<td data-label="">too much</td>' in page
    assert "---" not in page


@pytest.mark.parametrize(
    "address", ["https://example.org/a?b=c&d=e", "/fees/", "/", "mailto:office@example.org", "/questions/#a"]
)
def test_a_link_to_the_site_to_https_or_to_an_address_is_drawn(address: str) -> None:
    assert parse(f"See [this]({address}).").blocks[0].lines[0][1] == Span("this", href=address)
    assert refused_addresses(f"See [this]({address}).") == []


@pytest.mark.parametrize(
    "address",
    [
        "javascript:alert`1`",
        "JaVaScRiPt:x",
        "data:text/html,x",
        "http://example.org/",
        "//example.org/",
        "/\\example.org",
        "\\/example.org",
        "HTTPS:evil",
        "fees/",
        "vbscript:x",
    ],
)
def test_any_other_link_stays_text_and_is_named(address: str) -> None:
    body = f"See [this]({address})."
    assert "href" not in drawn(body)
    assert "[this](" in drawn(body)
    assert refused_addresses(body) == [address]


def test_markup_that_is_typed_is_shown_as_typed() -> None:
    page = drawn('## <script>x</script>\n<b onclick="x">y</b> **<i>z</i>** [<u>w</u>](/a"><script>)')
    assert not any(sign in page for sign in ("<script", "<b ", "<i>", "<u>"))
    assert "&lt;script&gt;x" in page
    assert "<strong>&lt;i&gt;z&lt;/i&gt;</strong>" in page


_DRAWN = {"div", "p", "ul", "ol", "li", "section", "h2", "h3", "strong", "a"}
_DRAWN |= {"table", "thead", "tbody", "tr", "th", "td"}


class _Seen(HTMLParser):
    """What a browser would make of a page: its tags, the addresses of its links, its words."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.addresses: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.addresses += [value or "" for name, value in attrs if name == "href"]
        assert {name for name, _ in attrs} <= {
            "class",
            "id",
            "aria-labelledby",
            "scope",
            "data-label",
            "href",
        }


@given(st.text(alphabet=st.sampled_from(list("ab <>&\"'[]()*|-#1./\\:\n\t")), max_size=80))
def test_whatever_is_typed_only_the_known_tags_come_of_it(body: str) -> None:
    seen = _Seen(drawn(body))
    assert seen.tags <= _DRAWN
    assert all(
        address.startswith("/") and not address.startswith(("//", "/\\")) for address in seen.addresses
    )
