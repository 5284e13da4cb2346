"""What must be true of a played season, whatever happened in it.

Each check returns the sentences that describe what is wrong; none means that it holds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from django.core.files.storage import Storage, storages
from django.db.models import Count, Sum

from candidates.models import Candidacy, Registration
from candidates.states import CandidacyState, RegistrationState
from certificates.models import Certificate
from certification.kernel import reconcile
from certification.kernel.models import OutboxMessage
from payments.models import LedgerRow, Order
from payments.states import LedgerKind, OrderState
from portfolio.blinding.cleaning import assert_clean
from portfolio.blinding.identifiers import find, search_terms
from portfolio.models import Blinding, Decision, Entry, EntryScore, Evidence
from portfolio.states import EntryState
from scoring.models import Assignment, Packet, PacketFile
from scoring.states import AssignmentRole, AssignmentState, PacketState

from .play import Season
from .recount import disagreements

Check = Callable[[Season, dict[str, Any], datetime], Iterator[str]]
_checks: list[tuple[str, Check]] = []


def check(title: str) -> Callable[[Check], Check]:
    def register(function: Check) -> Check:
        _checks.append((title, function))
        return function

    return register


def judge(season: Season, record: dict[str, Any], now: datetime) -> list[tuple[str, list[str]]]:
    """Every invariant with what breaks it (an empty list when it holds), in a fixed order."""
    return [(title, list(function(season, record, now))) for title, function in _checks]


@check("every window and every release was kept to the microsecond")
def _instants(season: Season, record: dict[str, Any], now: datetime) -> Iterator[str]:
    yield from (what for what, held in season.observations if not held)


@check("every candidate's fate is the planned one")
def _fates(season: Season, record: dict[str, Any], now: datetime) -> Iterator[str]:
    registrations = Registration.objects.in_bulk()
    decisions = {
        row.candidacy_id: row for row in Decision.objects.order_by("year")
    }  # the last year's decision stands
    for player in season.stage.players:
        script, alias = player.person.script, player.person.alias
        if script.ends_in_year is None:
            state = registrations[player.registration_id].state
            if state != script.ends:
                yield f"{alias} should be {script.ends}, is {state}"
        elif script.ends_in_year <= season.options.years:
            decision = decisions.get(player.candidacy_id)
            ended = None if decision is None else (decision.ended_as or decision.outcome, decision.year)
            if ended != (script.ends, script.ends_in_year):
                yield f"{alias} should be {script.ends} in year {script.ends_in_year}, is {ended}"


@check("a second reckoning of every score and decision agrees")
def _recount(season: Season, record: dict[str, Any], now: datetime) -> Iterator[str]:
    yield from disagreements(record)


@check("every complete registration is covered exactly once, and no fee was taken for another")
def _money(season: Season, record: dict[str, Any], now: datetime) -> Iterator[str]:
    fees = dict(
        LedgerRow.objects.filter(kind=LedgerKind.FEE).values_list("order_id").annotate(Sum("amount_minor"))
    )
    orders = {order.purpose_id: order for order in Order.objects.exclude(state=OrderState.LAPSED)}
    for registration in Registration.objects.all():
        order = orders.get(registration.pk)
        complete = registration.state == RegistrationState.COMPLETE
        if complete and order is None:
            yield f"{registration.pk} is complete without an order"
        if (
            order is not None
            and order.state == OrderState.SETTLED
            and fees.get(order.pk) != order.amount_minor
        ):
            yield f"order {order.pk} is settled with {fees.get(order.pk)} of {order.amount_minor}"
        if not complete and order is not None and fees.get(order.pk):
            yield f"order {order.pk} took a fee for a registration that is {registration.state}"


@check("every scored entry had two independent scorers, none in conflict, none who scored it before")
def _scorers(season: Season, record: dict[str, Any], now: datetime) -> Iterator[str]:
    entries = {
        row.packet_code: row.entry
        for row in Blinding.objects.exclude(packet_code=None).select_related(
            "entry__candidacy", "entry__template"
        )
    }
    players = {player.candidacy_id: player for player in season.stage.players}
    seen: dict[tuple[Any, str], set[Any]] = {}
    submitted = Assignment.objects.filter(state=AssignmentState.SUBMITTED).select_related("packet")
    by_packet: dict[str, list[Assignment]] = {}
    for assignment in submitted.order_by("packet__minted_at"):
        by_packet.setdefault(assignment.packet.code, []).append(assignment)
    for code, assignments in by_packet.items():
        entry = entries[code]
        readers = {row.scorer_id for row in assignments}
        roles = Counter(row.role for row in assignments)
        if roles[AssignmentRole.SCORER] != 2 or len(readers) != len(assignments):
            yield f"packet {code} was read by {dict(roles)}"
        person = players[entry.candidacy_id].person
        for reader in readers:
            judge_ = season.stage.judges[reader]
            if person.district == judge_.district or person.school == judge_.employer:
                yield f"packet {code} was read by somebody of the candidate's own district"
        earlier = seen.setdefault((entry.candidacy_id, entry.template.key), set())
        if earlier & readers:
            yield f"packet {code} is a retake read by somebody who read it before"
        earlier |= readers


@check("no cleaned file holds anything that identifies its candidate")
def _blind(season: Season, record: dict[str, Any], now: datetime) -> Iterator[str]:
    players = {player.candidacy_id: player for player in season.stage.players}
    owners = dict(
        Blinding.objects.exclude(packet_code=None).values_list("packet_code", "entry__candidacy_id")
    )
    store = storages["blind"]
    with TemporaryDirectory() as folder:
        for file in PacketFile.objects.select_related("packet"):
            terms = search_terms(players[owners[file.packet.code]].identity)
            copy = _fetched(store, file.storage_key, Path(folder), file.content_type)
            yield from (f"packet {file.packet.code}: {trace}" for trace in assert_clean([copy], terms))
            for word in (file.label, file.slot_title, file.text, file.storage_key):
                if find(word, terms):
                    yield f"packet {file.packet.code}: an identifier in {file.label}"
            copy.unlink()


@check("storage and rows agree: no file without its row, no row without its file")
def _storage(season: Season, record: dict[str, Any], now: datetime) -> Iterator[str]:
    expected = {
        "identity": set(Evidence.objects.filter(removed_at=None).values_list("storage_key", flat=True)),
        "blind": set(PacketFile.objects.values_list("storage_key", flat=True)),
        "certificates": set(Certificate.objects.values_list("storage_key", flat=True)),
    }
    for alias, keys in expected.items():
        stored = set(_listed(storages[alias]))
        yield from (f"{alias}: {key} has no file" for key in sorted(keys - stored))
        yield from (f"{alias}: {key} has no row" for key in sorted(stored - keys))


@check("nothing is left half-done after the last release")
def _finished(season: Season, record: dict[str, Any], now: datetime) -> Iterator[str]:
    open_entries = Entry.objects.exclude(state__in=[EntryState.RELEASED, EntryState.UNUSED]).count()
    if open_entries:
        yield f"{open_entries} entries are neither scored nor unused"
    if open_packets := Packet.objects.exclude(state=PacketState.CLOSED).count():
        yield f"{open_packets} packets are not closed"
    if EntryScore.objects.count() != Entry.objects.filter(state=EntryState.RELEASED).count():
        yield "an entry is released without a score, or scored without a release"
    if season.options.years == 3 and (live := Candidacy.objects.filter(state=CandidacyState.ACTIVE).count()):
        yield f"{live} candidacies are still active after three years"
    if unsent := OutboxMessage.objects.filter(sent_at=None, deliver_after__lte=now).count():
        yield f"{unsent} mails were not sent"


@check("certificates and certified candidacies are the same people")
def _certificates(season: Season, record: dict[str, Any], now: datetime) -> Iterator[str]:
    certified = set(Candidacy.objects.filter(state=CandidacyState.CERTIFIED).values_list("pk", flat=True))
    holders = set(Certificate.objects.exclude(storage_key="").values_list("candidacy_id", flat=True))
    if certified != holders:
        yield f"{len(certified)} certified candidacies, {len(holders)} certificates with a PDF"


@check("one person has at most one live candidacy")
def _one_each(season: Season, record: dict[str, Any], now: datetime) -> Iterator[str]:
    doubled = Candidacy.objects.values("account_id").annotate(times=Count("pk")).filter(times__gt=1)
    yield from (f"account {row['account_id']} has {row['times']} candidacies" for row in doubled)


@check("no mail tells a score, and scorers are told no name")
def _mails(season: Season, record: dict[str, Any], now: datetime) -> Iterator[str]:
    judges = {judge_.email for judge_ in season.stage.judges.values()}
    scores = {
        score for row in record["candidates"] for year in row["years"] for score in year["scores"].values()
    }
    names = [player.person.name for player in season.stage.players]
    for message in OutboxMessage.objects.all():
        if any(f" {score}" in message.body for score in scores if "." in score):
            yield f"a mail of kind {message.kind} tells a score"
        if message.recipient in judges and any(name in message.body for name in names):
            yield f"a mail of kind {message.kind} tells a scorer a name"


@check("running every reconciler twice more changes nothing")
def _converged(season: Season, record: dict[str, Any], now: datetime) -> Iterator[str]:
    for round_ in (1, 2):
        for job in reconcile.all_reconcilers():
            counts = reconcile.run(job.name, now) or {}
            if any(counts.values()):
                yield f"round {round_}: {job.name} changed {counts}"


def _fetched(store: Storage, key: str, folder: Path, content_type: str) -> Path:
    suffix = {"image/jpeg": ".jpg", "video/mp4": ".mp4"}.get(content_type, ".bin")
    target = folder / f"copy{suffix}"
    with store.open(key) as source, target.open("wb") as copy:
        for chunk in source.chunks():
            copy.write(chunk)
    return target


def _listed(store: Storage, folder: str = "") -> Iterator[str]:
    try:
        folders, names = store.listdir(folder)
    except FileNotFoundError:
        return
    for name in names:
        yield f"{folder}/{name}" if folder else name
    for inner in folders:
        yield from _listed(store, f"{folder}/{inner}" if folder else inner)
