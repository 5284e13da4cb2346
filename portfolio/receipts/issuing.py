"""Issuing a receipt: the list of files, its digest, and what was affirmed and recorded with it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from candidates import selectors as candidates
from certification.kernel import ids

from ..consent import ledger
from ..models import Captions, Entry, EntryAffirmation, Evidence, Receipt


def issue(
    entry: Entry,
    evidence: Sequence[Evidence],
    affirmations: Sequence[EntryAffirmation],
    *,
    at: datetime,
    by_wish: bool,
) -> Receipt:
    """The receipt of a locked entry that was just submitted `at`."""
    manifest = manifest_of(evidence)
    person = candidates.person(entry.candidacy_id)
    return Receipt.objects.create(
        number=f"R-{ids.code(10)}",
        entry=entry,
        submitted_at=at,
        about={
            "entry": entry.template.title,
            "year": entry.year,
            "candidate": person.name_on_certificate,
            "candidacy": person.number,
        },
        manifest=manifest,
        digest=manifest_digest(manifest),
        consent=ledger.snapshot(entry),
        affirmations=[
            {
                "kind": row.kind,
                "title": row.document.title,
                "version": row.document.version,
                "sha256": row.sha256,
                "affirmed_at": _instant(row.affirmed_at),
            }
            for row in affirmations
        ],
        by_wish=by_wish,
    )


def manifest_of(evidence: Sequence[Evidence]) -> list[dict[str, Any]]:
    """One object per file, captions after their video.

    `size` is in bytes, `sha256` of the file as it was handed in, `received_at` when it was there whole,
    in UTC; `pages` or `seconds` is null where the file has none.
    """
    captions = {row.evidence_id: row for row in Captions.objects.filter(evidence__in=evidence)}
    files: list[dict[str, Any]] = []
    for piece in evidence:
        files.append(
            {
                "slot": piece.slot.title,
                "name": piece.original_name,
                "size": piece.size,
                "sha256": piece.sha256,
                "pages": piece.pages,
                "seconds": None if piece.seconds is None else str(piece.seconds),
                "received_at": _instant(piece.uploaded_at),
            }
        )
        if piece.pk in captions:
            row = captions[piece.pk]
            files.append(
                {
                    "slot": f"{piece.slot.title}, captions",
                    "name": row.original_name,
                    "size": row.size,
                    "sha256": row.sha256,
                    "pages": None,
                    "seconds": None,
                    "received_at": _instant(row.added_at),
                }
            )
    return files


def canonical(manifest: Sequence[dict[str, Any]]) -> bytes:
    """The canonical JSON of a receipt's list of files: sorted keys, no blanks, ASCII."""
    return json.dumps(manifest, sort_keys=True, separators=(",", ":"), ensure_ascii=True).encode("ascii")


def manifest_digest(manifest: Sequence[dict[str, Any]]) -> str:
    """SHA-256 of the canonical list of files: what `sha256sum` says of the list as it is downloaded."""
    return hashlib.sha256(canonical(manifest)).hexdigest()


def _instant(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"
