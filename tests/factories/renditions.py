"""Evidence on its way to being shown."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage
from django.db.models import Q

from certification.kernel import reconcile
from certification.season.files import make_docx, make_mp4, make_pdf, named
from portfolio.models import Captions, Entry, Evidence, Preparation, Rendition
from portfolio.renditions import moves
from portfolio.services import captions
from tests.factories import portfolio
from tests.factories.blinding import IDENTITY

_MAKERS = {"pdf": make_pdf, "docx": make_docx}


def a_document(
    folder: Path, entry: Entry, now: datetime, *, ending: str = "pdf", pages: int = 1
) -> Preparation:
    """A document that names its candidate everywhere, in its slot and not yet prepared."""
    path = named(folder, identity=IDENTITY, label="essay", extension=ending)
    _MAKERS[ending](path, identity=IDENTITY, pages=pages)
    return _preparation(portfolio.add(entry, now, content=path.read_bytes(), name=path.name))


def a_video(folder: Path, entry: Entry, now: datetime, *, seconds: int = 2) -> Preparation:
    """A video that names its candidate in its tags, in its slot and not yet prepared."""
    path = named(folder, identity=IDENTITY, label="clip", extension="mp4")
    make_mp4(path, identity=IDENTITY, seconds=seconds)
    added = portfolio.add(entry, now, slot="clip", content=path.read_bytes(), name=path.name)
    return _preparation(added)


def a_caption(evidence: Evidence, now: datetime, text: str = "Hello, what did you notice?") -> Captions:
    """Captions of one sentence."""
    return captions.set_captions(
        evidence_id=evidence.pk,
        by=evidence.entry.candidacy.account,
        file=ContentFile(f"WEBVTT\n\n00:00:00.500 --> 00:00:01.500\n{text}\n".encode()),
        name="clip.vtt",
        now=now,
    )


def prepare_all(now: datetime) -> dict[str, int]:
    """What a worker of each kind makes of what waits, summed."""
    sums: dict[str, int] = {}
    for bell in (moves.SHORT, moves.LONG):
        for what, count in (reconcile.run(bell, now) or {}).items():
            sums[what] = sums.get(what, 0) + count
    return sums


def stored(store: FileSystemStorage, folder: str = "renditions") -> set[str]:
    """The keys of a store that begin with `folder`."""
    root = Path(store.location)
    found = (path.relative_to(root) for path in (root / folder).rglob("*") if path.is_file())
    return {str(path) for path in found}


def claimed(where: Q | None = None) -> set[str]:
    return set(Rendition.objects.filter(where or Q()).values_list("storage_key", flat=True))


def _preparation(evidence: Evidence) -> Preparation:
    return Preparation.objects.select_related("evidence__slot").get(evidence=evidence)
