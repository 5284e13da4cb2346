"""What a scorer's request could say to PostgreSQL at worst, and what PostgreSQL answers.

The wall is against mistakes in our code.  What code that may run any SQL could still do is written down in
ADR 0002 and held here too, so that the page stays honest.
"""

from __future__ import annotations

import pytest
from django.apps import apps
from django.conf import settings
from django.db import ProgrammingError, connection, transaction

from certification.kernel import audit
from certification.kernel.blindwall import blinded
from certification.kernel.models import AuditEvent
from tests.factories import scoring as make

pytestmark = pytest.mark.django_db

REFUSED = {
    "a name": "SELECT full_name FROM accounts_user",
    "a name in a subquery": "SELECT (SELECT email FROM accounts_user LIMIT 1) FROM scoring_rubric",
    "a name by way of XML": "SELECT query_to_xml('SELECT * FROM accounts_user', true, false, '')",
    "the plan of a forbidden query": "EXPLAIN SELECT * FROM accounts_user WHERE email = 'a'",
    "running a forbidden plan": "EXPLAIN ANALYZE SELECT * FROM portfolio_blinding",
    "the join of code and entry": "SELECT packet_code FROM portfolio_blinding",
    "copying out": "COPY accounts_user TO STDOUT",
    "a file of the server": "SELECT pg_read_file('postgresql.conf')",
    "a folder of the server": "SELECT pg_ls_dir('.')",
    "a file as an object": "SELECT lo_import('/etc/passwd')",
    "a program": "COPY scoring_rubric TO PROGRAM 'true'",
    "passwords of roles": "SELECT rolpassword FROM pg_authid",
    "the trail": "SELECT * FROM kernel_auditevent",
    "changing the trail": "UPDATE kernel_auditevent SET actor_label = 'x'",
    "emptying the trail": "TRUNCATE kernel_auditevent",
    "a mail": "INSERT INTO kernel_outboxmessage (id) VALUES (gen_random_uuid())",
    "everybody's statistics": "SELECT stavalues1 FROM pg_statistic",
    "a function of one's own": "CREATE FUNCTION public.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "a table of one's own": "CREATE TABLE public.t (a int)",
    "a policy of one's own": "CREATE POLICY p ON scoring_assignment USING (true)",
    "no policies": "ALTER TABLE scoring_assignment DISABLE ROW LEVEL SECURITY",
    "no triggers": "ALTER TABLE scoring_reading DISABLE TRIGGER ALL",
    "a grant": "GRANT SELECT ON accounts_user TO icg_blind",
    "a mark of a closed reading": "UPDATE scoring_mark SET points = 4",
    "another clock": "UPDATE kernel_clocktravel SET \"offset\" = interval '1 day'",
}


def ask(sql: str) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchall() if cursor.description else []


@pytest.mark.parametrize("sql", REFUSED.values(), ids=REFUSED.keys())
def test_postgresql_refuses_it_behind_the_wall(sql: str) -> None:
    make.assignment(make.packet(), scorer := make.scorer())
    refusal = r"permission denied|must be owner|must be superuser"
    with pytest.raises(ProgrammingError, match=refusal), transaction.atomic(), blinded(scorer.pk):
        ask(sql)


def test_what_other_connections_do_and_what_columns_hold_is_not_shown() -> None:
    with blinded(make.scorer().pk):
        others = ask("SELECT query FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query <> ''")
        assert {query for (query,) in others} <= {"<insufficient privilege>"}
        tables = {name for (name,) in ask("SELECT DISTINCT tablename FROM pg_stats")}
        assert not {
            table for table in tables if str(table).startswith(("accounts_", "candidates_", "portfolio_"))
        }


def test_no_function_of_the_sites_runs_with_its_owners_rights() -> None:
    rows = ask(
        "SELECT proname FROM pg_proc JOIN pg_namespace n ON n.oid = pronamespace"
        " WHERE prosecdef AND n.nspname = 'public'"
    )
    assert rows == []
    assert ask("SELECT viewname FROM pg_views WHERE schemaname = 'public'") == []


def test_every_scoring_table_either_has_row_policies_or_says_nothing_about_a_packet() -> None:
    granted = {
        name
        for (name,) in ask(
            "SELECT DISTINCT table_name FROM information_schema.column_privileges"
            f" WHERE grantee = '{settings.BLIND_ROLE}' AND privilege_type = 'SELECT'"
        )
    }
    guarded = {name for (name,) in ask("SELECT relname FROM pg_class WHERE relrowsecurity")}
    assert granted - guarded == {
        "scoring_rubric",
        "scoring_rubricentry",
        "scoring_lookfor",
        "scoring_rulesetversion",
        "kernel_clocktravel",
    }
    every_table = {model._meta.db_table for model in apps.get_models(include_auto_created=True)}
    assert granted <= every_table


def test_a_row_hidden_by_a_policy_cannot_be_found_out_by_an_error() -> None:
    theirs = make.assignment(make.packet(), make.scorer())
    make.read(theirs)
    with blinded(make.scorer().pk):
        assert ask(f"SELECT 1 / (id = '{theirs.pk}')::int FROM scoring_assignment") == []
        assert ask("SELECT points / 0 FROM scoring_mark") == []


def test_code_that_may_run_any_sql_can_raise_the_role_again_as_adr_2_says() -> None:
    owner = ask("SELECT current_user")
    with blinded(make.scorer().pk):
        ask("SELECT set_config('role', 'none', true)")
        assert ask("SELECT current_user") == owner


def test_the_trail_takes_rows_from_behind_the_wall_whoever_they_name() -> None:
    with blinded(make.scorer().pk):
        audit.record(actor=None, action="did nothing", subject=("scoring.Packet", "x"))
        assert ask("EXPLAIN SELECT * FROM scoring_assignment") != []
    assert AuditEvent.objects.filter(action="did nothing", actor_label="the system").exists()


def test_the_two_person_rule_and_what_money_needs_are_held_by_the_database() -> None:
    for table, rule in (
        ("portfolio_blinding", "blinding_signed_by_a_second_person"),
        ("portfolio_blinding", "blinding_signed_off_is_complete"),
        ("payments_order", "order_amount_positive"),
        ("payments_purchaseorder", "purchase_order_decision_signed"),
    ):
        named = f"conname = '{rule}' AND conrelid = '{table}'::regclass"
        found = ask(f"SELECT convalidated FROM pg_constraint WHERE {named}")
        assert found == [(True,)]
