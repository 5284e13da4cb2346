"""The wall stands also without a superuser, and where several sites begin at the same instant.

A hosted PostgreSQL gives a site an owner with CREATEROLE at most; since version 16 the maker of a role has
to give itself the right to lower itself to it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import psycopg
import pytest
from django.db import connection
from psycopg import sql

PROJECT = Path(__file__).resolve().parents[3]
OWNER = f"icg_owner_{os.getpid()}"
BLIND = f"icg_blind_{os.getpid()}"
SITES = [f"icg_site_{os.getpid()}_{number}" for number in (1, 2)]

# One process does it all, because starting one costs more than the migrations.
MIGRATES_AND_REACHES = """
import django
django.setup()
from uuid import uuid4
from django.core.management import call_command
from django.db import ProgrammingError, connection
call_command("migrate", verbosity=0)
from accounts.models import User
from certification.kernel.blindwall import blinded
from scoring.models import Packet
with connection.cursor() as cursor:
    cursor.execute("SELECT rolsuper FROM pg_roles WHERE rolname = current_user")
    assert cursor.fetchone() == (False,)
with blinded(uuid4()):
    assert not Packet.objects.exists()
try:
    with blinded(uuid4()):
        User.objects.exists()
except ProgrammingError as refusal:
    print(refusal)
assert not User.objects.exists()
"""


@dataclass(frozen=True)
class Server:
    """The test run's own server, seen by its administrator."""

    address: str

    def run(self, *statements: str) -> None:
        with psycopg.connect(self.address, autocommit=True) as administrator:
            for statement in statements:
                administrator.execute(sql.SQL(statement))

    def environment(self, database: str) -> dict[str, str]:
        """What a process of a site needs to be OWNER on `database`."""
        parts = psycopg.conninfo.conninfo_to_dict(self.address)
        host, port = quote(str(parts["host"]), safe=""), parts.get("port") or 5432
        url = f"postgresql://{OWNER}@{host}:{port}/{database}"
        return {**os.environ, "DATABASE_URL": url, "BLIND_ROLE": BLIND}

    def start(self, database: str, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, *arguments],
            cwd=PROJECT,
            env=self.environment(database),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )


@pytest.fixture
def server(db: None) -> Iterator[Server]:
    given = connection.get_connection_params()
    server = Server(
        psycopg.conninfo.make_conninfo(
            dbname="postgres",
            **{name: given[name] for name in ("host", "port", "user", "password") if given.get(name)},
        )
    )
    server.run(
        f"CREATE ROLE {OWNER} LOGIN NOSUPERUSER NOCREATEDB CREATEROLE",
        *(f"CREATE DATABASE {site} OWNER {OWNER}" for site in SITES),
    )
    yield server
    server.run(
        *(f"DROP DATABASE IF EXISTS {site} WITH (FORCE)" for site in SITES),
        f"DROP ROLE IF EXISTS {BLIND}",
        f"DROP ROLE IF EXISTS {OWNER}",
    )


def test_an_owner_without_superuser_migrates_two_sites_at_once_and_is_blind_in_both(server: Server) -> None:
    beginnings = [server.start(site, "-c", MIGRATES_AND_REACHES) for site in SITES]
    for beginning in beginnings:
        said, _ = beginning.communicate(timeout=300)
        assert beginning.returncode == 0, said
        assert "permission denied" in said


def test_an_owner_who_may_not_make_the_role_is_told_what_to_run(server: Server) -> None:
    server.run(f"ALTER ROLE {OWNER} NOCREATEROLE")
    migration = server.start(SITES[0], "manage.py", "migrate", "scoring", "--verbosity=0")
    said, _ = migration.communicate(timeout=300)
    assert migration.returncode != 0
    assert f'CREATE ROLE "{BLIND}" NOLOGIN; GRANT "{BLIND}" TO {OWNER}' in said
    server.run(
        f"CREATE ROLE {BLIND} NOLOGIN",
        f"GRANT {BLIND} TO {OWNER} WITH SET TRUE, INHERIT FALSE",
    )
    migration = server.start(SITES[0], "manage.py", "migrate", "scoring", "--verbosity=0")
    said, _ = migration.communicate(timeout=300)
    assert migration.returncode == 0, said
