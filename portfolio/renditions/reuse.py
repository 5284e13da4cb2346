"""What the preview shows of a piece, handed to the blinding: the same bytes need not be made twice."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..blinding.cleaning.results import Finding
from ..models import Evidence
from ..states import PREPARED
from . import stores
from .making import Drawn, Made
from .models import Preparation, Rendition, RenditionKind, Sighting

logger = logging.getLogger(__name__)

# What scorers are given, in their order; the PDF is for the candidate and for staff.
_FOR_SCORERS = (RenditionKind.PAGE, RenditionKind.VIDEO, RenditionKind.POSTER, RenditionKind.CAPTIONS)


def drawn(evidence: Evidence, terms_sha256: str, folder: Path) -> Drawn | None:
    """The finished files of a piece on local disk, byte for byte as they were made, and its sightings.

    None when there are none, when other identifiers were looked for, or when the store has lost one: then
    they are to be made anew.

    Raises:
        StoreSilent: the store does not answer.
    """
    prepared = Preparation.objects.filter(
        evidence=evidence, state__in=sorted(PREPARED), terms_sha256=terms_sha256
    ).first()
    if prepared is None:
        return None
    rows = sorted(
        prepared.files.filter(kind__in=_FOR_SCORERS),
        key=lambda row: (_FOR_SCORERS.index(RenditionKind(row.kind)), row.page_number or 0),
    )
    folder.mkdir()
    files = _fetched(rows, folder)
    if not files or len(files) < len(rows):
        logger.error("preparation %s: a file is not in the store as it was made", prepared.pk)
        return None
    return Drawn(tuple(files), tuple(_findings(prepared.sightings.all())))


def _fetched(rows: Sequence[Rendition], folder: Path) -> list[Made]:
    files = []
    for place, row in enumerate(rows):
        path = folder / f"{place:04d}"
        if not stores.fetch(row.storage_key, row.sha256, path):
            break
        files.append(
            Made(
                path=path,
                kind=row.kind,
                content_type=row.content_type,
                size=row.size,
                sha256=row.sha256,
                width=row.width,
                height=row.height,
                page_number=row.page_number,
                seconds=row.seconds,
                text=row.text,
            )
        )
    return files


def _findings(sightings: Iterable[Sighting]) -> Iterable[Finding]:
    for one in sightings:
        yield Finding(
            where=one.where,
            kind=one.kind,
            page=one.page_number,
            excerpt=one.excerpt,
            covered=one.covered,
        )
