"""The linter lets nobody but the kernel's clock ask the machine for the time."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

PROJECT = Path(__file__).resolve().parents[2]


@pytest.mark.parametrize(
    "code",
    [
        "from datetime import datetime\n\nnow = datetime.now()\n",
        "import datetime\n\ntoday = datetime.date.today()\n",
        "from django.utils import timezone\n\nnow = timezone.now()\n",
        "import time\n\nnow = time.time()\n",
    ],
)
def test_another_clock_is_refused(code: str) -> None:
    answer = subprocess.run(
        [
            sys.executable,
            "-m",
            "ruff",
            "check",
            "--select",
            "TID251",
            "--stdin-filename",
            "scoring/planted.py",
            "-",
        ],
        cwd=PROJECT,
        input=code,
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 1
    assert "one clock" in answer.stdout
