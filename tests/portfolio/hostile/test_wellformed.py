"""The other side of the guards: what people really send is taken in, as what it is and as long as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from portfolio.uploads import opening

from .wellformed import ALL, WellFormed


@pytest.mark.parametrize("case", [pytest.param(case, id=case.label) for case in ALL])
def test_a_well_formed_file_is_taken_in(case: WellFormed, tmp_path: Path) -> None:
    path = tmp_path / "0001"
    case.make(path)
    found = opening.inspected(path, case.name)
    assert found.format == case.format
    if found.kind == "document":
        assert found.pages == case.length
    else:
        assert found.seconds is not None
        assert abs(float(found.seconds) - case.length) < 0.25
        assert found.width
        assert found.height


def test_there_are_more_than_forty() -> None:
    assert len({case.label for case in ALL}) == len(ALL) >= 40
