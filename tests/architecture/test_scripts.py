"""The scripts run as they stand in a fresh clone and name no place to install from."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).resolve().parents[2]
SCRIPTS = (
    "script/setup",
    "script/server",
    "script/test",
    "script/season",
    "script/faults",
    "script/bench",
    "script/packages",
    ".ci/run",
    "manage.py",
)
LOCKS = ("requirements.txt", "requirements-dev.txt", "package.json", "package-lock.json")


@pytest.mark.parametrize("name", SCRIPTS)
def test_script_is_executable_and_parses(name: str) -> None:
    script = PROJECT / name
    assert os.access(script, os.X_OK), f"chmod +x {name}"
    shebang = script.read_text().splitlines()[0]
    if "bash" in shebang:
        subprocess.run(["bash", "-n", str(script)], check=True)
        assert "set -euo pipefail" in script.read_text()


@pytest.mark.parametrize("name", LOCKS)
def test_lock_file_names_no_registry_host(name: str) -> None:
    text = (PROJECT / name).read_text()
    for hint in ('"resolved"', "--index-url", "--extra-index-url", "--find-links", "registry.", "simple/"):
        assert hint not in text, f"{name} would install from a place of its own: {hint}"


def test_every_requirement_is_pinned() -> None:
    for name in ("requirements.txt", "requirements-dev.txt"):
        lines = (line.strip() for line in (PROJECT / name).read_text().splitlines())
        loose = [line for line in lines if line and not line.startswith("#") and "==" not in line]
        assert loose == [], f"{name} leaves {loose} open"


def test_runtime_pins_are_the_development_pins() -> None:
    runtime, development = (
        {line for line in (PROJECT / name).read_text().splitlines() if "==" in line}
        for name in ("requirements.txt", "requirements-dev.txt")
    )
    assert runtime <= development


def test_containers_cover_every_process() -> None:
    compose = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())
    services = compose["services"]
    assert {"web", "worker", "slow", "beat", "postgres", "redis"} <= services.keys()
    for name in ("postgres", "redis", "worker", "slow", "beat"):
        assert "test" in services[name]["healthcheck"], f"{name} has no health check"
    dockerfile = (PROJECT / "Dockerfile").read_text()
    assert "HEALTHCHECK" in dockerfile
    assert "\nUSER site\n" in dockerfile
    # Named volumes only: a bind mount would tie the site to one machine's folders.
    for service in services.values():
        for volume in service.get("volumes", []):
            assert volume.split(":")[0] in compose["volumes"]
