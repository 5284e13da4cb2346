"""Invariants about the site itself: storage, history, the audit trail, releases, reconcilers."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from django.apps import apps
from django.conf import settings
from django.core.files.storage import Storage, storages
from django.db import DatabaseError, connection, models, transaction

from candidates.models import Candidacy
from candidates.states import CandidacyState
from certificates.models import Certificate
from certification.kernel import reconcile
from certification.kernel.models import AuditEvent, OutboxMessage
from certification.kernel.windows import YEARS_OF_CANDIDACY, calendar_for
from payments.models import PurchaseOrder
from payments.states import PurchaseOrderState
from portfolio.models import (
    Blinding,
    Decision,
    Entry,
    EntryScore,
    Evidence,
    Release,
    ReleaseForm,
    Rendition,
)
from portfolio.states import ATTEMPTED_ENTRIES, EntryState
from scoring.models import Packet, PacketFile
from scoring.states import PacketState

from .judging import Look, Played, invariant

_Act = tuple[str, str, str]


class _UndoError(Exception):
    """Rolls an attempt back that should have been refused."""


@invariant("storage and rows agree: no file without its row, no row without its file")
def storage(played: Played, look: Look) -> None:
    expected = {
        "identity": {
            *Evidence.objects.filter(removed_at=None).values_list("storage_key", flat=True),
            *ReleaseForm.objects.filter(removed_at=None).values_list("storage_key", flat=True),
            *Rendition.objects.values_list("storage_key", flat=True),
        },
        "blind": set(PacketFile.objects.values_list("storage_key", flat=True)),
        "certificates": set(Certificate.objects.values_list("storage_key", flat=True)),
    }
    for alias, keys in expected.items():
        stored = set(_listed(storages[alias]))
        for key in sorted(keys | stored):
            look.at(holds=key in keys, otherwise=f"{alias}: {key} has no row")
            look.at(holds=key in stored, otherwise=f"{alias}: {key} has no file")


@invariant("nothing is left half-done after the last release")
def finished(played: Played, look: Look) -> None:
    over = (EntryState.RELEASED, EntryState.UNUSED)
    scored = set(EntryScore.objects.values_list("entry_id", flat=True))
    for entry in Entry.objects.all():
        look.at(
            holds=entry.state in over and (entry.state == EntryState.RELEASED) == (entry.pk in scored),
            otherwise=f"entry {entry.pk} is {entry.state}",
        )
    for packet in Packet.objects.all():
        look.at(holds=packet.state == PacketState.CLOSED, otherwise=f"packet {packet} is {packet.state}")
    if played.season.options.years == YEARS_OF_CANDIDACY:
        for candidacy in Candidacy.objects.all():
            look.at(
                holds=candidacy.state != CandidacyState.ACTIVE,
                otherwise=f"candidacy {candidacy.number} is still active after its last year",
            )
    for mail in OutboxMessage.objects.filter(deliver_after__lte=played.now):
        look.at(holds=mail.sent_at is not None, otherwise=f"a mail of kind {mail.kind} was not sent")


@invariant("each year came out in one release, not early, with every entry and decision of the year")
def releases(played: Played, look: Look) -> None:
    calendar = calendar_for(played.season.options.first_year, settings.PROGRAMME_ZONE)
    for year in calendar.years[: played.season.options.years]:
        rows = list(Release.objects.filter(due_at=year.release_at))
        look.at(holds=len(rows) == 1, otherwise=f"year {year.number} has {len(rows)} releases")
        for release in rows:
            said = (release.entries, release.decisions)
            counted = (
                EntryScore.objects.filter(release=release, entry__year=year.number).count(),
                Decision.objects.filter(release=release, year=year.number).count(),
            )
            look.at(
                holds=said == counted and release.released_at >= release.due_at,
                otherwise=f"the release of year {year.number} names {said}, and holds {counted}",
            )
    strangers = Release.objects.exclude(due_at__in=[year.release_at for year in calendar.years]).count()
    look.at(holds=not strangers, otherwise=f"{strangers} releases belong to no year")


@invariant("history cannot be rewritten: the database refuses every change of an append-only row")
def history(played: Played, look: Look) -> None:
    for model in _append_only_models():
        table = connection.ops.quote_name(model._meta.db_table)
        key = connection.ops.quote_name(model._meta.pk.column)
        changes = (f"UPDATE {table} SET {key} = {key}", f"DELETE FROM {table}")  # noqa: S608
        for act in changes:
            for row in model._default_manager.values_list("pk", flat=True)[:1]:
                refused = _is_refused(f"{act} WHERE {key} = %s", row)
                look.at(holds=refused, otherwise=f"{model._meta.label}: {act.split()[0]} was let through")


@invariant("everything somebody answers for is in the audit trail, under their name")
def audit_trail(played: Played, look: Look) -> None:
    recorded = {
        (action, subject, str(actor or ""))
        for action, subject, actor in AuditEvent.objects.values_list("action", "subject_id", "actor_id")
    }
    for act in _acts():
        look.at(holds=act in recorded, otherwise=f"nobody answers for: {act[0]} {act[1]}")


@invariant("running every reconciler twice more changes nothing")
def converged(played: Played, look: Look) -> None:
    for _ in range(2):
        for job in reconcile.all_reconcilers():
            counts = reconcile.run(job.name, played.now)
            look.at(
                holds=counts is not None and not any(counts.values()),
                otherwise=f"{job.name} changed {counts}",
            )


def _acts() -> Iterator[_Act]:
    """Every act whose row says it happened: what, to what, by whom (nobody: by the system)."""
    for candidacy in Candidacy.objects.all():
        yield "enrolled candidate", str(candidacy.pk), ""
        if candidacy.state != CandidacyState.ACTIVE:
            yield "concluded candidacy", str(candidacy.pk), ""
    for entry in Entry.objects.filter(state__in=ATTEMPTED_ENTRIES).select_related("candidacy"):
        yield "submitted entry", str(entry.pk), str(entry.candidacy.account_id)
    for blinding in Blinding.objects.exclude(packet_code=None):
        yield "checked blinding", str(blinding.pk), str(blinding.checked_by_id)
        yield "signed off blinding", str(blinding.pk), str(blinding.signed_by_id)
    for request in PurchaseOrder.objects.filter(state=PurchaseOrderState.ACCEPTED):
        yield "accepted purchase order", str(request.pk), str(request.decided_by_id)


def _append_only_models() -> Iterator[type[models.Model]]:
    for model in apps.get_models():
        triggers = getattr(model._meta, "triggers", [])
        if not model._meta.proxy and any(trigger.name == "append_only" for trigger in triggers):
            yield model


def _is_refused(statement: str, row: Any) -> bool:
    """Whether the database refuses it; if it does not, nothing of it stays."""
    try:
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(statement, [row])
            raise _UndoError
    except DatabaseError:
        return True
    except _UndoError:
        return False


def _listed(store: Storage, folder: str = "") -> Iterator[str]:
    try:
        folders, names = store.listdir(folder)
    except FileNotFoundError:
        return
    for name in names:
        yield f"{folder}/{name}" if folder else name
    for inner in folders:
        yield from _listed(store, f"{folder}/{inner}" if folder else inner)
