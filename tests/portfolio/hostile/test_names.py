"""A file's name is a name: it neither leads elsewhere nor looks like another one."""

from __future__ import annotations

import unicodedata
from pathlib import Path

import pytest

from certification.kernel.errors import BadInput
from portfolio.uploads import opening
from portfolio.uploads.names import LONGEST, plain_name, sent_in_form, shown

from .names import NAMES
from .pdfs import pdf

# Controls, marks that turn or hide, halves of letters, private ones, and ends of lines.
_UNPRINTED = {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
_IDS = [ascii(name)[:40] for name, *_ in NAMES]


@pytest.mark.parametrize(("name", "kept"), [(name, kept) for name, kept, _ in NAMES], ids=_IDS)
def test_a_name_is_kept_without_what_misleads(name: str, kept: str) -> None:
    plain = plain_name(name)
    assert plain == kept
    assert plain_name(plain) == plain
    for text in (plain, shown(name)):
        assert not {unicodedata.category(letter) for letter in text} & _UNPRINTED
        assert "/" not in text
        assert "\\" not in text
    assert 0 < len(plain) <= LONGEST
    assert len(shown(name)) <= 82


@pytest.mark.parametrize(
    ("sent", "name"),
    [
        ("a%22.mp4", 'a".mp4'),
        ("a%0D%0A.mp4", "a\r\n.mp4"),
        ("100%25 %20 %2F %22.mp4", '100%25 %20 %2F ".mp4'),
        ("a%0d%0a%2522.mp4", "a%0d%0a%2522.mp4"),
        (None, ""),
    ],
)
def test_of_a_form_only_what_browsers_escape_is_read_back(sent: str | None, name: str) -> None:
    assert sent_in_form(sent) == name


@pytest.mark.parametrize(("name", "refused"), [(name, why) for name, _, why in NAMES], ids=_IDS)
def test_a_good_file_under_a_bad_name_is_good_or_refused_for_its_ending(
    name: str, refused: str, tmp_path: Path
) -> None:
    (tmp_path / "0001").write_bytes(pdf())
    if not refused:
        assert opening.inspected(tmp_path / "0001", name).format == "pdf"
        return
    with pytest.raises(BadInput) as refusal:
        opening.inspected(tmp_path / "0001", name)
    assert refusal.value.message.startswith(refused)
