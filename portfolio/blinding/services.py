"""The way of an entry from sealed to a packet: cleaned, checked by one person, signed off by another.

Source: the programme's rules, section 7; ADR 0002.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.models import User
from certification.kernel import audit, ids, reconcile
from certification.kernel.errors import BadInput, Incomplete, NotAllowed
from certification.kernel.states import require
from scoring import api as scoring

from ..models import Entry
from ..states import BLINDING_ALLOWED, BlindingState, EntryState
from . import copies, locks
from .models import Blinding, CleanedFile, Finding

SHORTEST_WORD_TO_COVER = 3
_SAID_OR_SHOWN = "said or shown"


def prepare() -> int:
    """Make sure that every sealed entry has its blinding.  Returns how many were made."""
    unblinded = Entry.objects.filter(state=EntryState.SEALED, blinding__isnull=True).order_by(
        "sealed_at", "pk"
    )
    made = 0
    for entry in unblinded:
        _, fresh = Blinding.objects.get_or_create(entry=entry)
        made += fresh
    if made:
        reconcile.ring("blinding.clean")
    return made


def clean_waiting(now: datetime, *, max_seconds: float) -> dict[str, int]:
    """Clean waiting blindings, oldest entry first, and sweep copies nobody claims.

    No further one is begun after `max_seconds`; the next sweep goes on.
    """
    until = time.monotonic() + max_seconds
    counts = {"cleaned": 0, "failed": 0, "swept": copies.sweep()}
    waiting = Blinding.objects.filter(state=BlindingState.WAITING).order_by("entry__sealed_at", "pk")
    for blinding_id in list(waiting.values_list("pk", flat=True)):
        if time.monotonic() > until:
            break
        match copies.clean(blinding_id, now):
            case BlindingState.CLEANED:
                counts["cleaned"] += 1
            case BlindingState.FAILED:
                counts["failed"] += 1
    return counts


def copies_digest(blinding: Blinding) -> str:
    """Names the exact set of cleaned copies, so that a check counts for what was on the page and no other."""
    files = blinding.files.order_by("ordinal").values_list("storage_key", "sha256")
    return hashlib.sha256(repr(list(files)).encode()).hexdigest()


@transaction.atomic
def check_blinding(*, blinding_id: UUID, by: User, now: datetime, seen: str | None = None) -> None:
    """State that every page and the whole video were looked at and show nobody.

    Args:
        seen: `copies_digest` of what was on the page; None when the caller shows no page.

    Raises:
        NotAllowed: not waiting for the check, or the copies were made anew meanwhile.
        Incomplete: somebody recorded what could not be covered and it is not settled; lists each.
    """
    _require_staff(by)
    blinding = locks.blinding(blinding_id)
    if blinding.state == BlindingState.CHECKED and blinding.checked_by_id == by.pk:
        return
    require(BLINDING_ALLOWED, blinding.state, BlindingState.CHECKED, what="This blinding")
    _require_same_copies(blinding, seen)
    _require_settled(blinding)
    blinding.state = BlindingState.CHECKED
    blinding.checked_by, blinding.checked_at = by, now
    blinding.save(update_fields=["state", "checked_by", "checked_at"])
    audit.record(actor=by, action="checked blinding", subject=blinding, detail=_of_record(blinding))


@transaction.atomic
def sign_off_blinding(*, blinding_id: UUID, by: User, now: datetime, seen: str | None = None) -> str:
    """Sign off as the second person and mint the packet.  Returns its random code.

    The packet is made in this transaction: there is no signed blinding without its packet, and no
    packet that nobody signed.  Signing again gives the same code.

    Raises:
        NotAllowed: not checked yet, checked by the same person, or the copies were made anew meanwhile.
        Incomplete: see `check_blinding`.
    """
    _require_staff(by)
    blinding = locks.blinding(blinding_id)
    if blinding.state == BlindingState.SIGNED_OFF and blinding.packet_code:
        return blinding.packet_code
    require(BLINDING_ALLOWED, blinding.state, BlindingState.SIGNED_OFF, what="This blinding")
    if blinding.checked_by_id == by.pk:
        raise NotAllowed(
            "You checked this blinding yourself. A second person signs it off: ask a colleague to look."
        )
    _require_same_copies(blinding, seen)
    _require_settled(blinding)
    code = _mint(blinding, now)
    blinding.state = BlindingState.SIGNED_OFF
    blinding.signed_by, blinding.signed_at = by, now
    blinding.packet_code = code
    blinding.save(update_fields=["state", "signed_by", "signed_at", "packet_code"])
    audit.record(actor=by, action="signed off blinding", subject=blinding, detail=_of_record(blinding))
    reconcile.ring("matching.assign")
    return code


@transaction.atomic
def send_back_blinding(
    *, blinding_id: UUID, by: User, reason: str, now: datetime, also_cover: Sequence[str] = ()
) -> None:
    """Have the evidence cleaned once more, with further words to cover.

    The check, if there was one, no longer counts.

    Raises:
        BadInput: no reason, or a word too short to search for.
        NotAllowed: signed off, or on its way already.
    """
    _require_staff(by)
    if not reason.strip():
        raise BadInput("Say why it goes back: the next person checks for exactly that.")
    words = _words_to_cover(also_cover)
    blinding = locks.blinding(blinding_id)
    require(BLINDING_ALLOWED, blinding.state, BlindingState.WAITING, what="This blinding")
    blinding.also_cover = list(dict.fromkeys([*blinding.also_cover, *words]))
    blinding.sent_back_because = reason.strip()[:300]
    _wait_again(blinding)
    audit.record(
        actor=by,
        action="sent blinding back",
        subject=blinding,
        detail={"reason": blinding.sent_back_because, "also_cover": words, "at": now.isoformat()},
    )


@transaction.atomic
def try_again(*, blinding_id: UUID, by: User, now: datetime) -> None:
    """Clean once more what could not be cleaned.  A blinding that waits already keeps waiting.

    Raises:
        NotAllowed: it did not fail.
    """
    _require_staff(by)
    blinding = locks.blinding(blinding_id)
    if blinding.state == BlindingState.WAITING:
        return
    if blinding.state != BlindingState.FAILED:
        raise NotAllowed("This blinding did not fail. To have it cleaned again, send it back with a reason.")
    _wait_again(blinding)
    audit.record(actor=by, action="tried blinding again", subject=blinding, detail={"at": now.isoformat()})


@transaction.atomic
def record_finding(*, blinding_id: UUID, evidence_id: UUID, by: User, where: str, what: str) -> Finding:
    """Record an identifier that the cleaning cannot cover, say a name spoken in a video.

    It needs manual work: until `settle_finding`, the blinding can be neither checked nor signed off.

    Raises:
        BadInput: it does not say where and what, or the file is another entry's.
        NotAllowed: the blinding is signed off.
    """
    _require_staff(by)
    if not where.strip() or not what.strip():
        raise BadInput("Say where it is (page, or minutes and seconds) and what can be recognised.")
    blinding = locks.blinding(blinding_id)
    _require_not_signed_off(blinding)
    evidence = blinding.entry.evidence.filter(pk=evidence_id, removed_at__isnull=True).first()
    if evidence is None:
        raise BadInput("Choose one of this entry's files.")
    finding, fresh = Finding.objects.get_or_create(
        blinding=blinding,
        evidence=evidence,
        where=where.strip()[:120],
        excerpt=what.strip()[:300],
        settled_as="",
        recorded_by__isnull=False,
        defaults={"kind": _SAID_OR_SHOWN, "covered": False, "recorded_by": by},
    )
    if fresh:
        audit.record(
            actor=by,
            action="recorded uncovered identifier",
            subject=blinding,
            detail={"finding": str(finding.pk), "evidence": str(evidence.pk), "where": finding.where},
        )
    return finding


@transaction.atomic
def settle_finding(*, finding_id: UUID, by: User, how: str) -> None:
    """Write down how a recorded finding was settled, so that the blinding can go on.

    Raises:
        Finding.DoesNotExist: none that a person recorded has this key.
        BadInput: it does not say how.
        NotAllowed: the blinding is signed off.
    """
    _require_staff(by)
    if not how.strip():
        raise BadInput("Say how it was settled, for the person who signs off.")
    blinding_id = Finding.objects.values_list("blinding_id", flat=True).get(
        pk=finding_id, recorded_by__isnull=False
    )
    blinding = locks.blinding(blinding_id)
    finding = blinding.findings.get(pk=finding_id)
    if finding.settled_as:
        return
    _require_not_signed_off(blinding)
    finding.settled_as = how.strip()[:300]
    finding.save(update_fields=["settled_as"])
    audit.record(
        actor=by,
        action="settled uncovered identifier",
        subject=blinding,
        detail={"finding": str(finding.pk), "how": finding.settled_as},
    )


def _wait_again(blinding: Blinding) -> None:
    copies.give_up(blinding)
    blinding.state = BlindingState.WAITING
    blinding.problem = ""
    blinding.checked_by = blinding.checked_at = None
    blinding.cleaned_at = None
    blinding.save(
        update_fields=[
            "state",
            "problem",
            "sent_back_because",
            "also_cover",
            "checked_by",
            "checked_at",
            "cleaned_at",
        ]
    )
    reconcile.ring("blinding.clean")


def _words_to_cover(given: Sequence[str]) -> list[str]:
    words = [word for line in given if (word := " ".join(line.split()))]
    short = [word for word in words if len(word) < SHORTEST_WORD_TO_COVER]
    if short:
        raise BadInput(
            f"“{short[0]}” is too short to search for: it would cover parts of other words. "
            f"Give at least {SHORTEST_WORD_TO_COVER} letters, or record where it stands instead."
        )
    if any(len(word) > 100 for word in words):
        raise BadInput("Give the words to cover one in a line, each of at most 100 letters.")
    return words


def _mint(blinding: Blinding, now: datetime) -> str:
    template = blinding.entry.template
    rubric = scoring.rubric(template.framework.rubric_id)
    files = blinding.files.select_related("evidence__slot").order_by("ordinal")
    return scoring.mint_packet(
        code=ids.code(8),
        rubric_entry_id=rubric.entry(template.key).id,
        rule_set_id=template.framework.rule_set_id,
        files=[_spec(file) for file in files],
        now=now,
    )


def _spec(file: CleanedFile) -> scoring.PacketFileSpec:
    return scoring.PacketFileSpec(
        ordinal=file.ordinal,
        slot_title=file.evidence.slot.title,
        label=file.label,
        kind=file.kind,
        storage_key=file.storage_key,
        content_type=file.content_type,
        size=file.size,
        sha256=file.sha256,
        page_number=file.page_number,
        width=file.width,
        height=file.height,
        seconds=file.seconds,
        text=file.text,
    )


def _of_record(blinding: Blinding) -> dict[str, str]:
    """What exactly was looked at, for the audit trail."""
    return {"copies": copies_digest(blinding)}


def _require_staff(by: User) -> None:
    if not by.is_staff:
        raise NotAllowed("Only the programme office checks blindings.")


def _require_not_signed_off(blinding: Blinding) -> None:
    if blinding.state == BlindingState.SIGNED_OFF:
        raise NotAllowed(
            "This blinding is signed off and its packet is with the scorers. Tell the lead scorer."
        )


def _require_same_copies(blinding: Blinding, seen: str | None) -> None:
    if seen is not None and seen != copies_digest(blinding):
        raise NotAllowed(
            "The copies were made anew while you looked. Reload the page and look at the new ones."
        )


def _require_settled(blinding: Blinding) -> None:
    open_findings = blinding.findings.filter(recorded_by__isnull=False, settled_as="")
    details = [f"{finding.where}: {finding.excerpt}" for finding in open_findings]
    if details:
        raise Incomplete("Something that names the candidate is not covered and needs manual work.", details)
