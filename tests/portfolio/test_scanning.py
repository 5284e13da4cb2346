"""A file is clean when the scanner looked into it and found nothing, and not otherwise."""

from __future__ import annotations

import hashlib
import os
import shutil
import socket
import subprocess
import time
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from django.conf import LazySettings

from portfolio.states import Scan
from portfolio.uploads import scanning
from portfolio.uploads.scanning import CHUNK_BYTES, ScannerSilent, ScanResult, scan
from tests.fakes.clamd import FakeClamd

# The industry's harmless test file, put together so that this source file is none.
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD" + rb"-ANTIVIRUS-TEST-FILE!$H+H*"
MIB = 1024**2


@pytest.fixture(autouse=True)
def _nothing_is_known_of_any_scanner() -> None:
    scanning._tells_what_it_skips.cache_clear()


def _file(folder: Path, content: bytes = b"A reflection.") -> Path:
    path = folder / "evidence"
    path.write_bytes(content)
    return path


def _honest(content: bytes) -> bytes:
    if content == scanning._packed_too_often():
        return b"stream: Heuristics.Limits.Exceeded.MaxRecursion FOUND\0"
    return b"stream: OK\0"


def test_without_a_scanner_nobody_is_asked(tmp_path: Path, settings: LazySettings) -> None:
    settings.CLAMAV_ADDRESS = ""
    assert scan(_file(tmp_path)) == ScanResult(Scan.NOT_ASKED)


@pytest.mark.parametrize("by_socket", [True, False])
def test_a_file_is_sent_whole_and_in_pieces(by_socket: bool, tmp_path: Path, settings: LazySettings) -> None:
    content = os.urandom(CHUNK_BYTES * 2 + 5)
    with FakeClamd(_honest, folder=tmp_path if by_socket else None) as clamd:
        settings.CLAMAV_ADDRESS = clamd.address
        assert scan(_file(tmp_path, content)) == ScanResult(Scan.CLEAN)
    assert clamd.received[0] == content
    assert clamd.chunks[:3] == [CHUNK_BYTES, CHUNK_BYTES, 5]


@pytest.mark.parametrize(
    ("answer", "result"),
    [
        ("stream: Win.Test.EICAR_HDB-1 FOUND", ScanResult(Scan.INFECTED, "Win.Test.EICAR_HDB-1")),
        (
            "stream: Heuristics.OLE2.ContainsMacros FOUND",
            ScanResult(Scan.INFECTED, "Heuristics.OLE2.ContainsMacros"),
        ),
        ("stream: Heuristics.Limits.Exceeded FOUND", ScanResult(Scan.SKIPPED, "Heuristics.Limits.Exceeded")),
        (
            "stream: Heuristics.Limits.Exceeded.MaxFileSize FOUND",
            ScanResult(Scan.SKIPPED, "Heuristics.Limits.Exceeded.MaxFileSize"),
        ),
        (
            "stream: Heuristics.Encrypted.PDF FOUND",
            ScanResult(Scan.SKIPPED, "Heuristics.Encrypted.PDF"),
        ),
        (
            "INSTREAM size limit exceeded. ERROR",
            ScanResult(Scan.SKIPPED, "it is larger than the scanner accepts (StreamMaxLength)"),
        ),
    ],
)
def test_an_answer_is_understood(
    answer: str, result: ScanResult, tmp_path: Path, settings: LazySettings
) -> None:
    with FakeClamd(lambda content: answer.encode() + b"\0") as clamd:
        settings.CLAMAV_ADDRESS = clamd.address
        assert scan(_file(tmp_path)) == result


@pytest.mark.parametrize(
    "answer",
    [
        b"stream: Can't allocate memory ERROR\0",
        b"COMMAND READ TIMED OUT\0",
        b"UNKNOWN COMMAND\0",
        b"stream: OK maybe\0",
        b"\0",
        b"\xff\xfe\0",
        b"x" * 100_000,
        None,
    ],
)
def test_a_scanner_that_is_not_itself_is_asked_again_later(
    answer: bytes | None, tmp_path: Path, settings: LazySettings
) -> None:
    with FakeClamd(lambda content: answer) as clamd:
        settings.CLAMAV_ADDRESS = clamd.address
        with pytest.raises(ScannerSilent):
            scan(_file(tmp_path))


def test_a_scanner_that_is_away_is_asked_again_later(tmp_path: Path, settings: LazySettings) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    for address in (f"tcp://127.0.0.1:{port}", f"unix://{tmp_path / 'nobody'}", "tcp://no.such.invalid:3310"):
        settings.CLAMAV_ADDRESS = address
        with pytest.raises(ScannerSilent):
            scan(_file(tmp_path))


def test_a_scanner_that_says_nothing_is_not_waited_for_for_ever(
    tmp_path: Path, settings: LazySettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scanning, "ANSWER_SECONDS", 0.2)
    monkeypatch.setattr(scanning, "SEND_SECONDS", 0.2)
    with socket.create_server(("127.0.0.1", 0)) as mute:
        settings.CLAMAV_ADDRESS = f"tcp://127.0.0.1:{mute.getsockname()[1]}"
        for content in (b"short", bytes(20 * MIB)):
            began = time.monotonic()
            with pytest.raises(ScannerSilent, match="timed out"):
                scan(_file(tmp_path, content))
            assert time.monotonic() - began < 5


def test_a_scanner_that_stops_reading_at_its_limit_has_skipped_the_file(
    tmp_path: Path, settings: LazySettings
) -> None:
    with FakeClamd(_honest, most_bytes=MIB) as clamd:
        settings.CLAMAV_ADDRESS = clamd.address
        assert scan(_file(tmp_path, bytes(30 * MIB))).scan == Scan.SKIPPED


def test_more_than_the_scanner_can_count_is_skipped_unasked(tmp_path: Path, settings: LazySettings) -> None:
    settings.CLAMAV_ADDRESS = f"unix://{tmp_path / 'nobody'}"
    path = _file(tmp_path)
    os.truncate(path, 2**31)
    assert scan(path).scan == Scan.SKIPPED


def test_a_scanner_that_calls_clean_what_it_skipped_makes_nothing_clean(
    tmp_path: Path, settings: LazySettings
) -> None:
    with FakeClamd(lambda content: b"stream: OK\0") as clamd:
        settings.CLAMAV_ADDRESS = clamd.address
        assert scan(_file(tmp_path)) == ScanResult(Scan.SKIPPED, scanning._MUTE)
        scan(_file(tmp_path))
    assert len(clamd.received) == 3, "its configuration is asked about once"


@pytest.fixture(scope="module", params=["AlertExceedsMax yes", "AlertExceedsMax no"])
def real_clamd(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """clamd itself, with a signature of the test file alone; its address."""
    program = shutil.which("clamd") or shutil.which("clamd", path="/usr/sbin")
    if program is None:
        pytest.skip("clamd is not installed: script/packages clamav-daemon")
    folder = tmp_path_factory.mktemp("clamd")
    folder.chmod(0o755)
    (folder / "signatures").mkdir()
    digest = hashlib.md5(EICAR).hexdigest()
    (folder / "signatures" / "test.hdb").write_text(f"{digest}:{len(EICAR)}:Eicar-Test\n")
    (folder / "signatures" / "test.ndb").write_text(f"Eicar-Inside:0:*:{EICAR.hex()}\n")
    (folder / "clamd.conf").write_text(
        f"LocalSocket {folder}/clamd\nDatabaseDirectory {folder}/signatures\nTemporaryDirectory {folder}\n"
        f"Foreground yes\nAlertEncrypted yes\nStreamMaxLength 3M\nMaxFileSize 2M\n{request.param}\n"
    )
    with (folder / "log").open("wb") as log:
        clamd = subprocess.Popen([program, "-c", str(folder / "clamd.conf")], stdout=log, stderr=log)
    end = time.monotonic() + 20
    while not (folder / "clamd").exists():
        assert clamd.poll() is None, (folder / "log").read_text()
        assert time.monotonic() < end, "clamd did not start within 20 s"
        time.sleep(0.02)
    yield f"unix://{folder / 'clamd'}"
    clamd.terminate()
    clamd.wait(20)


def test_the_real_scanner(real_clamd: str, tmp_path: Path, settings: LazySettings) -> None:
    settings.CLAMAV_ADDRESS = real_clamd
    owns_up = scan(_file(tmp_path)).scan == Scan.CLEAN
    packed = tmp_path / "packed.docx"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as package:
        package.writestr("word/embeddings/a.bin", EICAR)

    assert scan(_file(tmp_path, EICAR)) == ScanResult(Scan.INFECTED, "Eicar-Inside.UNOFFICIAL")
    assert scan(packed).scan == Scan.INFECTED
    assert scan(_file(tmp_path, os.urandom(2 * MIB + MIB // 2))).scan == Scan.SKIPPED
    assert scan(_file(tmp_path, os.urandom(8 * MIB))).scan == Scan.SKIPPED
    assert scan(_file(tmp_path, os.urandom(MIB))).scan == (Scan.CLEAN if owns_up else Scan.SKIPPED)


def test_the_real_scanner_owns_up_only_when_told_to(
    real_clamd: str, request: pytest.FixtureRequest, tmp_path: Path, settings: LazySettings
) -> None:
    settings.CLAMAV_ADDRESS = real_clamd
    told_to = "AlertExceedsMax yes" in request.node.name
    assert scan(_file(tmp_path)).scan == (Scan.CLEAN if told_to else Scan.SKIPPED)
