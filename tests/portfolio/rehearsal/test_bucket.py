"""With originals in a bucket, the line to the bucket is measured; rclone checks signatures as AWS does."""

from __future__ import annotations

import subprocess
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse

from certification.kernel import clock
from portfolio.services import taking_in
from portfolio.uploads.parts import FOLDER
from tests.fakes import buckets

pytestmark = pytest.mark.django_db


def curl(url: str, content: bytes, folder: Path) -> int:
    sent = folder / "sent"
    sent.write_bytes(content)
    command = ["curl", "--silent", "--max-time", "30", "--upload-file", str(sent), "--header", "Expect:"]
    command += ["--output", "/dev/null", "--write-out", "%{http_code}", url]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def test_bytes_go_into_the_bucket_at_their_own_length_and_the_sweep_frees_them(
    client: Client, now: datetime, settings: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for direction in ("REQUEST_CHECKSUM_CALCULATION", "RESPONSE_CHECKSUM_VALIDATION"):
        monkeypatch.setenv(f"AWS_{direction}", "when_required")
    with buckets.rclone(tmp_path / "rclone") as peer:
        settings.STORAGES = {**settings.STORAGES, "identity": peer.storage}
        pieces = client.post(reverse("portfolio:rehearsal_trial")).json()["pieces"]
        small, larger = pieces[0], pieces[1]

        assert small["url"].startswith(peer.endpoint)
        assert curl(small["url"], b"x" * small["bytes"], tmp_path) == 200
        assert curl(small["url"], b"x" * (small["bytes"] + 1), tmp_path) == 403
        assert curl(larger["url"], b"x" * larger["bytes"], tmp_path) == 200
        (key,) = peer.keys()
        assert key.startswith(f"{FOLDER}/{now:%Y-%m-%d}/")

        taking_in.sweep(now)
        assert peer.keys() == [key]
        later = now + timedelta(days=2)
        with clock.fixed(later):
            assert taking_in.sweep(later)["freed"] == 1
        assert peer.keys() == []
