"""Which formats evidence may have, what they are called, and which endings go with them.

Plain data, so that whoever only needs a name need not load what decodes them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

DOCUMENT, VIDEO = "document", "video"
# What a file can turn out to be.
KINDS = {
    "pdf": DOCUMENT,
    "docx": DOCUMENT,
    "odt": DOCUMENT,
    "mp4": VIDEO,
    "mov": VIDEO,
    "m4v": VIDEO,
    "webm": VIDEO,
    "mkv": VIDEO,
    "avi": VIDEO,
    "wmv": VIDEO,
    "mpg": VIDEO,
}
# By ending.  Phones, cameras and editors mix endings up inside a family, and nothing depends on them.
FAMILIES = {
    "pdf": "pdf",
    "docx": "docx",
    "odt": "odt",
    **dict.fromkeys(("mp4", "mov", "m4v", "qt", "3gp", "3g2"), "iso"),
    **dict.fromkeys(("webm", "mkv"), "ebml"),
    "avi": "avi",
    **dict.fromkeys(("wmv", "asf"), "asf"),
    **dict.fromkeys(("mpg", "mpeg", "vob", "ts", "mts", "m2ts"), "mpeg"),
}
DEMUXERS = {"iso": "mov", "ebml": "matroska", "avi": "avi", "asf": "asf", "mpeg": "mpeg"}
EVERY_FORMAT = tuple(KINDS)
VIDEO_FORMATS = tuple(format_ for format_, kind in KINDS.items() if kind == VIDEO)
_CALLED = {"docx": "Word (.docx)", "odt": "OpenDocument (.odt)", "webm": "WebM"}

# No slot takes as much; a file that claims more is refused before anything is made of it.
MAX_PAGES = 1_000
MAX_VIDEO_SECONDS = 24 * 3600


def kinds_of(takes: Collection[str]) -> set[str]:
    """Of which kinds the formats are."""
    return {KINDS[format_] for format_ in takes}


def advice_for(takes: Collection[str]) -> str:
    """What to upload where the formats in `takes`, and no others, are taken: `Upload an MP4 or MOV video.`"""
    of_kinds = ([one for one in KINDS if one in takes and KINDS[one] == kind] for kind in (DOCUMENT, VIDEO))
    told = [_one_of(formats) for formats in of_kinds if formats]
    return f"Upload {', or '.join(told)}."


def article(format_: str) -> str:
    """What is said before the format's name: an MP4, a PDF."""
    return "an" if format_[:2] in {"av", "mp", "mk", "m4", "od"} else "a"


def _one_of(formats: Sequence[str]) -> str:
    *others, last = (_CALLED.get(format_, format_.upper()) for format_ in formats)
    choice = f"{', '.join(others)} or {last}" if others else last
    return f"{article(formats[0])} {choice} {KINDS[formats[0]]}"
