"""Lay a Word document out as a PDF that holds its visible content and nothing else."""

from __future__ import annotations

from pathlib import Path
from zipfile import BadZipFile

import mammoth

from certification.kernel.errors import BadInput
from portfolio.blinding.cleaning import layout


def lay_out(path: Path, target: Path) -> None:
    """Write the document's visible content to `target`: insertions accepted, deletions and comments dropped.

    Raises:
        BadInput: the document cannot be read.
    """
    try:
        with path.open("rb") as stream:
            # A document can bring its own style map, which could ask for comments to be shown.
            converted = mammoth.convert_to_html(
                stream,
                convert_image=mammoth.images.img_element(_picture),
                include_embedded_style_map=False,
                style_map="br[type='page'] => hr",
            )
        layout.write_pdf(converted.value, target)
    except (
        BadZipFile,
        KeyError,
        ValueError,
        TypeError,
        AttributeError,
        IndexError,
        OSError,
        RecursionError,
    ) as error:
        raise _unreadable() from error
    except Exception as error:
        if type(error).__module__.startswith(("xml.", "lxml.", "zlib", "mammoth.")):
            raise _unreadable() from error
        raise


def _unreadable() -> BadInput:
    return BadInput("The Word document cannot be read. Save it as PDF and upload that.")


def _picture(picture: mammoth.documents.Image) -> dict[str, str]:
    try:
        with picture.open() as stream:
            return {"src": layout.picture(stream)}
    except (OSError, ValueError):
        return {"src": ""}
