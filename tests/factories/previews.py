"""Evidence in every state of its preparation, as the worker leaves it, without its work."""

from __future__ import annotations

import io
from datetime import datetime
from pathlib import Path

from PIL import Image, ImageDraw

from portfolio.models import Evidence, Preparation, Rendition, Sighting
from portfolio.renditions.models import RenditionKind
from portfolio.states import PreparationState
from tests.factories import viewing

TRANSCRIPT = "Good morning. What did you notice in the lesson?\n\nThey asked each other more than me."
_VTT = b"WEBVTT\n\n00:00:00.000 --> 00:00:01.000\nGood morning.\n"


def ready_document(evidence: Evidence, now: datetime, *, pages: int = 2) -> Preparation:
    """With its page images, their text and the clean PDF."""
    _begin(evidence, now)
    for number in range(1, pages + 1):
        made = viewing.a_rendition(
            evidence, now, kind=RenditionKind.PAGE, body=_picture(f"Page {number}", (340, 440))
        )
        made.page_number, made.text = number, f"The words of page {number}, by [removed]."
        made.save()
    viewing.a_rendition(evidence, now, kind=RenditionKind.DOCUMENT, content_type="application/pdf")
    return _end(evidence, PreparationState.READY, now)


def ready_video(evidence: Evidence, now: datetime, *, file: Path, captions: bool = True) -> Preparation:
    """With its poster and, if wanted, captions; `file` is what plays."""
    _begin(evidence, now)
    viewing.a_rendition(
        evidence, now, kind=RenditionKind.VIDEO, content_type="video/mp4", body=file.read_bytes()
    )
    viewing.a_rendition(evidence, now, kind=RenditionKind.POSTER, body=_picture("Lesson", (320, 180)))
    if captions:
        made = viewing.a_rendition(
            evidence, now, kind=RenditionKind.CAPTIONS, content_type="text/vtt", body=_VTT
        )
        Rendition.objects.filter(pk=made.pk).update(text=TRANSCRIPT)
    return _end(evidence, PreparationState.READY, now)


def checking(
    evidence: Evidence, now: datetime, *, step: str = "Drawing page 3 of 12", percent: int = 40
) -> None:
    """A worker has it in hand."""
    preparation = Preparation.objects.get(evidence=evidence)
    preparation.step, preparation.percent = step, percent
    preparation.save()
    viewing.move(preparation, PreparationState.CHECKING, now=now)


def rejected(evidence: Evidence, now: datetime, *, problem: str = "It is encrypted.") -> None:
    """It cannot be used."""
    _end(evidence, PreparationState.REJECTED, now, problem=problem)


def unscannable(evidence: Evidence, now: datetime) -> None:
    """The scanner skipped it."""
    _end(evidence, PreparationState.UNSCANNABLE, now)


def seen(
    preparation: Preparation,
    where: str,
    kind: str,
    excerpt: str = "",
    *,
    page: int | None = None,
    covered: bool = True,
) -> Sighting:
    """An identifier that was met in the evidence."""
    return Sighting.objects.create(
        preparation=preparation, where=where, page_number=page, kind=kind, excerpt=excerpt, covered=covered
    )


def _begin(evidence: Evidence, now: datetime) -> Preparation:
    preparation = Preparation.objects.get(evidence=evidence)
    if preparation.state == PreparationState.RECEIVED:
        viewing.move(preparation, PreparationState.CHECKING, now=now)
    return preparation


def _end(evidence: Evidence, state: PreparationState, now: datetime, *, problem: str = "") -> Preparation:
    preparation = _begin(evidence, now)
    viewing.move(preparation, state, now=now, problem=problem)
    return preparation


def _picture(words: str, size: tuple[int, int]) -> bytes:
    """Something to look at: words over lines, one of them covered."""
    image = Image.new("RGB", size, "white")
    draw = ImageDraw.Draw(image)
    draw.text((size[0] // 10, size[1] // 10), words, fill="black")
    for line in range(size[1] // 5, size[1] - 20, 14):
        draw.line((size[0] // 10, line, size[0] * 9 // 10, line), fill="#888888")
    draw.rectangle((size[0] // 3, size[1] // 3, size[0] // 2, size[1] // 3 + 12), fill="black")
    out = io.BytesIO()
    image.save(out, "JPEG")
    return out.getvalue()
