"""Invariants about the wall: who scored what, what they were shown, what it gave away."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from uuid import UUID

from django.core.files.storage import Storage, storages

from certification.kernel.exact import display
from certification.kernel.models import OutboxMessage
from portfolio.blinding.cleaning import leaks_in
from portfolio.blinding.identifiers import find, search_terms
from portfolio.models import Blinding, Entry
from scoring.models import Assignment, EvidenceShown, PacketFile
from scoring.states import AssignmentRole, AssignmentState

from .judging import Look, Played, invariant

_SUFFIXES = {"image/jpeg": ".jpg", "video/mp4": ".mp4"}


@invariant("every entry had two independent scorers, none in conflict, none who scored it before")
def scorers(played: Played, look: Look) -> None:
    players = {player.candidacy_id: player for player in played.season.stage.players}
    read_before: dict[tuple[UUID, str], set[UUID]] = {}
    for code, entry in _entries():
        given = list(Assignment.objects.filter(packet__code=code).exclude(state=AssignmentState.RECUSED))
        readers = {row.scorer_id for row in given}
        roles = Counter(row.role for row in given if row.state == AssignmentState.SUBMITTED)
        look.at(
            holds=roles[AssignmentRole.SCORER] == 2 and len(readers) == len(given) == roles.total(),
            otherwise=f"packet {code} was read by {dict(roles)} of {len(given)}",
        )
        person = players[entry.candidacy_id].person
        judges = [played.season.stage.judges[reader] for reader in readers]
        look.at(
            holds=all(person.district != judge.district for judge in judges)
            and all(person.school != judge.employer for judge in judges),
            otherwise=f"packet {code} was read by somebody of the candidate's own district",
        )
        earlier = read_before.setdefault((entry.candidacy_id, entry.template.key), set())
        look.at(
            holds=not earlier & readers,
            otherwise=f"packet {code} is a retake read by somebody who read it before",
        )
        earlier |= readers


@invariant("no cleaned file holds anything that identifies its candidate")
def cleaned(played: Played, look: Look) -> None:
    players = {player.candidacy_id: player for player in played.season.stage.players}
    owners = {code: entry.candidacy_id for code, entry in _entries()}
    store = storages["blind"]
    with TemporaryDirectory() as folder:
        for file in PacketFile.objects.select_related("packet"):
            code = file.packet.code
            terms = search_terms(players[owners[code]].identity)
            copy = _fetched(store, file, Path(folder))
            traces = [] if copy is None else list(leaks_in([copy], terms))
            words = (file.label, file.slot_title, file.text, file.storage_key)
            traces += [f"an identifier in “{file.label}”" for word in words if find(word, terms)]
            look.at(holds=not traces, otherwise=f"packet {code}: {'; '.join(map(str, traces))}")


@invariant("each scorer was shown the whole packet, and its bytes are still the same")
def shown(played: Played, look: Look) -> None:
    packets: dict[UUID, dict[UUID, str]] = {}
    for file in PacketFile.objects.all():
        packets.setdefault(file.packet_id, {})[file.pk] = file.sha256
        digest = _stored_digest(storages["blind"], file.storage_key)
        look.at(
            holds=digest in (None, file.sha256),
            otherwise=f"file {file.pk} is no longer what was signed off",
        )
    seen: dict[UUID, dict[UUID, str]] = {}
    for row in EvidenceShown.objects.all():
        seen.setdefault(row.assignment_id, {})[row.file_id] = row.sha256
    for assignment in Assignment.objects.filter(state=AssignmentState.SUBMITTED):
        look.at(
            holds=seen.get(assignment.pk, {}) == packets.get(assignment.packet_id),
            otherwise=f"assignment {assignment.pk} was marked on {len(seen.get(assignment.pk, {}))} files",
        )


@invariant("no mail tells a score, none tells a scorer a name, and nobody gets one twice")
def mails(played: Played, look: Look) -> None:
    stage = played.season.stage
    judges = {judge.email.casefold() for judge in stage.judges.values()}
    everybody = [term for player in stage.players for term in search_terms(player.identity)]
    told = re.compile(rf"(?<![\d.])(?:{'|'.join(map(re.escape, _scores(played.record)))})(?![\d])")
    times = Counter(OutboxMessage.objects.values_list("recipient", "subject", "body"))
    for mail in OutboxMessage.objects.all():
        text = f"{mail.subject}\n{mail.body}"
        look.at(holds=told.search(text) is None, otherwise=f"a mail of kind {mail.kind} tells a score")
        look.at(
            holds=times[mail.recipient, mail.subject, mail.body] == 1,
            otherwise=f"a mail of kind {mail.kind} goes out more than once",
        )
        if mail.recipient.casefold() in judges:
            look.at(
                holds=not find(text, everybody),
                otherwise=f"a mail of kind {mail.kind} tells a scorer a name",
            )


def _entries() -> Iterator[tuple[str, Entry]]:
    """Every packet's code with its entry, in the order in which a candidate's attempts follow."""
    rows = Blinding.objects.exclude(packet_code=None).select_related("entry__candidacy", "entry__template")
    for row in rows.order_by("entry__year", "packet_code"):
        yield str(row.packet_code), row.entry


def _scores(record: dict[str, Any]) -> set[str]:
    """Every score of the record as it might be written: in full, and rounded for people."""
    years = [year for candidate in record["candidates"] for year in candidate["years"]]
    texts = {text for year in years for text in (*year["scores"].values(), year["overall"]) if text}
    written = texts | {display(Fraction(text)) for text in texts}
    # A bare "4" may be the number of anything.
    return {text for text in written if "." in text} or {"no score at all"}


def _fetched(store: Storage, file: PacketFile, folder: Path) -> Path | None:
    """A local copy, or None when the store has none, which another invariant says."""
    if not store.exists(file.storage_key):
        return None
    target = folder / f"copy{_SUFFIXES.get(file.content_type, '.bin')}"
    with store.open(file.storage_key) as source:
        target.write_bytes(source.read())
    return target


def _stored_digest(store: Storage, key: str) -> str | None:
    if not store.exists(key):
        return None
    with store.open(key) as stored:
        return hashlib.sha256(stored.read()).hexdigest()
