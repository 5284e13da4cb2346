"""Lay HTML that was made of a document out as a PDF: known elements, words, redrawn pictures, nothing else.

Whoever converts a kind of document hands over HTML without trusting a word of it; what is not known is
dropped here, and nothing is loaded from anywhere.
"""

from __future__ import annotations

import base64
from io import BytesIO
from pathlib import Path
from typing import IO

import weasyprint
from lxml import etree, html
from PIL import Image, ImageOps
from weasyprint.urls import URLFetcher

MAX_PICTURE_PIXELS = 60_000_000
MAX_PICTURE_SIDE = 1_600

_SHOWN_TAGS = (
    "div p br hr h1 h2 h3 h4 h5 h6 strong em b i u s sub sup ul ol li table thead tbody tr th td img"
)
_TAGS = frozenset(_SHOWN_TAGS.split())
_SPANS = frozenset({"colspan", "rowspan"})
_SHEET = """
@page { size: Letter; margin: 1in }
body { font: 12pt/1.6 "Liberation Serif", "DejaVu Serif", serif; margin: 0; overflow-wrap: break-word }
p { margin: 0 0 6pt }
h1, h2, h3, h4, h5, h6 { font-size: 13pt; line-height: 1.3; margin: 12pt 0 6pt }
img { max-width: 100%; max-height: 8in }
hr { break-after: page; border: 0; margin: 0 }
table { border-collapse: collapse; width: 100%; margin: 6pt 0 }
td, th { border: 1px solid #777; padding: 3pt 6pt; text-align: left; vertical-align: top }
"""


class _NothingOutside(URLFetcher):
    """Pictures travel inside the page as data; any other address is refused before anything is opened."""

    def fetch(self, url: str, headers: dict[str, str] | None = None):  # type: ignore[no-untyped-def]
        if not url.startswith("data:image/"):
            raise ValueError("A document may not load anything from outside.")
        return super().fetch(url, headers)


def write_pdf(markup: str, target: Path) -> None:
    """Write the markup's visible content to `target`."""
    page = f'<!doctype html><meta charset="utf-8"><style>{_SHEET}</style><body>{sanitised(markup)}</body>'
    weasyprint.HTML(string=page, url_fetcher=_NothingOutside()).write_pdf(target)


def picture(stream: IO[bytes]) -> str:
    """The pixels alone, drawn anew, as an address that holds them; empty when they cannot be drawn.

    Whatever else the picture's file held stays behind.
    """
    try:
        with Image.open(stream) as image:
            if image.width * image.height > MAX_PICTURE_PIXELS:
                return ""
            upright = ImageOps.exif_transpose(image).convert("RGBA")
    except (OSError, ValueError, SyntaxError, Image.DecompressionBombError):
        return ""
    upright.thumbnail((MAX_PICTURE_SIDE, MAX_PICTURE_SIDE))
    flat = Image.new("RGB", upright.size, "white")
    flat.paste(upright, mask=upright.getchannel("A"))
    out = BytesIO()
    flat.save(out, "JPEG", quality=88)
    return "data:image/jpeg;base64," + base64.b64encode(out.getvalue()).decode("ascii")


def sanitised(markup: str) -> str:
    """Only known elements, without attributes, and only pictures that this module encoded."""
    if not markup:
        return ""
    root = html.fragment_fromstring(markup, create_parent="div")
    for element in list(root.iter()):
        if element is root:
            continue
        if not isinstance(element.tag, str):
            element.drop_tree()
            continue
        source = element.get("src", "")
        kept = {key: value for key, value in element.attrib.items() if key in _SPANS and value.isdigit()}
        element.attrib.clear()
        element.attrib.update(kept)
        if element.tag == "img":
            _picture_or_note(element, source)
        elif element.tag not in _TAGS:
            element.drop_tag()
    return etree.tostring(root, encoding="unicode", method="html")


def _picture_or_note(element: html.HtmlElement, source: str) -> None:
    if source.startswith("data:image/jpeg;base64,"):
        element.set("src", source)
    else:
        element.tag = "em"
        element.text = "[a picture in a format that cannot be shown]"
