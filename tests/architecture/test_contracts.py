"""The import contracts hold, and each of them would notice if it did not."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]
PACKAGES = ("certification", "accounts", "payments", "scoring", "candidates", "portfolio", "certificates")


def lint(project: Path, *contracts: str) -> subprocess.CompletedProcess[str]:
    chosen = [argument for contract in contracts for argument in ("--contract", contract)]
    return subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache", *chosen],
        cwd=project,
        env={**os.environ, "PYTHONPATH": str(project)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the code whose files a test may break."""
    folder = tmp_path_factory.mktemp("project")
    shutil.copy(PROJECT / "pyproject.toml", folder)
    for package in PACKAGES:
        shutil.copytree(PROJECT / package, folder / package, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def test_contracts_hold(copy: Path) -> None:
    answer = lint(copy)
    assert answer.returncode == 0, answer.stdout


@pytest.mark.parametrize(
    ("contract", "module", "line"),
    [
        ("layers", "accounts/planted.py", "import payments"),
        ("layers", "candidates/planted.py", "import scoring"),
        ("blind-side", "scoring/planted.py", "import candidates"),
        ("kernel", "certification/kernel/planted.py", "import accounts"),
        ("payment-sdks", "payments/planted.py", "import stripe"),
        ("storage-sdks", "certificates/planted.py", "import boto3"),
        ("pure-rules", "scoring/rules/planted.py", "import django"),
        ("within-an-app", "scoring/rules/planted.py", "import scoring.models"),
        ("within-payments", "payments/notices/planted.py", "import payments.services"),
        ("foreign-models", "certificates/planted.py", "import scoring.models"),
    ],
)
def test_contract_notices_a_planted_import(copy: Path, contract: str, module: str, line: str) -> None:
    planted = copy / module
    planted.write_text(f"{line}\n")
    try:
        answer = lint(copy, contract)
    finally:
        planted.unlink()
    assert answer.returncode != 0
    assert "BROKEN" in answer.stdout
