"""A whole season with every fate: all invariants hold, and each of them breaks when it should.

The season is played once for this file, in a database of its own; what a control breaks is rolled back.
"""

from __future__ import annotations

import copy
import re
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager, nullcontext
from dataclasses import replace
from datetime import datetime
from typing import Any

import pgtrigger
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.db import connection

from candidates.models import Candidacy
from certificates.models import Certificate
from certification.kernel import clock, outbox, reconcile
from certification.kernel.models import AuditEvent, OutboxMessage
from certification.season import invariants, plan, play, record, table
from certification.season.draws import drawn_from
from certification.season.invariants import Played
from certification.season.rehearsal import last_release
from certification.season.throwaway import throwaway
from payments.models import LedgerRow
from portfolio.models import Decision, Evidence, Release
from scoring.models import Assignment, EvidenceShown, PacketFile

OPTIONS = play.Options(candidates=len(plan.Fate))
DECIMAL = re.compile(r"\d+(\.\d{1,12})?")

Tamper = Callable[[Played], AbstractContextManager[Played]]


@pytest.fixture(scope="module")
def played(
    django_db_setup: None, django_db_blocker: Any, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Played]:
    folder = tmp_path_factory.mktemp("season")
    with django_db_blocker.unblock(), throwaway(folder), drawn_from(OPTIONS.seed):
        season = play.play(OPTIONS, folder / "files")
        with clock.fixed(last_release(OPTIONS)):
            yield Played(season, record.record(season), clock.now())


# ---- what a season shows ----


@pytest.mark.django_db
def test_every_invariant_holds_and_looked_at_something(played: Played) -> None:
    verdicts = invariants.judge(played)
    assert [(verdict.title, verdict.problems) for verdict in verdicts if not verdict.holds] == []
    assert all(verdict.count for verdict in verdicts)
    assert len(verdicts) == len(CONTROLLED)
    shown = table.render(played.season, played.record, verdicts)
    assert f"{len(verdicts)} of {len(verdicts)} invariants hold." in shown
    assert all(fate in shown for fate in plan.Fate)


def test_every_fate_occurs_and_the_interesting_things_happen(played: Played) -> None:
    by_fate = dict(zip(plan.Fate, played.record["candidates"], strict=True))
    years = _years(played)
    readings = [reading for year in years for reading in year["readings"]]
    assert {year["outcome"] for year in years} == {"certified", "continuing", "ended"}
    assert {reading["role"] for reading in readings} == {"scorer", "adjudicator"}
    assert {reading["condition"] for reading in readings} == {None, "no_audio", "missing_piece"}
    certified_in = {
        fate: next((year["year"] for year in one["years"] if year["outcome"] == "certified"), None)
        for fate, one in by_fate.items()
    }
    assert certified_in == {fate: _certified_year(fate) for fate in plan.Fate}
    # The threshold is met to the hundredth, one entry is below the floor: only that one may be retaken.
    floor = by_fate[plan.Fate.FAILS_A_FLOOR]["years"]
    assert floor[0]["overall"] == "2.75"
    assert [year["open"] for year in floor] == [["entry-1", "entry-2"], [], ["entry-2"]]
    missed = by_fate[plan.Fate.MISSES_THRESHOLD]["years"]
    assert missed[-1]["open"] == ["entry-1", "entry-2"]
    fallen_back = by_fate[plan.Fate.UNSCORABLE_RETAKE]["years"]
    assert fallen_back[2]["scores"] == {}
    assert fallen_back[2]["banked"] == fallen_back[0]["banked"]
    assert by_fate[plan.Fate.UNPAID] | {"alias": ""} == {
        "alias": "", "registered": False, "refused": None, "certificate": None, "years": [],
    }  # fmt: skip
    assert "60" in by_fate[plan.Fate.REFUSED]["refused"]


def test_scorers_differ_in_severity(played: Played) -> None:
    assert {judge.severity for judge in played.season.stage.judges.values()} == {-1, 0, 1}


def test_record_has_the_shape_that_others_rely_on(played: Played) -> None:
    assert list(played.record) == ["rule_set", "candidates"]
    rules = played.record["rule_set"]
    assert {key: rules[key] for key in ("threshold", "floor", "gap", "resolution", "entries")} == {
        "threshold": "2.75",
        "floor": "1.75",
        "gap": "1.25",
        "resolution": "adjudicator",
        "entries": {"entry-1": "0.5", "entry-2": "0.5"},
    }
    assert rules["look_fors"].keys() == rules["entries"].keys()
    assert rules["look_fors"]["entry-1"]["identify"] == "1"
    for candidate in played.record["candidates"]:
        assert list(candidate) == ["alias", "registered", "refused", "certificate", "years"]
        for year in candidate["years"]:
            assert list(year) == [
                "year", "open", "submitted", "readings", "scores", "banked",
                "overall", "outcome", "reasons", "open_next_year",
            ]  # fmt: skip
            numbers = [*year["scores"].values(), *year["banked"].values(), year["overall"]]
            for reading in year["readings"]:
                assert list(reading) == ["entry", "scorer", "role", "condition", "ratings"]
                numbers += reading["ratings"].values()
            assert all(DECIMAL.fullmatch(text) for text in numbers if text is not None), numbers


def test_record_names_nobody(played: Played) -> None:
    said = str(played.record)
    for player in played.season.stage.players:
        assert player.person.name not in said
        assert player.person.email not in said
        assert player.person.district not in said


# ---- each invariant breaks when it should ----


def control(title: str, *more: str) -> Callable[[Tamper], Tamper]:
    """Register a way to break exactly the invariants of these titles."""

    def register(tamper: Tamper) -> Tamper:
        CONTROLS.append(pytest.param({title, *more}, tamper, id=tamper.__name__))
        return tamper

    return register


CONTROLS: list[Any] = []
INSTANTS = "every window and every release was kept to the microsecond"
FATES = "every candidate's fate is the planned one"
RECOUNT = "a second reckoning of every score and decision agrees"
MONEY = "every complete registration is covered exactly once, and no fee was taken for another"
ONE_EACH = "one person has at most one candidacy, and nobody has one who was not to be enrolled"
CERTIFICATES = "exactly the certified hold a certificate; anybody can verify it; its PDF can be made anew"
SCORERS = "every entry had two independent scorers, none in conflict, none who scored it before"
CLEANED = "no cleaned file holds anything that identifies its candidate"
SHOWN = "each scorer was shown the whole packet, and its bytes are still the same"
MAILS = "no mail tells a score, none tells a scorer a name, and nobody gets one twice"
STORAGE = "storage and rows agree: no file without its row, no row without its file"
FINISHED = "nothing is left half-done after the last release"
RELEASES = "each year came out in one release, not early, with every entry and decision of the year"
HISTORY = "history cannot be rewritten: the database refuses every change of an append-only row"
AUDIT = "everything somebody answers for is in the audit trail, under their name"
CONVERGED = "running every reconciler twice more changes nothing"
CONTROLLED = (
    INSTANTS, FATES, RECOUNT, MONEY, ONE_EACH, CERTIFICATES, SCORERS, CLEANED,
    SHOWN, MAILS, STORAGE, FINISHED, RELEASES, HISTORY, AUDIT, CONVERGED,
)  # fmt: skip


@control(INSTANTS)
def a_window_that_was_not_kept(played: Played) -> AbstractContextManager[Played]:
    observations = [*played.season.observations, ("registration closes", False)]
    return nullcontext(replace(played, season=replace(played.season, observations=observations)))


@control(FATES)
@contextmanager
def another_end(played: Played) -> Iterator[Played]:
    Decision.objects.filter(ended_as="incomplete").update(ended_as="years over")
    yield played


@control(RECOUNT)
def a_score_that_does_not_follow(played: Played) -> AbstractContextManager[Played]:
    tampered = copy.deepcopy(played.record)
    tampered["candidates"][0]["years"][0]["scores"]["entry-1"] = "4.125"
    return nullcontext(replace(played, record=tampered))


@control(MONEY)
@contextmanager
def a_ledger_row_gone(played: Played) -> Iterator[Played]:
    LedgerRow.objects.filter(pk=LedgerRow.objects.values("pk")[:1]).delete()
    yield played


@control(ONE_EACH)
@contextmanager
def two_candidacies_of_one_person(played: Played) -> Iterator[Played]:
    idle = Candidacy.objects.filter(entries=None).first()
    assert idle is not None
    Candidacy.objects.filter(pk=idle.pk).update(account=played.season.stage.players[0].account)
    yield played


@control(CERTIFICATES)
@contextmanager
def a_revoked_certificate(played: Played) -> Iterator[Played]:
    first = Certificate.objects.order_by("number").values("pk")[:1]
    Certificate.objects.filter(pk__in=first).update(
        state="revoked",
        revoked_at=played.now,
        revoked_by=played.season.stage.staff[0],
        revoked_reason="Given in error.",
    )
    yield played


@control(CERTIFICATES)
@contextmanager
def a_name_corrected_after_printing(played: Played) -> Iterator[Played]:
    Certificate.objects.filter(pk__in=Certificate.objects.values("pk")[:1]).update(name="Somebody Else")
    yield played


@control(SCORERS)
@contextmanager
def a_packet_with_one_scorer(played: Played) -> Iterator[Played]:
    unread = Assignment.objects.exclude(packet__assignments__role="adjudicator").values("pk")[:1]
    Assignment.objects.filter(pk__in=unread).update(role="adjudicator")
    yield played


@control(SCORERS)
def a_scorer_from_the_same_district(played: Played) -> AbstractContextManager[Played]:
    stage = played.season.stage
    home = stage.players[0].person.district
    judges = {scorer_id: replace(judge, district=home) for scorer_id, judge in stage.judges.items()}
    return nullcontext(replace(played, season=replace(played.season, stage=replace(stage, judges=judges))))


@control(CLEANED)
@contextmanager
def a_name_in_the_text_of_a_page(played: Played) -> Iterator[Played]:
    for player in played.season.stage.players[:1]:
        PacketFile.objects.update(text=f"My name is {player.person.name}.")
    yield played


@control(CLEANED, SHOWN)
@contextmanager
def a_name_in_the_bytes_of_a_page(played: Played) -> Iterator[Played]:
    """Changing a signed-off file is two faults: what it says, and that it changed."""
    file = PacketFile.objects.filter(content_type="image/jpeg").select_related("packet").first()
    assert file is not None
    names = [player.person.name.encode() for player in played.season.stage.players]
    comments = b"".join(b"\xff\xfe" + (len(name) + 2).to_bytes(2, "big") + name for name in names)
    with _stored("blind", file.storage_key) as jpeg:
        _write("blind", file.storage_key, jpeg[:2] + comments + jpeg[2:])
        yield played


@control(SHOWN)
@contextmanager
def a_page_that_was_not_shown(played: Played) -> Iterator[Played]:
    EvidenceShown.objects.filter(pk__in=EvidenceShown.objects.values("pk")[:1]).delete()
    yield played


@control(MAILS)
@contextmanager
def a_mail_that_tells_a_score(played: Played) -> Iterator[Played]:
    scores = [score for year in _years(played) for score in year["scores"].values()]
    _mail(played.now, body=f"You were given {next(score for score in scores if '.' in score)}.")
    yield played


@control(MAILS)
@contextmanager
def a_mail_that_tells_a_scorer_a_name(played: Played) -> Iterator[Played]:
    judge = next(iter(played.season.stage.judges.values()))
    _mail(played.now, to=judge.email, body=f"Please score {played.season.stage.players[0].person.name}.")
    yield played


@control(MAILS)
@contextmanager
def a_mail_that_goes_out_twice(played: Played) -> Iterator[Played]:
    _mail(played.now, key="once")
    _mail(played.now, key="twice")
    yield played


@control(STORAGE)
@contextmanager
def a_stored_file_gone(played: Played) -> Iterator[Played]:
    key = Evidence.objects.values_list("storage_key", flat=True)[0]
    with _stored("identity", key):
        storages["identity"].delete(key)
        yield played


@control(STORAGE)
@contextmanager
def a_cleaned_copy_gone(played: Played) -> Iterator[Played]:
    key = PacketFile.objects.values_list("storage_key", flat=True)[0]
    with _stored("blind", key):
        storages["blind"].delete(key)
        yield played


@control(STORAGE)
@contextmanager
def a_file_nobody_knows(played: Played) -> Iterator[Played]:
    storages["blind"].save("stray", ContentFile(b"stray"))
    yield played
    storages["blind"].delete("stray")


@control(FINISHED)
@contextmanager
def a_mail_given_up(played: Played) -> Iterator[Played]:
    _mail(played.now)
    OutboxMessage.objects.filter(dedupe_key="planted").update(sent_at=None, attempts=outbox.MAX_ATTEMPTS)
    yield played


@control(RELEASES)
@contextmanager
def a_release_that_miscounts(played: Played) -> Iterator[Played]:
    Release.objects.filter(pk__in=Release.objects.values("pk")[:1]).update(entries=1)
    yield played


@control(HISTORY)
@contextmanager
def a_table_without_its_guard(played: Played) -> Iterator[Played]:
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {AuditEvent._meta.db_table} DISABLE TRIGGER USER")
    yield played


@control(AUDIT)
@contextmanager
def a_signature_nobody_answers_for(played: Played) -> Iterator[Played]:
    signatures = AuditEvent.objects.filter(action="signed off blinding")
    AuditEvent.objects.filter(pk__in=signatures.values("pk")[:1]).delete()
    yield played


@control(CONVERGED)
@contextmanager
def a_reconciler_that_never_rests(played: Played) -> Iterator[Played]:
    restless = reconcile.Reconciler("restless", lambda now: {"turned": 1}, 60)
    reconcile._registry["restless"] = restless
    yield played
    del reconcile._registry["restless"]


@pytest.mark.django_db
@pytest.mark.parametrize(("broken", "tamper"), CONTROLS)
def test_invariant_breaks_alone(played: Played, broken: set[str], tamper: Tamper) -> None:
    with ExitStack() as stack:
        with pgtrigger.ignore():
            tampered = stack.enter_context(tamper(played))
        verdicts = invariants.judge(tampered)
    assert {verdict.title for verdict in verdicts if not verdict.holds} == broken


def test_every_invariant_has_a_control() -> None:
    assert {title for parameter in CONTROLS for title in parameter.values[0]} == set(CONTROLLED)


@pytest.mark.django_db
def test_invariant_that_looked_at_nothing_is_broken(played: Played) -> None:
    with pgtrigger.ignore():
        EvidenceShown.objects.all().delete()
        PacketFile.objects.all().delete()
    cleaned = next(verdict for verdict in invariants.judge(played) if verdict.title == CLEANED)
    assert cleaned.count == 0
    assert not cleaned.holds


def _years(played: Played) -> list[dict[str, Any]]:
    return [year for candidate in played.record["candidates"] for year in candidate["years"]]


def _certified_year(fate: plan.Fate) -> int | None:
    script = plan.FATES[fate]
    return script.ends_in_year if script.ends == "certified" else None


@contextmanager
def _stored(alias: str, key: str) -> Iterator[bytes]:
    """What is stored under the key, put back at the end."""
    with storages[alias].open(key) as stored:
        before = stored.read()
    try:
        yield before
    finally:
        _write(alias, key, before)


def _write(alias: str, key: str, content: bytes) -> None:
    storages[alias].delete(key)
    assert storages[alias].save(key, ContentFile(content)) == key


def _mail(now: datetime, *, to: str = "a@b.example", body: str = "Hello.", key: str = "planted") -> None:
    OutboxMessage.objects.create(
        dedupe_key=key,
        kind="planted",
        recipient=to,
        subject="Hello",
        body=body,
        queued_at=now,
        deliver_after=now,
        sent_at=now,
    )
