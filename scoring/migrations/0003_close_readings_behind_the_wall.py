"""Narrow what the wall's role may write: a reading and its marks, only while the assignment is open.

A scorer who stepped aside, or submitted, can therefore add nothing, whatever a view tries; and what is
put on record as shown belongs to the assignment's own packet.  Source: ADR 0002.
"""

from django.conf import settings
from django.db import migrations

_MINE = "a.scorer_id::text = current_setting('icg.scorer', true)"
_OPEN = _MINE + " AND a.state IN ('assigned', 'in_progress')"
_ASSIGNMENT = "EXISTS (SELECT 1 FROM scoring_assignment a WHERE a.id = assignment_id AND {condition})"
_READING = (
    "EXISTS (SELECT 1 FROM scoring_reading r JOIN scoring_assignment a ON a.id = r.assignment_id "
    "WHERE r.id = reading_id AND {condition})"
)
_FILE = (
    "EXISTS (SELECT 1 FROM scoring_assignment a JOIN scoring_packetfile f ON f.packet_id = a.packet_id "
    "WHERE a.id = assignment_id AND f.id = file_id AND {condition})"
)

# table → (who may see a row, who may add one)
_POLICIES = {
    "scoring_reading": (_ASSIGNMENT.format(condition=_MINE), _ASSIGNMENT.format(condition=_OPEN)),
    "scoring_mark": (_READING.format(condition=_MINE), _READING.format(condition=_OPEN)),
    "scoring_evidenceshown": (_ASSIGNMENT.format(condition=_MINE), _FILE.format(condition=_OPEN)),
}


def narrow(apps, schema_editor):
    role = schema_editor.quote_name(settings.BLIND_ROLE)
    for table, (reads, adds) in _POLICIES.items():
        schema_editor.execute(f"DROP POLICY own_rows ON {table}")
        schema_editor.execute(f"CREATE POLICY own_rows ON {table} FOR SELECT TO {role} USING ({reads})")
        schema_editor.execute(
            f"CREATE POLICY own_new_rows ON {table} FOR INSERT TO {role} WITH CHECK ({adds})"
        )


def widen(apps, schema_editor):
    role = schema_editor.quote_name(settings.BLIND_ROLE)
    for table, (reads, _) in _POLICIES.items():
        schema_editor.execute(f"DROP POLICY own_new_rows ON {table}")
        schema_editor.execute(f"DROP POLICY own_rows ON {table}")
        schema_editor.execute(
            f"CREATE POLICY own_rows ON {table} FOR ALL TO {role} USING ({reads}) WITH CHECK ({reads})"
        )


class Migration(migrations.Migration):
    dependencies = [("scoring", "0002_blind_wall")]
    operations = [migrations.RunPython(narrow, widen)]
