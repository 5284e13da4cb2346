"""An entry whose evidence names its candidate all over, and a store of this test's own.

The factories are imported when they are needed: pytest reads this file before Django is set up.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from django.core.files.storage import FileSystemStorage, storages

if TYPE_CHECKING:
    from datetime import datetime

    from candidates.models import Candidacy
    from portfolio.models import Entry


@pytest.fixture(autouse=True)
def originals(tmp_path: Path) -> Iterator[FileSystemStorage]:
    """An empty store of originals of this test's own."""
    mine = FileSystemStorage(location=tmp_path / "originals")
    before = storages["identity"]
    storages._storages["identity"] = mine  # type: ignore[attr-defined]
    yield mine
    storages._storages["identity"] = before  # type: ignore[attr-defined]


@pytest.fixture
def candidacy(db: None) -> Candidacy:
    from tests.factories import blinding as made

    made.a_framework_with_video()
    return made.a_named_candidate()


@pytest.fixture
def now(candidacy: Candidacy) -> datetime:
    from tests.factories import blinding as made

    return made.instants(candidacy).inside


@pytest.fixture
def entry(candidacy: Candidacy, now: datetime) -> Entry:
    from tests.factories import portfolio

    return portfolio.a_draft(candidacy, now)
