"""Behind the wall a scorer's request sees one scorer's rows, and may write few of their columns."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import DatabaseError, ProgrammingError
from django.test import Client

from certification.kernel import ids
from scoring import outcomes, services
from scoring.models import Assignment, Scorer
from tests.factories import scoring as make

pytestmark = pytest.mark.django_db

OWN_TABLES = ["Assignment", "Packet", "PacketFile", "Reading", "Mark", "EvidenceShown"]


@pytest.fixture
def theirs() -> Assignment:
    """Another scorer's assignment with a submitted reading and evidence shown."""
    assignment = make.assignment(make.packet(), make.scorer())
    services.record_shown(
        scorer_id=assignment.scorer_id,
        assignment_id=assignment.pk,
        file_id=assignment.packet.files.get().pk,
        now=make.NOW,
    )
    make.read(assignment)
    return assignment


def run(client: Client, sql: str) -> Any:
    return client.post("/behind/run/", {"sql": sql}).json()


def add_reading(client: Client, assignment: Assignment) -> Any:
    return run(
        client,
        "INSERT INTO scoring_reading (id, assignment_id, condition, note, score, submitted_at)"
        f" VALUES ('{ids.uuid()}', '{assignment.pk}', '', '', '3/1', now())",
    )


@pytest.mark.parametrize("model", OWN_TABLES)
def test_another_scorers_rows_do_not_exist(signed_in: Client, theirs: Assignment, model: str) -> None:
    assert signed_in.get(f"/open/reach/scoring.{model}/").json()["rows"] > 0
    assert signed_in.get(f"/behind/reach/scoring.{model}/").json()["rows"] == 0


def test_of_a_shared_packet_a_scorer_sees_their_own_marks_alone(signed_in: Client, mine: Assignment) -> None:
    other = make.assignment(mine.packet, make.scorer())
    make.read(other, "1")
    assert run(signed_in, "SELECT scorer_id FROM scoring_assignment")["rows"] == [[str(mine.scorer_id)]]
    assert run(signed_in, "SELECT count(*) FROM scoring_mark")["rows"] == [["0"]]
    make.read(mine, "4")
    assert run(signed_in, "SELECT DISTINCT points FROM scoring_mark")["rows"] == [["4.0000"]]


def test_an_adjudicator_sees_none_of_the_scorers_marks(signed_in: Client, theirs: Assignment) -> None:
    second = make.assignment(theirs.packet, make.scorer())
    make.read(second, "1")
    assert outcomes.close_packets(make.NOW)["to_adjudication"] == 1
    lead = make.scorer(lead=True)
    make.assignment(theirs.packet, lead, "adjudicator")
    client = Client()
    client.force_login(make.user_of(lead))
    assert run(client, "SELECT count(*) FROM scoring_packet")["rows"] == [["1"]]
    assert run(client, "SELECT count(*) FROM scoring_reading")["rows"] == [["0"]]


def test_who_stepped_aside_loses_the_packet_and_its_files(signed_in: Client, mine: Assignment) -> None:
    assert run(signed_in, "SELECT count(*) FROM scoring_packetfile")["rows"] == [["1"]]
    services.recuse(scorer_id=mine.scorer_id, assignment_id=mine.pk, now=make.NOW)
    assert run(signed_in, "SELECT count(*) FROM scoring_packet")["rows"] == [["0"]]
    assert run(signed_in, "SELECT count(*) FROM scoring_packetfile")["rows"] == [["0"]]


def test_a_lead_scorer_sees_no_more_than_their_own_packets(theirs: Assignment) -> None:
    client = Client()
    client.force_login(make.user_of(make.scorer(lead=True)))
    assert run(client, "SELECT count(*) FROM scoring_packet")["rows"] == [["0"]]


def test_an_account_that_is_no_scorer_sees_no_rows(theirs: Assignment) -> None:
    client = Client()
    client.force_login(make.account("scorer"))
    assert run(client, "SELECT count(*) FROM scoring_assignment")["rows"] == [["0"]]


def test_a_scorer_who_no_longer_scores_sees_no_rows(
    signed_in: Client, scorer: Scorer, mine: Assignment
) -> None:
    Scorer.objects.filter(pk=scorer.pk).update(is_active=False)
    assert run(signed_in, "SELECT count(*) FROM scoring_assignment")["rows"] == [["0"]]


def test_another_scorers_draft_cannot_be_written(signed_in: Client, theirs: Assignment) -> None:
    changed = run(signed_in, f"UPDATE scoring_assignment SET draft = '{{}}' WHERE id = '{theirs.pk}'")
    assert changed["changed"] == 0


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE scoring_assignment SET scorer_id = scorer_id",
        "UPDATE scoring_assignment SET role = 'adjudicator'",
        "UPDATE scoring_packet SET state = 'closed'",
        "UPDATE scoring_reading SET note = ''",
        "DELETE FROM scoring_mark",
        "DELETE FROM scoring_evidenceshown",
        "INSERT INTO scoring_assignment SELECT * FROM scoring_assignment",
        "INSERT INTO scoring_packetresult SELECT * FROM scoring_packetresult",
        "UPDATE scoring_rulesetversion SET title = ''",
        "UPDATE scoring_scorer SET is_lead = true",
        "SELECT * FROM kernel_auditevent",
        "CREATE TABLE loot (a int)",
    ],
)
def test_what_a_scorer_may_not_write_is_refused(signed_in: Client, mine: Assignment, sql: str) -> None:
    with pytest.raises(ProgrammingError, match="permission denied"):
        run(signed_in, sql)


def test_a_reading_for_another_scorer_is_refused(signed_in: Client, mine: Assignment) -> None:
    other = make.assignment(make.packet(), make.scorer())
    with pytest.raises(ProgrammingError, match="row-level security"):
        add_reading(signed_in, other)


def test_a_reading_is_let_in_while_the_assignment_is_open(signed_in: Client, mine: Assignment) -> None:
    assert add_reading(signed_in, mine)["changed"] == 1


def test_a_reading_after_stepping_aside_is_refused(signed_in: Client, mine: Assignment) -> None:
    services.recuse(scorer_id=mine.scorer_id, assignment_id=mine.pk, now=make.NOW)
    with pytest.raises(ProgrammingError, match="row-level security"):
        add_reading(signed_in, mine)


def test_a_mark_added_after_submission_is_refused(signed_in: Client, mine: Assignment) -> None:
    reading = make.read(mine)
    with pytest.raises(DatabaseError, match="row-level security"):
        run(
            signed_in,
            "INSERT INTO scoring_mark (id, reading_id, look_for, points)"
            f" VALUES ('{ids.uuid()}', '{reading.pk}', 'extra', 4)",
        )


def test_evidence_of_another_packet_cannot_be_put_on_record(signed_in: Client, mine: Assignment) -> None:
    elsewhere = make.packet().files.get()
    with pytest.raises(ProgrammingError, match="row-level security"):
        run(
            signed_in,
            "INSERT INTO scoring_evidenceshown (id, assignment_id, file_id, sha256, shown_at)"
            f" VALUES ('{ids.uuid()}', '{mine.pk}', '{elsewhere.pk}', 'x', now())",
        )
