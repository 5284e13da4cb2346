"""A database and four stores that exist for the length of a block."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlencode

from django.conf import settings
from django.core.management import call_command
from django.db import DatabaseError, connection, connections
from django.test.utils import override_settings
from django.utils.crypto import get_random_string

# What a fresh database begins as.  Tests begin with one that is migrated already, which saves them seconds.
template = "template1"

_STORES = {"default": "identity", "identity": "identity", "blind": "blind", "certificates": "certificates"}


class CannotPrepare(Exception):
    """The server does not let this role make a database; the message says what to do."""


@contextmanager
def throwaway(folder: Path, *, clock_travel: bool = False) -> Iterator[None]:
    """A fresh, migrated database beside the usual one, and fresh stores under `folder`; gone afterwards.

    Files lie where a process with ICG_VAR=`folder` and no buckets would keep them, so that a worker can
    be let loose on the same season.  Buckets that the site may have are never touched, nor is its mail.

    Raises:
        CannotPrepare: the database could not be made.
    """
    usual = connection.settings_dict["NAME"]
    name = f"icg_season_{get_random_string(8, 'abcdefghijkmnpqrstuvwxyz')}"
    quoted = connection.ops.quote_name(name)
    (folder / "static").mkdir(parents=True)
    try:
        _execute(f"CREATE DATABASE {quoted} TEMPLATE {connection.ops.quote_name(template)}")
        connection.settings_dict["NAME"] = name
        with override_settings(
            STORAGES=_stores(folder),
            EMAIL_BACKEND="django.core.mail.backends.locmem.EmailBackend",
            CLOCK_TRAVEL=clock_travel,
            STATIC_ROOT=folder / "static",
        ):
            call_command("migrate", verbosity=0)
            yield
    finally:
        connections.close_all()
        connection.settings_dict["NAME"] = usual
        _execute(f"DROP DATABASE IF EXISTS {quoted} WITH (FORCE)")


def database_url() -> str:
    """The DATABASE_URL of the database in use, for another process."""
    known = connection.settings_dict
    login = quote(known["USER"] or "", safe="")
    if known["PASSWORD"]:
        login += f":{quote(known['PASSWORD'], safe='')}"
    port = f":{known['PORT']}" if known["PORT"] else ""
    host = quote(known["HOST"] or "localhost", safe="")
    options = {key: value for key, value in known.get("OPTIONS", {}).items() if isinstance(value, str | int)}
    query = f"?{urlencode(options)}" if options else ""
    return f"postgresql://{login}{'@' if login else ''}{host}{port}/{known['NAME']}{query}"


def _execute(statement: str) -> None:
    try:
        with connection.cursor() as cursor:
            cursor.execute(statement)
    except DatabaseError as refused:
        raise CannotPrepare(
            f"A season needs a database of its own, which this role may not make or remove: "
            f"{str(refused).strip()} (grant it CREATEDB)."
        ) from refused
    finally:
        connection.close()


def _stores(folder: Path) -> dict[str, dict[str, object]]:
    """Every store on local disk, and styles from their sources: nobody has gathered them here."""
    on_disk: dict[str, dict[str, object]] = {
        alias: {
            "BACKEND": "django.core.files.storage.FileSystemStorage",
            "OPTIONS": {"location": str(folder / "media" / place), "base_url": None},
        }
        for alias, place in _STORES.items()
    }
    styles = {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}
    return {**settings.STORAGES, **on_disk, "staticfiles": styles}
