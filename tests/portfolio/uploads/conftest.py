"""A candidate with a draft, at an instant at which it may be prepared; and empty stores.

Models are imported where they are used: pytest reads this file before Django is set up.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from candidates.models import Candidacy
    from portfolio.models import Entry


@pytest.fixture
def candidacy() -> Candidacy:
    from portfolio.models import Slot
    from tests.factories import portfolio as make

    make.a_small_framework()
    Slot.objects.filter(key="written").update(max_bytes=1024**3)
    return make.a_candidate()


@pytest.fixture
def now(candidacy: Candidacy) -> Iterator[datetime]:
    from certification.kernel import clock
    from tests.factories import portfolio as make

    opens = make.window_of(candidacy).opens
    with clock.fixed(opens):
        yield opens


@pytest.fixture
def draft(candidacy: Candidacy, now: datetime) -> Entry:
    from tests.factories import portfolio as make

    return make.a_draft(candidacy, now)


@pytest.fixture
def folder() -> Path:
    """Where parts wait on local disk."""
    from portfolio.uploads import parts, storing

    return Path(storing.originals().path(parts.FOLDER))


@pytest.fixture(autouse=True)
def _empty_stores(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    shutil.rmtree(folder.parent / "evidence", ignore_errors=True)
