"""Which formats evidence may have, what they are called, and which endings go with them.

Plain data, so that whoever only needs a name need not load what decodes them.
"""

from __future__ import annotations

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
READ_AS = (
    "Upload a PDF, Word (.docx) or OpenDocument (.odt) document, "
    "or an MP4, MOV, M4V, WebM, MKV, AVI, WMV or MPG video."
)

# No slot takes as much; a file that claims more is refused before anything is made of it.
MAX_PAGES = 1_000
MAX_VIDEO_SECONDS = 24 * 3600
