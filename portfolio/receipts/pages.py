"""What a receipt shows, on the page and in the PDF: taken from the stored receipt alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from django.conf import settings

from certification.kernel.windows import spoken

from ..consent.rules import named
from ..models import Receipt

_USES = (("for_scoring", "scoring"), ("for_training", "training"), ("for_research", "research"))


@dataclass(frozen=True, slots=True)
class FileRow:
    """One file as handed in; `measure` is its pages or minutes, `received` when it was there.

    `received` is in UTC, for print.
    """

    slot: str
    name: str
    size: int
    sha256: str
    measure: str
    received: str
    received_at: datetime | None


@dataclass(frozen=True, slots=True)
class SeenRow:
    """Somebody in a video, as it was recorded; of a video in which nobody can be recognised, that.

    `video` names the video's slot too, because two videos may have the same name.
    """

    video: str
    who: str
    form: str
    terms: str


@dataclass(frozen=True, slots=True)
class AffirmedRow:
    """A text that was affirmed: its title, version, fingerprint and instant (`affirmed` for print)."""

    title: str
    version: int
    sha256: str
    affirmed: str
    affirmed_at: datetime | None


@dataclass(frozen=True, slots=True)
class ReceiptPage:
    """A receipt for people.  `in_programme` and `in_utc` are the one instant in two zones."""

    receipt: Receipt
    number: str
    entry: str
    year: int
    candidate: str
    candidacy: str
    by_wish: bool
    submitted_at: datetime
    in_programme: str
    in_utc: str
    digest: str
    files: tuple[FileRow, ...]
    seen: tuple[SeenRow, ...]
    affirmed: tuple[AffirmedRow, ...]


def receipt_page(receipt: Receipt) -> ReceiptPage:
    """The receipt in words and digits; an old one that does not say what it is of asks the entry."""
    about = receipt.about
    return ReceiptPage(
        receipt=receipt,
        number=receipt.number,
        entry=about.get("entry") or receipt.entry.template.title,
        year=about.get("year") or receipt.entry.year,
        candidate=about.get("candidate", ""),
        candidacy=about.get("candidacy", ""),
        by_wish=receipt.by_wish,
        submitted_at=receipt.submitted_at,
        in_programme=spoken(receipt.submitted_at, settings.PROGRAMME_ZONE),
        in_utc=f"{receipt.submitted_at.astimezone(UTC):%Y-%m-%d %H:%M:%S.%f} UTC",
        digest=receipt.digest,
        files=tuple(_file(piece) for piece in receipt.manifest),
        seen=tuple(row for video in receipt.consent for row in _seen(video)),
        affirmed=tuple(_affirmed(row) for row in receipt.affirmations),
    )


def _file(piece: dict[str, Any]) -> FileRow:
    return FileRow(
        slot=piece["slot"],
        name=piece["name"],
        size=piece["size"],
        sha256=piece["sha256"],
        measure=_measure(piece),
        received=_utc(piece.get("received_at", "")),
        received_at=_instant(piece.get("received_at", "")),
    )


def _measure(piece: dict[str, Any]) -> str:
    if piece["seconds"] is not None:
        minutes, seconds = divmod(int(float(piece["seconds"])), 60)
        return f"{minutes}:{seconds:02d} minutes"
    if piece["pages"] is not None:
        return f"{piece['pages']} page{'' if piece['pages'] == 1 else 's'}"
    return ""


def _seen(video: dict[str, Any]) -> list[SeenRow]:
    name = named(video["name"], video.get("slot", ""))
    if video["nobody_seen"]:
        return [SeenRow(name, "Nobody can be recognised", "", "")]
    return [
        SeenRow(
            name,
            f"{person['who']}{' (minors)' if person['minors'] else ''}",
            person["form"],
            _terms(person),
        )
        for person in video["people"]
    ]


def _terms(person: dict[str, Any]) -> str:
    uses = ", ".join(word for key, word in _USES if person[key])
    until = person["until_on"]
    return f"{uses or 'nothing'}; {f'until {_day(until)}' if until else 'no end'}"


def _affirmed(row: dict[str, Any]) -> AffirmedRow:
    at = row["affirmed_at"]
    return AffirmedRow(row["title"], row["version"], row["sha256"], _utc(at), _instant(at))


def _day(text: str) -> str:
    day = date.fromisoformat(text)
    return f"{day.day} {day:%B %Y}"


def _instant(text: str) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _utc(text: str) -> str:
    """`2027-05-01T05:00:00.000000Z` as `2027-05-01 05:00:00 UTC`."""
    return f"{text[:10]} {text[11:19]} UTC" if text else ""
