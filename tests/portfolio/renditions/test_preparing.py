"""A piece of evidence on its way from received to ready, whatever happens to its worker on the way."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest
from django.core.files.storage import FileSystemStorage

from portfolio.blinding.cleaning import assert_clean
from portfolio.blinding.identifiers import search_terms
from portfolio.models import Entry, Preparation, Rendition, UnclaimedRendition
from portfolio.renditions import preparing, selectors, services
from portfolio.renditions.models import RenditionKind
from portfolio.states import PreparationState
from tests.factories import blinding as made
from tests.factories import renditions as factory

pytestmark = pytest.mark.django_db

NOTHING = {"ready": 0, "unscannable": 0, "rejected": 0, "failed": 0}


def test_a_document_becomes_pages_and_a_clean_pdf_and_a_second_sweep_changes_nothing(
    originals: FileSystemStorage, tmp_path: Path, entry: Entry, now: datetime
) -> None:
    piece = factory.a_document(tmp_path, entry, now, pages=2)
    assert factory.prepare_all(now) == NOTHING | {"ready": 1}
    assert factory.prepare_all(now) == NOTHING
    piece.refresh_from_db()
    assert (piece.state, piece.percent, piece.step, piece.problem) == (PreparationState.READY, 100, "", "")

    shown = selectors.preview(piece.evidence_id)
    assert [page.page_number for page in shown.pages] == [1, 2]
    assert shown.document is not None
    assert factory.stored(originals) == factory.claimed()
    assert not UnclaimedRendition.objects.exists()
    terms = search_terms(made.IDENTITY)
    assert assert_clean([Path(originals.path(key)) for key in factory.claimed()], terms) == []
    assert {"file name", "page 1", "page 2", "metadata:Author"} <= {one.where for one in shown.sightings}


def test_a_video_becomes_one_that_plays_everywhere_with_a_poster(
    originals: FileSystemStorage, tmp_path: Path, entry: Entry, now: datetime
) -> None:
    piece = factory.a_video(tmp_path, entry, now)
    assert factory.prepare_all(now) == NOTHING | {"ready": 1}
    shown = selectors.preview(piece.evidence_id)
    assert shown.video is not None
    assert shown.poster is not None
    assert (shown.video.content_type, shown.video.seconds) == ("video/mp4", piece.evidence.seconds)
    assert factory.stored(originals) == factory.claimed()
