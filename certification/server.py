"""The whole site on one machine: what script/server runs once everything is installed."""

from __future__ import annotations

import os
import signal
import socket
import sys
import threading
import urllib.error
import urllib.request
from contextlib import suppress
from io import StringIO
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import django
from django.core.exceptions import ImproperlyConfigured
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connections
from honcho.compat import ProcessManager
from honcho.environ import parse_procfile
from honcho.manager import Manager

from certification import embedded
from certification.environment import BASE_DIR, DEMO, VAR

HEALTHY_WITHIN_SECONDS = 60


def main() -> int:
    """Start everything, say where it is, and stop everything on Ctrl-C."""
    for gone in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(gone, _leave)
    host, port = os.environ.get("HOST", "127.0.0.1"), _port()
    _require_free(host, port)
    os.environ.setdefault("PORT", str(port))
    if DEMO:
        os.environ.setdefault("MFA_REQUIRED", "0")
        # What every job changed is for a log's reader; a visitor wants the address and the accounts.
        os.environ.setdefault("LOG_LEVEL", "WARNING")

    database = _start_database()
    try:
        accounts = _prepare_site()
        return _run(f"http://{'127.0.0.1' if host == '0.0.0.0' else host}:{port}", accounts)  # noqa: S104
    except KeyboardInterrupt:
        return 130
    finally:
        if database is not None:
            embedded.stop(database)


def _leave(number: int, frame: FrameType | None) -> NoReturn:
    raise SystemExit(128 + number)


def _fail(sentence: str) -> NoReturn:
    print(f"\n{sentence}", file=sys.stderr)
    raise SystemExit(1)


def _port() -> int:
    given = os.environ.get("PORT") or "8000"
    if not given.isdecimal() or not 0 < int(given) < 65536:
        _fail(f"Correct PORT: {given!r} is not a port between 1 and 65535.")
    return int(given)


def _require_free(host: str, port: int) -> None:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError:
            _fail(f"Port {port} of {host} is in use: stop what runs there, or set PORT, say to {port + 1}.")


def _start_database() -> Any:
    """The embedded server, or None when DATABASE_URL names another."""
    if os.environ.get("DATABASE_URL"):
        return None
    try:
        return embedded.ensure_database()
    except Exception as problem:
        _fail(
            f"The embedded PostgreSQL did not start: {problem} "
            f"(its log is {VAR / 'postgres' / 'log'}; DATABASE_URL may name another server)."
        )


def _prepare_site() -> str:
    """Bring database and static files up to date; returns the demo's accounts, as text."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "certification.settings")
    accounts = StringIO()
    try:
        django.setup()
        from certification.celery import make_folders

        make_folders()
        call_command("migrate", interactive=False, verbosity=0)
        # A text that is new in this version is published; what staff have written stays.
        call_command("programme", stdout=StringIO())
        _collect_static()
        if DEMO:
            call_command("demo", stdout=accounts)
    except ImproperlyConfigured as problem:
        _fail(str(problem))
    except (DatabaseError, CommandError) as problem:
        _fail(f"The database could not be prepared: {problem}")
    # The processes below are forked from this one and must not share its connection.
    connections.close_all()
    return accounts.getvalue()


def _collect_static() -> None:
    """Gather and hash static files when their sources are newer than the last gathering."""
    from django.conf import settings

    manifest = Path(settings.STATIC_ROOT) / "staticfiles.json"
    sources = [BASE_DIR / ".venv" / "installed", *(BASE_DIR / "static").glob("*/*")]
    newest = max((source.stat().st_mtime for source in sources if source.exists()), default=0.0)
    if not manifest.exists() or manifest.stat().st_mtime < newest:
        call_command("collectstatic", interactive=False, clear=True, verbosity=0)


def _run(address: str, accounts: str) -> int:
    """Run web and worker until one of them ends or somebody presses Ctrl-C."""
    environment = os.environ | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        # A container, or a machine of one's own, has only this user.
        "PYTHONWARNINGS": "ignore:You're running the worker with superuser privileges",
    }
    processes: dict[str, str] = dict(parse_procfile((BASE_DIR / "Procfile").read_text()).processes)
    if not os.environ.get("REDIS_URL"):
        # Only one process may carry beat, and the filesystem broker wants a single reader of each queue.
        processes.pop("beat")
        processes["worker"] += " --beat --without-heartbeat"
        processes["slow"] += " --without-heartbeat"

    manager = Manager()
    manager._procmgr = _Leaders()
    for name, command in processes.items():
        manager.add_process(name, f"exec {command}", env=environment, cwd=str(BASE_DIR))
    threading.Thread(target=_announce, args=(address, accounts), daemon=True).start()
    manager.loop()
    return 0 if manager.returncode == 130 else int(manager.returncode or 0)


class _Leaders(ProcessManager):
    """Asks web and worker to end, and not their children too.

    A worker whose pool was ended under it believes in an accident, says so, and has to be killed.
    """

    def terminate(self, pid: int) -> None:
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGTERM)


def _announce(address: str, accounts: str) -> None:
    """Say where the site is, as soon as it answers."""
    pause = threading.Event()
    for _ in range(HEALTHY_WITHIN_SECONDS * 5):
        with suppress(urllib.error.URLError, OSError), urllib.request.urlopen(f"{address}/healthz") as answer:  # noqa: S310
            if answer.status == 200:
                mail = f"\nMails are written to {VAR / 'mail'}." if DEMO else ""
                print(
                    f"\nThe site is at {address}\n\n{accounts}{mail}\nCtrl-C stops everything.\n", flush=True
                )
                return
        pause.wait(0.2)
    print(
        f"\nThe site has not answered at {address}/healthz within {HEALTHY_WITHIN_SECONDS} s.",
        file=sys.stderr,
    )


if __name__ == "__main__":
    sys.exit(main())
