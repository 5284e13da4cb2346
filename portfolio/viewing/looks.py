"""Put on record who looks at what: one row for each signed link, however often a player asks through it."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import connection

from accounts.models import User
from certification.kernel import ids

from ..models import MediaView, Rendition
from .selectors import ShownFile

# Two requests of one player may come at once, and from two web servers whose clocks differ.
_UPSERT = """
    INSERT INTO {table} AS look
        (id, link, viewer_id, subject_type, subject_id, evidence_id, kind, sha256, first_at, last_at,
         requests)
    VALUES (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, 1)
    ON CONFLICT (link) DO UPDATE SET
        requests = look.requests + 1, last_at = GREATEST(look.last_at, EXCLUDED.last_at)
"""


def record(*, link: UUID, viewer: User, file: ShownFile, now: datetime) -> None:
    """Note that `viewer` asked for the file through `link`; the first time begins the look."""
    table = connection.ops.quote_name(MediaView._meta.db_table)
    subject = (Rendition._meta.label, str(file.id), file.evidence_id, file.kind, file.sha256)
    with connection.cursor() as cursor:
        cursor.execute(_UPSERT.format(table=table), [ids.uuid(), link, viewer.pk, *subject, now, now])
