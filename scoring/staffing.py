"""Packets from the mint to their scorers.  Outside the wall: called by the portfolio and by reconcilers."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID

from django.db import transaction
from django.db.models import Count, F, IntegerField, Q
from django.db.models.fields.json import KeyTextTransform
from django.db.models.functions import Cast

from certification.kernel.errors import BadInput, NotAllowed
from certification.kernel.states import require

from . import locks
from .models import Assignment, Packet, PacketFile, RubricEntry, RuleSetVersion, Scorer
from .rules.parsing import parse_rule_set
from .states import PACKET_ALLOWED, AssignmentRole, AssignmentState, FileKind, PacketState

# How many scorers the packet's rule set asks for, as SQL.
NEEDED = Cast(KeyTextTransform("scorers_per_entry", "rule_set__data"), IntegerField())
STAFFED = Count(
    "assignments",
    filter=Q(assignments__role=AssignmentRole.SCORER) & ~Q(assignments__state=AssignmentState.RECUSED),
)
ADJUDICATORS = Count(
    "assignments",
    filter=Q(assignments__role=AssignmentRole.ADJUDICATOR) & ~Q(assignments__state=AssignmentState.RECUSED),
)


@dataclass(frozen=True, slots=True)
class PacketFileSpec:
    """A cleaned file to put in a packet; it lies in the `blind` store under `storage_key`.

    `slot_title` and `label` are neutral words.  Pages of one document share both and count
    `page_number` from 1; a video's poster and captions share the video's `slot_title` and `label`.  The
    `text` of captions is their transcript, in paragraphs parted by an empty line.
    """

    ordinal: int
    slot_title: str
    label: str
    kind: str
    storage_key: str
    content_type: str
    size: int
    sha256: str
    page_number: int | None = None
    width: int | None = None
    height: int | None = None
    seconds: Decimal | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class PacketNeed:
    """A packet that lacks readers; `involved` is everybody who ever had it and cannot have it again."""

    code: str
    rubric_entry_id: UUID
    role: AssignmentRole
    missing: int
    involved: frozenset[UUID]


@transaction.atomic
def mint_packet(
    *, code: str, rubric_entry_id: UUID, rule_set_id: UUID, files: Sequence[PacketFileSpec], now: datetime
) -> str:
    """Make the packet scorers will see, once; from here on its rule set cannot change.

    Raises:
        BadInput: the rubric and the rule set do not fit, a kind of file is unknown, or there is no file.
        NotAllowed: the code is taken by a packet with other files.
    """
    found = Packet.objects.filter(code=code).first()
    if found is not None:
        _require_same_files(found, files)
        return found.code
    _require_fit(rubric_entry_id, rule_set_id)
    if not files or any(spec.kind not in FileKind.values for spec in files):
        raise BadInput(
            f"Packet {code} needs at least one file, and each must be a page, a video, a poster or captions."
        )
    # Conditional, so that the instant of the first use stands.
    RuleSetVersion.objects.filter(pk=rule_set_id, used_at__isnull=True).update(used_at=now)
    packet = Packet.objects.create(
        code=code, rubric_entry_id=rubric_entry_id, rule_set_id=rule_set_id, minted_at=now
    )
    PacketFile.objects.bulk_create(
        PacketFile(
            packet=packet,
            ordinal=spec.ordinal,
            slot_title=spec.slot_title,
            label=spec.label,
            kind=spec.kind,
            page_number=spec.page_number,
            storage_key=spec.storage_key,
            content_type=spec.content_type,
            size=spec.size,
            sha256=spec.sha256,
            width=spec.width,
            height=spec.height,
            seconds=spec.seconds,
            text=spec.text,
        )
        for spec in files
    )
    return code


def _require_same_files(packet: Packet, files: Sequence[PacketFileSpec]) -> None:
    stored = set(packet.files.values_list("storage_key", "sha256"))
    if stored != {(spec.storage_key, spec.sha256) for spec in files}:
        raise NotAllowed(f"Packet {packet.code} exists with other files. Mint this one under a new code.")


def _require_fit(rubric_entry_id: UUID, rule_set_id: UUID) -> None:
    entry = RubricEntry.objects.prefetch_related("look_fors").get(pk=rubric_entry_id)
    rules = parse_rule_set(RuleSetVersion.objects.values_list("data", flat=True).get(pk=rule_set_id))
    described = {look_for.key for look_for in entry.look_fors.all()}
    counted = set(rules.entry(entry.key).look_for_keys) if entry.key in rules.entry_keys else set()
    if described != counted:
        apart = ", ".join(sorted(described ^ counted)) or "all of them"
        raise BadInput(
            f"“{entry.title}” cannot be scored by “{rules.title}”: they differ in the look-fors {apart}. "
            "Give the entry a rule set with the same look-fors."
        )


def packets_to_staff() -> list[PacketNeed]:
    """Every packet that lacks scorers, also after a recusal, or lacks its adjudicator; by code."""
    packets = Packet.objects.annotate(needed=NEEDED, staffed=STAFFED, adjudicators=ADJUDICATORS).filter(
        Q(state__in=[PacketState.READY, PacketState.ASSIGNED], staffed__lt=F("needed"))
        | Q(state=PacketState.ADJUDICATION, adjudicators=0)
    )
    rows = list(packets.order_by("code"))
    everybody = involved(packet.code for packet in rows)
    needs = []
    for packet in rows:
        disputed = packet.state == PacketState.ADJUDICATION
        needs.append(
            PacketNeed(
                code=packet.code,
                rubric_entry_id=packet.rubric_entry_id,
                role=AssignmentRole.ADJUDICATOR if disputed else AssignmentRole.SCORER,
                missing=1 if disputed else packet.needed - packet.staffed,
                involved=everybody[packet.code],
            )
        )
    return needs


def involved(codes: Iterable[str]) -> dict[str, frozenset[UUID]]:
    """Everybody who ever had each packet in hand, whether or not they kept it."""
    wanted = list(codes)
    seen: dict[str, set[UUID]] = defaultdict(set)
    pairs = Assignment.objects.filter(packet__code__in=wanted).values_list("packet__code", "scorer_id")
    for code, scorer_id in pairs.order_by():
        seen[code].add(scorer_id)
    return {code: frozenset(seen[code]) for code in wanted}


@transaction.atomic
def assign(*, code: str, scorer_id: UUID, role: str, now: datetime) -> None:
    """Give a packet to a scorer.  Giving it to the same scorer in the same role again does nothing.

    Raises:
        NotAllowed: the packet lacks nobody in this role, or this scorer may not have it.
    """
    packet = locks.packet(code)
    mine = Assignment.objects.filter(packet=packet, scorer_id=scorer_id).first()
    if mine is not None:
        if mine.role == role and mine.state != AssignmentState.RECUSED:
            return
        raise NotAllowed(f"Packet {code} was with this scorer before. Assign somebody else.")
    _require_able(Scorer.objects.get(pk=scorer_id), packet, role)
    staffed = _require_lacking(packet, role)
    Assignment.objects.create(packet=packet, scorer_id=scorer_id, role=role, assigned_at=now)
    needed = parse_rule_set(packet.rule_set.data).scorers_per_entry
    if role == AssignmentRole.SCORER and packet.state == PacketState.READY and staffed + 1 == needed:
        move_packet(packet, PacketState.ASSIGNED)


def _require_able(scorer: Scorer, packet: Packet, role: str) -> None:
    if not scorer.is_active:
        raise NotAllowed(f"{scorer.alias} no longer scores. Assign somebody else.")
    if not scorer.qualifications.filter(rubric_entry_id=packet.rubric_entry_id).exists():
        raise NotAllowed(
            f"{scorer.alias} is not qualified for “{packet.rubric_entry.title}”. "
            "Assign somebody who passed its benchmark papers."
        )
    if role == AssignmentRole.ADJUDICATOR and not scorer.is_lead:
        raise NotAllowed(f"{scorer.alias} is no lead scorer. Only lead scorers adjudicate.")


def _require_lacking(packet: Packet, role: str) -> int:
    """How many hold the packet in `role`, when one more is wanted."""
    held = packet.assignments.filter(role=role).exclude(state=AssignmentState.RECUSED).count()
    if role == AssignmentRole.ADJUDICATOR:
        wanted = 1 if packet.state == PacketState.ADJUDICATION else 0
    else:
        open_to_scorers = packet.state in (PacketState.READY, PacketState.ASSIGNED)
        wanted = parse_rule_set(packet.rule_set.data).scorers_per_entry if open_to_scorers else 0
    if held >= wanted:
        raise NotAllowed(f"Packet {packet.code} lacks no {AssignmentRole(role).label.lower()} now.")
    return held


def move_packet(packet: Packet, state: PacketState, *, closed_at: datetime | None = None) -> None:
    """Move a locked packet to another state, if the table of moves has it."""
    require(PACKET_ALLOWED, packet.state, state, what=f"Packet {packet.code}")
    packet.state = state
    packet.closed_at = closed_at
    packet.save(update_fields=["state", "closed_at"])
