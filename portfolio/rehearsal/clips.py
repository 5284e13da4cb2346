"""What a short clip says about a device's camera.  The clip is looked at as evidence is, and not kept."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import av

from certification.kernel.errors import BadInput

from ..uploads.inspect import VIDEO, inspect, opened_video, picture_stream
from .states import Treatment

_MOST_SECONDS = 3600
_PLAYS_EVERYWHERE = {"yuv420p", "yuvj420p"}


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip that evidence could be made of."""

    format: str
    codec: str
    bytes: int
    seconds: Decimal
    width: int
    height: int
    has_sound: bool
    treatment: Treatment


def look_at(path: Path, name: str) -> Clip:
    """What the file at `path` is.

    Raises:
        BadInput: no video, or one that could not be taken as evidence; the message says why.
    """
    found = inspect(path, name)
    if found.kind != VIDEO:
        raise BadInput(f"The file is a {found.format.upper()} document. Choose a short video instead.")
    if found.seconds is not None and found.seconds > _MOST_SECONDS:
        raise BadInput("The clip is longer than an hour. Ten seconds are enough for a rehearsal.")
    codec, treatment = _picture(path, found.format)
    return Clip(
        format=found.format,
        codec=codec,
        bytes=found.size,
        seconds=found.seconds or Decimal("0.001"),
        width=found.width or 0,
        height=found.height or 0,
        has_sound=found.has_audio,
        treatment=treatment,
    )


def _picture(path: Path, format_: str) -> tuple[str, Treatment]:
    try:
        with opened_video(path, format_) as container:
            stream = picture_stream(container)
            if stream is None or stream.codec_context is None:
                raise BadInput("The clip has no picture that could be played. Film another one.")
            context = stream.codec_context
            plain = context.name == "h264" and context.pix_fmt in _PLAYS_EVERYWHERE
            return context.codec.canonical_name, Treatment.KEPT if plain else Treatment.CONVERTED
    except (av.FFmpegError, ValueError):
        raise BadInput("The clip broke off while it was looked at. Film another one and try that.") from None
