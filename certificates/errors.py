"""What can keep a certificate from being printed."""

from __future__ import annotations


class CannotPrint(Exception):
    """The PDF would not be right: a font, or a glyph of the name, is not there."""
