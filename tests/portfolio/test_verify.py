"""The search for leaks finds leaks planted for it, in any spelling a file may hold."""

from __future__ import annotations

import base64
import io
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

import pytest
from PIL import Image

from certification.season.files import make_docx, make_mp4, make_pdf
from portfolio.blinding.cleaning import leaks_in
from portfolio.blinding.identifiers import Identity, search_terms

DANA = Identity(
    names=("Dana Whitfield-Núñez",),
    emails=("dana.whitfield@lincoln.k12.ne.us",),
    organisations=("Lincoln Public Schools",),
    usernames=("dwhit88",),
)
TERMS = search_terms(DANA)


@pytest.mark.parametrize(("make", "ending"), [(make_pdf, "pdf"), (make_docx, "docx"), (make_mp4, "mp4")])
def test_an_uncleaned_file_is_caught(make: Callable[..., Path], ending: str, tmp_path: Path) -> None:
    path = make(tmp_path / f"neutral.{ending}", identity=DANA)
    assert leaks_in([path], TERMS)


LEAKS = {
    "utf-8": b"xx Dana Whitfield xx",
    "upper case": b"xxDANA WHITFIELDxx",
    "utf-16": "Dana Whitfield".encode("utf-16-le"),
    "utf-16, other end first": "Dana Whitfield".encode("utf-16-be"),
    "latin-1": b"\xffx" + "Whitfield-Núñez".encode("latin-1"),
    "percent": quote("Whitfield-Núñez").encode(),
    "base64": base64.b64encode(b"Dana Whitfield was here"),
    "base64, one byte on": base64.b64encode(b"1Dana Whitfield was here"),
    "base64, two bytes on": base64.b64encode(b"12Dana Whitfield was here"),
    "short name as a word": b"seen by dana today",
    "across two reads": b"x" * (1024 * 1024 - 7) + b"Whitfield",
}


@pytest.mark.parametrize("content", LEAKS.values(), ids=LEAKS.keys())
def test_a_leak_is_found_in_every_spelling(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "neutral.bin").write_bytes(content)
    assert leaks_in([tmp_path / "neutral.bin"], TERMS)


def test_a_leak_in_a_name_or_in_exif_is_found(tmp_path: Path) -> None:
    (tmp_path / "dana.txt").write_bytes(b"nothing")
    exif = Image.Exif()
    exif[0x013B] = "Dana"
    out = io.BytesIO()
    Image.new("RGB", (9, 9)).save(out, "JPEG", exif=exif)
    (tmp_path / "a.jpg").write_bytes(out.getvalue())
    assert leaks_in([tmp_path / "dana.txt"], TERMS) == ["dana.txt: file name holds 'Dana'"]
    assert "a.jpg: metadata 315 holds 'Dana'" in leaks_in([tmp_path / "a.jpg"], TERMS)


def test_a_clean_file_has_no_leaks(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"A public school on a hill, " * 1000)
    assert leaks_in([tmp_path / "a.txt"], TERMS) == []
