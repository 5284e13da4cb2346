"""`manage.py season` answers wrong arguments with one sentence, and leaves nothing behind."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.files.storage import storages
from django.core.management import CommandError, call_command
from django.db import connection

from certification.kernel import ids
from certification.season import invariants, play
from certification.season.draws import drawn_from
from certification.season.throwaway import CannotPrepare, _execute, database_url, throwaway


@pytest.fixture
def server(django_db_setup: None, django_db_blocker: Any) -> Any:
    """The server itself, without a transaction around the test: databases are made and dropped."""
    with django_db_blocker.unblock():
        yield
        connection.close()


@pytest.mark.parametrize(
    ("option", "given", "said"),
    [
        ("candidates", "0", "--candidates takes a whole number from 1 to 5000, not '0'."),
        ("candidates", "many", "--candidates takes a whole number from 1 to 5000, not 'many'."),
        ("candidates", "-3", "--candidates takes a whole number from 1 to 5000, not '-3'."),
        ("candidates", "2.5", "--candidates takes a whole number from 1 to 5000, not '2.5'."),
        ("years", "4", "--years takes a whole number from 1 to 3, not '4'."),
        ("seed", "", "--seed takes a whole number from 0 to 4294967296, not ''."),
    ],
)
def test_wrong_number_is_refused_in_a_sentence(option: str, given: str, said: str) -> None:
    with pytest.raises(CommandError) as refusal:
        call_command("season", **{option: given})
    assert str(refusal.value) == said


def test_record_that_cannot_be_written_is_refused_before_anything_is_played(tmp_path: Path) -> None:
    for target in (tmp_path / "missing" / "season.json", tmp_path):
        with pytest.raises(CommandError, match=f"--json: {target} cannot be written: "):
            call_command("season", json=target)
    assert list(tmp_path.iterdir()) == []


def test_faults_takes_numbers_only() -> None:
    with pytest.raises(CommandError, match="--kills takes a whole number"):
        call_command("faults", "season", kills="-1")


def test_same_seed_writes_the_same_bytes(
    server: None, tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    first, second = tmp_path / "first.json", tmp_path / "second.json"
    for target in (first, second):
        call_command("season", candidates=1, years=1, seed=5, json=target)
    assert first.read_bytes() == second.read_bytes()
    played = json.loads(first.read_text())
    assert [candidate["alias"] for candidate in played["candidates"]] == ["C001"]
    assert played["candidates"][0]["certificate"] is not None
    said = capfd.readouterr()
    assert "certified in year 1" in said.out
    assert "invariants hold." in said.out
    assert "Playing" in said.err


def test_broken_invariant_is_an_error(
    server: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    broken = [invariants.Verdict("this holds", 1, ()), invariants.Verdict("this does not", 1, ("because",))]
    monkeypatch.setattr(invariants, "judge", lambda played: broken)
    monkeypatch.setattr(play, "_play_year", lambda *args: None)
    with pytest.raises(CommandError, match="1 invariants are broken"):
        call_command("season", candidates=1, years=1)
    assert "✗ this does not (1 looked at)\n    because\n" in capfd.readouterr().out


def test_season_broken_off_leaves_nothing_behind(server: None, monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Path] = []
    names: list[str] = []

    def broken_off(options: play.Options, folder: Path, **others: Any) -> None:
        made.append(folder.parent)
        names.append(connection.settings_dict["NAME"])
        assert _exists(names[0])
        raise KeyboardInterrupt

    monkeypatch.setattr(play, "play", broken_off)
    usual = connection.settings_dict["NAME"]
    with pytest.raises(CommandError, match="Broken off") as end:
        call_command("season", candidates=1)
    assert end.value.returncode == 130
    assert not made[0].exists()
    assert connection.settings_dict["NAME"] == usual
    assert names[0].startswith("icg_season_")
    assert not _exists(names[0])


def test_throwaway_never_touches_the_stores_of_the_site(server: None, tmp_path: Path, settings: Any) -> None:
    bucket = {"BACKEND": "storages.backends.s3.S3Storage", "OPTIONS": {"bucket_name": "real"}}
    settings.STORAGES = {**settings.STORAGES, "identity": bucket, "blind": bucket}
    with throwaway(tmp_path):
        for alias in ("default", "identity", "blind", "certificates"):
            assert storages[alias].path("x").startswith(str(tmp_path)), alias
        assert "icg_season_" in database_url()
        assert settings.CLOCK_TRAVEL is False


def test_throwaway_is_migrated_whatever_it_begins_as(
    server: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with throwaway(tmp_path / "copy"):
        of_a_copy = _schema()
    monkeypatch.setattr("certification.season.throwaway.template", "template1")
    with throwaway(tmp_path / "new"):
        of_a_new_one = _schema()
    assert len(of_a_new_one) > 1000
    assert of_a_copy == of_a_new_one


def test_role_that_may_not_make_databases_is_told(server: None) -> None:
    with pytest.raises(CannotPrepare, match="CREATEDB"):
        _execute(f'CREATE DATABASE "{connection.settings_dict["NAME"]}"')


def test_identifiers_are_drawn_from_the_seed_inside_the_block_only() -> None:
    def some() -> tuple[object, ...]:
        return ids.uuid(), ids.code(), ids.uuid()

    with drawn_from(3):
        first = some()
    with drawn_from(3):
        again = some()
    with drawn_from(4):
        other = some()
    assert first == again != other
    assert len(set(first)) == 3
    assert some() != some()


def test_real_site_draws_no_identifiers_from_a_seed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("certification.season.draws.REHEARSAL", False)
    with pytest.raises(Exception, match="in a demo or a test only"), drawn_from(1):
        pass


def test_url_for_another_process_names_the_database_in_use() -> None:
    url = database_url()
    assert url.startswith("postgresql://")
    assert url.split("?")[0].endswith(f"/{settings.DATABASES['default']['NAME']}")
    assert os.environ["DATABASE_URL"].split("@")[-1].rpartition("/")[0] in url


def _exists(name: str) -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM pg_database WHERE datname = %s", [name])
        return cursor.fetchone() is not None


def _schema() -> list[tuple[str, ...]]:
    """What the migrations of the database in use have made: tables, columns, triggers and rights."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT table_name::text, column_name::text, data_type::text FROM information_schema.columns"
            " WHERE table_schema = 'public'"
            " UNION SELECT relname::text, tgname::text, pg_get_triggerdef(pg_trigger.oid)"
            " FROM pg_trigger JOIN pg_class ON pg_class.oid = tgrelid WHERE NOT tgisinternal"
            " UNION SELECT relname::text, conname::text, pg_get_constraintdef(pg_constraint.oid)"
            " FROM pg_constraint JOIN pg_class ON pg_class.oid = conrelid"
            " WHERE relnamespace = 'public'::regnamespace"
            " UNION SELECT table_name::text, grantee::text, privilege_type::text"
            " FROM information_schema.role_table_grants WHERE table_schema = 'public'"
            " UNION SELECT app, name, 'applied' FROM django_migrations ORDER BY 1, 2, 3"
        )
        return cursor.fetchall()
