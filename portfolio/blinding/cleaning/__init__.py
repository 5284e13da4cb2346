"""Cleaned copies: what a scorer may see of an upload, made from it and never the upload itself.

Pure functions over files: no database, no settings, no network.
"""

from portfolio.blinding.cleaning.documents import clean_document
from portfolio.blinding.cleaning.results import Box, CleanedDocument, CleanedPage, CleanedVideo, Finding
from portfolio.blinding.cleaning.verify import leaks_in
from portfolio.blinding.cleaning.video import clean_video, poster, video_traces

__all__ = [
    "Box",
    "CleanedDocument",
    "CleanedPage",
    "CleanedVideo",
    "Finding",
    "clean_document",
    "clean_video",
    "leaks_in",
    "poster",
    "video_traces",
]
