"""What a clip is, found out in the bounded process: it opens a stranger's file, and needs no settings."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import av

from certification.kernel.errors import BadInput

from ..blinding.cleaning.video import is_copied
from ..uploads.formats import VIDEO_FORMATS
from ..uploads.inspect import VIDEO, inspect, opened_video, picture_stream

_MOST_SECONDS = 3600


@dataclass(frozen=True, slots=True)
class Clip:
    """A clip that evidence could be made of; `is_copied` if its pictures would be kept as they are."""

    format: str
    codec: str
    bytes: int
    seconds: Decimal
    width: int
    height: int
    has_sound: bool
    is_copied: bool


def look_at(path: Path, name: str) -> Clip:
    """What the file at `path` is.

    Raises:
        BadInput: no video, or one that could not be taken as evidence; the message says why.
    """
    found = inspect(path, name, VIDEO_FORMATS)
    if found.kind != VIDEO or found.seconds is None or found.width is None or found.height is None:
        raise BadInput(f"The file is a {found.format.upper()} document. Choose a short video instead.")
    if found.seconds > _MOST_SECONDS:
        raise BadInput("The clip is longer than an hour. Ten seconds are enough for a rehearsal.")
    try:
        return Clip(
            format=found.format,
            codec=_codec(path, found.format),
            bytes=found.size,
            seconds=found.seconds,
            width=found.width,
            height=found.height,
            has_sound=found.has_audio,
            is_copied=is_copied(path, found),
        )
    except (av.FFmpegError, ValueError):
        raise BadInput("The clip broke off while it was looked at. Film another one and try that.") from None


def _codec(path: Path, format_: str) -> str:
    with opened_video(path, format_) as container:
        stream = picture_stream(container)
        if stream is None or stream.codec_context is None:
            raise ValueError("no picture")
        return str(stream.codec_context.codec.canonical_name)
