"""Scoring's rows for tests, made through its services wherever there is one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID

from django.core.files.base import ContentFile
from django.core.files.storage import storages

from accounts.models import Role, User
from certification.kernel import ids
from scoring import api, services
from scoring.models import Assignment, Packet, Reading, Scorer
from scoring.rules.catalogue import FRAMEWORKS, pilot_data
from scoring.states import AssignmentRole

NOW = datetime(2027, 7, 1, 12, 0, tzinfo=UTC)
PIXEL = bytes.fromhex(
    "ffd8ffe000104a46494600010100000100010000ffdb004300"
    + "08" * 64
    + "ffc0000b080001000101011100ffc4001400010000000000000000000000000000000009ffc400141001000000000000"
    "00000000000000000000ffda0008010100003f0054dfffd9"
)

_numbers = count(1)


def rubric(framework: str = "two-entry") -> api.RubricCard:
    """The framework's rubric, with words for every level."""
    entries = [
        api.RubricEntrySpec(
            key=key,
            title=title,
            look_fors=tuple(
                api.LookForCard(
                    key=look_for,
                    title=look_for.replace("-", " ").capitalize(),
                    description=f"How the evidence shows {look_for.replace('-', ' ')}.",
                    levels={level: f"{look_for}, level {level}" for level in (1, 2, 3, 4)},
                )
                for look_for in look_fors
            ),
        )
        for key, (title, look_fors) in FRAMEWORKS[framework].items()
    ]
    return api.load_rubric(slug=framework, title=framework, entries=entries)


def rule_set(framework: str = "two-entry", **changes: Any) -> UUID:
    """The id of the pilot rule set with some fields changed."""
    data = {**pilot_data(framework), **changes}
    return api.load_rule_set(slug=f"rules-{framework}", title="Rules", data=data)


def store(content: bytes, name: str) -> str:
    """Put bytes into the blind store; the key they lie under."""
    return storages["blind"].save(name, ContentFile(content))


def file_spec(ordinal: int, kind: str = "page", content: bytes = PIXEL, **fields: Any) -> api.PacketFileSpec:
    """A stored file as a packet takes it."""
    suffix, content_type = {
        "video": ("mp4", "video/mp4"),
        "captions": ("vtt", "text/vtt; charset=utf-8"),
    }.get(kind, ("jpg", "image/jpeg"))
    values: dict[str, Any] = {
        "slot_title": "Written pieces",
        "label": "Written pieces",
        "page_number": ordinal if kind == "page" else None,
        "text": f"What page {ordinal} says." if kind == "page" else "",
        "content_type": content_type,
    }
    return api.PacketFileSpec(
        ordinal=ordinal,
        kind=kind,
        storage_key=store(content, f"{ids.uuid().hex}.{suffix}"),
        size=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
        **{**values, **fields},
    )


def packet(
    entry: str = "entry-1", *, files: list[api.PacketFileSpec] | None = None, **rule_changes: Any
) -> Packet:
    """A minted packet of one page, or of `files`."""
    code = api.mint_packet(
        code=ids.code(8),
        rubric_entry_id=rubric().entry(entry).id,
        rule_set_id=rule_set(**rule_changes),
        files=[file_spec(1)] if files is None else files,
        now=NOW,
    )
    return Packet.objects.get(code=code)


def account(role: str = Role.SCORER) -> User:
    """A signed-up account of a role."""
    number = next(_numbers)
    return User.objects.create_user(
        f"{role}-{number}@example.org", "a long password", role=role, full_name=f"Person {number}"
    )


def scorer(*, lead: bool = False, qualified: bool = True, **fields: Any) -> Scorer:
    """An enlisted scorer with an account, qualified for every entry of the two-entry rubric."""
    person = account(Role.LEAD_SCORER if lead else Role.SCORER)
    scorer_id = services.enlist_scorer(account_id=person.pk, is_lead=lead, **fields)
    for entry in rubric().entries if qualified else ():
        services.qualify(
            scorer_id=scorer_id,
            rubric_entry_id=entry.id,
            exact_percent=Decimal(80),
            within_one_percent=Decimal(100),
            now=NOW,
        )
    return Scorer.objects.get(pk=scorer_id)


def user_of(scorer: Scorer) -> User:
    """The account behind a scorer."""
    return User.objects.get(pk=scorer.account_id)


def assignment(packet: Packet, scorer: Scorer, role: str = AssignmentRole.SCORER) -> Assignment:
    """The packet in the scorer's hands."""
    api.assign(code=packet.code, scorer_id=scorer.pk, role=role, now=NOW)
    return Assignment.objects.get(packet=packet, scorer=scorer)


def marks(packet: Packet, mark: str = "3", **others: str) -> dict[str, Decimal]:
    """`mark` for every look-for of the packet's entry, or what `others` says (with _ for -)."""
    given = {key.replace("_", "-"): points for key, points in others.items()}
    keys = packet.rubric_entry.look_fors.values_list("key", flat=True)
    return {key: Decimal(given.get(key, mark)) for key in keys}


def read(
    assignment: Assignment,
    mark: str = "3",
    *,
    condition: str | None = None,
    ratings: Mapping[str, Decimal] | None = None,
) -> Reading:
    """The scorer submits the same mark for every look-for, or a condition."""
    given = {} if condition else marks(assignment.packet, mark) if ratings is None else ratings
    return services.submit_reading(
        scorer_id=assignment.scorer_id,
        assignment_id=assignment.pk,
        ratings=given,
        condition=condition,
        note="",
        now=NOW,
    )
