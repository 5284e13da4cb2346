"""The database's side of the blind wall: one role, its grants, its row-level policies.

A role belongs to the whole database server, so it may exist already (another database, another test
worker); grants and policies belong to this database.  Source: ADR 0002.
"""

from django.conf import settings
from django.db import migrations

_MY_ASSIGNMENT = "scorer_id::text = current_setting('icg.scorer', true)"
_OF_MY_ASSIGNMENT = (
    "EXISTS (SELECT 1 FROM scoring_assignment a WHERE a.id = assignment_id "
    "AND a.scorer_id::text = current_setting('icg.scorer', true))"
)
_OF_MY_PACKET = (
    "EXISTS (SELECT 1 FROM scoring_assignment a WHERE a.packet_id = {packet} AND a.state <> 'recused' "
    "AND a.scorer_id::text = current_setting('icg.scorer', true))"
)
_OF_MY_READING = (
    "EXISTS (SELECT 1 FROM scoring_reading r JOIN scoring_assignment a ON a.id = r.assignment_id "
    "WHERE r.id = reading_id AND a.scorer_id::text = current_setting('icg.scorer', true))"
)

# What everybody behind the wall may read whole: the rubric, the arithmetic, a demo's clock.
_PUBLIC_TABLES = (
    "scoring_rubric",
    "scoring_rubricentry",
    "scoring_lookfor",
    "scoring_rulesetversion",
    "kernel_clocktravel",
)
# table → (privileges, who may see a row, who may write one)
_OWN_ROWS = {
    "scoring_assignment": (
        "SELECT, UPDATE (state, opened_at, saved_at, ended_at, draft)",
        _MY_ASSIGNMENT,
        _MY_ASSIGNMENT,
    ),
    "scoring_packet": ("SELECT", _OF_MY_PACKET.format(packet="scoring_packet.id"), "false"),
    "scoring_packetfile": ("SELECT", _OF_MY_PACKET.format(packet="scoring_packetfile.packet_id"), "false"),
    "scoring_reading": ("SELECT, INSERT", _OF_MY_ASSIGNMENT, _OF_MY_ASSIGNMENT),
    "scoring_mark": ("SELECT, INSERT", _OF_MY_READING, _OF_MY_READING),
    "scoring_evidenceshown": ("SELECT, INSERT", _OF_MY_ASSIGNMENT, _OF_MY_ASSIGNMENT),
    "scoring_scorer": (
        "SELECT (id, alias, is_lead, is_active)",
        "id::text = current_setting('icg.scorer', true)",
        "false",
    ),
}


def _make_role(server_version, role, literal):
    """SQL that makes the role, and lets the migrating account lower itself to it.

    A superuser may lower itself to any role.  Anybody else must be a member; since PostgreSQL 16 a
    role's maker is one in name only and has to give itself the right to SET ROLE.  Other databases of
    this server may be migrating at the same instant: whoever comes second finds the work done and looks again.
    """
    membership, options = (
        ("SET", " WITH SET TRUE, INHERIT FALSE") if server_version >= 160000 else ("MEMBER", "")
    )
    return f"""DO $$
        DECLARE attempts int := 0;
        BEGIN
            LOOP
                BEGIN
                    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = '{literal}') THEN
                        CREATE ROLE {role} NOLOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE;
                    END IF;
                    IF NOT pg_has_role(current_user, '{literal}', '{membership}') THEN
                        GRANT {role} TO CURRENT_USER{options};
                    END IF;
                    EXIT;
                EXCEPTION
                    WHEN duplicate_object OR unique_violation OR internal_error THEN
                        attempts := attempts + 1;
                        IF attempts >= 40 THEN RAISE; END IF;
                        PERFORM pg_sleep(0.05);
                    WHEN insufficient_privilege THEN
                        RAISE EXCEPTION 'The account % may not make or use the role {literal}. As an administrator '
                            'of the server run: CREATE ROLE {role} NOLOGIN; GRANT {role} TO %{options}; '
                            'then migrate again.', quote_ident(current_user), quote_ident(current_user)
                            USING ERRCODE = 'insufficient_privilege';
                END;
            END LOOP;
        END $$"""


def build(apps, schema_editor):
    role = schema_editor.quote_name(settings.BLIND_ROLE)
    literal = settings.BLIND_ROLE.replace("'", "''")
    statements = [
        _make_role(schema_editor.connection.pg_version, role, literal),
        f"GRANT USAGE ON SCHEMA public TO {role}",
        *(f"GRANT SELECT ON {table} TO {role}" for table in _PUBLIC_TABLES),
        f"GRANT INSERT ON kernel_auditevent TO {role}",
    ]
    for table, (privileges, reads, writes) in _OWN_ROWS.items():
        statements += [
            f"GRANT {privileges} ON {table} TO {role}",
            f"ALTER TABLE {table} ENABLE ROW LEVEL SECURITY",
            f"CREATE POLICY own_rows ON {table} FOR ALL TO {role} USING ({reads}) WITH CHECK ({writes})",
        ]
    for statement in statements:
        schema_editor.execute(statement, params=None)  # the text holds no placeholders, yet percent signs


def tear_down(apps, schema_editor):
    role = schema_editor.quote_name(settings.BLIND_ROLE)
    for table in _OWN_ROWS:
        schema_editor.execute(f"DROP POLICY own_rows ON {table}")
        schema_editor.execute(f"ALTER TABLE {table} DISABLE ROW LEVEL SECURITY")
    for table in (*_OWN_ROWS, *_PUBLIC_TABLES, "kernel_auditevent"):
        schema_editor.execute(f"REVOKE ALL ON {table} FROM {role}")


class Migration(migrations.Migration):
    dependencies = [("scoring", "0001_initial"), ("kernel", "0001_initial")]
    operations = [migrations.RunPython(build, tear_down)]
