"""What names a candidate is found however it is written, and everyday words are left standing."""

from __future__ import annotations

import pytest

from portfolio.blinding.identifiers import REMOVED, Identity, find, redact, search_terms

IDENTITY = Identity(
    names=("Dr. Dana Marie Whitfield-O'Neil", "José Núñez", "Bo Li"),
    emails=("dana.whitfield+work@lincoln.k12.ne.us", "coachd@gmail.com"),
    organisations=("Lincoln Public Schools", "Pine Hill Elementary School"),
    usernames=("dwhit88",),
    places=("Beatrice, Nebraska",),
)
TERMS = search_terms(IDENTITY)


@pytest.mark.parametrize(
    "written",
    [
        "Dana Marie Whitfield-O'Neil",
        "DANA WHITFIELD",
        "dana whitfield",
        "Whitfield, Dana",
        "Dana\nWhitfield",
        "Dana\r\n  Whitfield",
        "Whit-\nfield",
        "Whit\u0002\nfield",
        "Whit\u00adfield",
        "Whit\nfield",
        "Whitﬁeld",
        "W h i t f i e l d",
        "D A N A   W H I T F I E L D",
        "Whitfield\u2010O\u2019Neil",
        "WhitfieldONeil",
        "DanaWhitfield",
        "dana_whitfield",
        "Jose Nunez",
        "Jose\u0301 Nu\u0301n\u0303ez",
        "JOSÉ",
        "J. Núñez",
        "B. Li",
        "Li, B.",
        "Bo Li",
        "the Whitfields",
        "dana.whitfield@lincoln.k12.ne.us",
        "coachd@gmail.com",
        "@dwhit88",
        "lincoln.k12.ne.us",
        "Lincoln",
        "LINCOLN PUBLIC SCHOOLS",
        "Lincoln\nPublic Schools",
        "LPS",
        "Pine Hill",
        "pine hill elementary school",
        "Beatrice Nebraska",
        "\u200bDana",
    ],
)
def test_an_identifier_is_removed_however_it_is_written(written: str) -> None:
    shown = redact(f"before {written} after", TERMS)
    assert REMOVED in shown
    letters = shown.replace(REMOVED, "").replace("before", "").replace("after", "").replace("the", "")
    assert not any(letter.isalpha() for letter in letters if letter not in "Elmntaryo"), shown


@pytest.mark.parametrize(
    "innocent",
    [
        "The public school district of the county",
        "an elementary school with high standards",
        "we walked down the hill under a pine tree",
        "the bottom of the page",
        "Likely, the bold and the bored",
        "Danish pastry, bandana, Indiana",
        "lps of old records",
        "Li",
        "mail me at gmail.com",
        "work on it",
    ],
)
def test_everyday_words_are_left_standing(innocent: str) -> None:
    assert find(innocent, TERMS) == []


def test_a_name_that_is_also_a_word_counts_only_with_a_capital() -> None:
    terms = search_terms(Identity(names=("Grace Young",)))
    assert redact("Grace met a young teacher with grace. Grace Young", terms) == (
        f"{REMOVED} met a young teacher with grace. {REMOVED}"
    )


def test_offsets_are_of_the_text_as_given() -> None:
    text = "ﬁrst, Jose\u0301 Nu\u0301n\u0303ez said"
    (match,) = find(text, TERMS)
    assert text[match.start : match.end] == "Jose\u0301 Nu\u0301n\u0303ez"
    assert (match.term, match.kind) == ("José Núñez", "name")


def test_overlapping_terms_give_one_match() -> None:
    matches = find("Dana Whitfield-O'Neil", TERMS)
    assert len(matches) == 1
    assert matches[0].kind == "name"


def test_no_identity_has_no_terms() -> None:
    assert search_terms(Identity()) == ()
    assert search_terms(Identity(names=("", " ", "-"), emails=("",), organisations=("School",))) == ()


def test_a_long_page_is_searched_in_time() -> None:
    page = ("Dan a nd Whit fie ld " * 20 + "\n") * 300
    assert find(page, TERMS) == []
