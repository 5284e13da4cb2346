"""What a video is: its length, its size, whether it has sound, and why it may be refused.

The demuxer is told which format to read, so a playlist or a script dressed as a video cannot make it
open another file or an address.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import IO

import av
from av.container import InputContainer
from av.video.codeccontext import VideoCodecContext
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from certification.kernel.errors import BadInput

from .formats import DEMUXERS, FAMILIES, KINDS, MAX_VIDEO_SECONDS, VIDEO
from .limits import clock_face

MAX_FRAME_PIXELS = 8192 * 4320
# A file may have a few tracks of sound, captions and data; each costs the reader memory.
MAX_STREAMS = 64

ISO_BOXES = frozenset(b"ftyp moov mdat moof free skip wide sidx styp pnot uuid meta mfra".split())
_PACKETS = (188, 192)
_ASF_FILE_PROPERTIES = bytes.fromhex("a1dcab8c47a9cf118ee400c00c205365")
_ASF_PROTECTED = (
    bytes.fromhex("fbb3112223bdd211b4b700a0c955fc6e"),
    bytes.fromhex("14e68a292226174cb935dae07ee9289c"),
)
_EBML, _SEGMENT = 0x1A45DFA3, 0x18538067
_HEAD_BYTES = 64 * 1024


@contextmanager
def opened_video(path: Path, format_: str) -> Iterator[InputContainer]:
    """The video at `path`, read as the format it was found to be and as nothing else.

    Raises:
        BadInput: the format is a document's.
    """
    if KINDS[format_] != VIDEO:
        raise BadInput(f"The file is a {format_.upper()} document, not a video. Upload the video itself.")
    demuxer = DEMUXERS[FAMILIES[format_]]
    if demuxer == "mpeg" and transport_packet(_head(path)):
        demuxer = "mpegts"
    container = av.open(
        str(path),
        format=demuxer,
        # Opening decodes a first frame already, and a small file can hold one that fills the memory.
        options={
            "protocol_whitelist": "file",
            "max_pixels": str(MAX_FRAME_PIXELS),
            "max_streams": str(MAX_STREAMS),
        },
        metadata_errors="replace",
    )
    try:
        # Nor may a later frame be larger than the first.
        for stream in container.streams.video:
            if stream.codec_context is not None:
                stream.codec_context.options = {"max_pixels": str(MAX_FRAME_PIXELS)}
        yield container
    finally:
        container.close()


def picture_stream(container: InputContainer) -> VideoStream | None:
    """The first moving picture; cover art is a picture stream too, and is none."""
    real = (
        stream
        for stream in container.streams.video
        if not stream.disposition & stream.disposition.attached_pic
    )
    return next(real, None)


def shown_size(frame: VideoFrame) -> tuple[int, int]:
    """Width and height as a player shows them, a phone held upright included."""
    return (frame.height, frame.width) if frame.rotation % 180 else (frame.width, frame.height)


def transport_packet(head: bytes) -> int:
    """The length of a packet when these are an MPEG transport stream's first bytes, else 0."""
    for length in _PACKETS:
        first = length - _PACKETS[0]  # a camcorder writes the time before each packet
        marks = head[first : first + 5 * length : length]
        if len(marks) == 5 and set(marks) == {0x47}:
            return length
    return 0


def facts(path: Path, name: str, format_: str) -> dict[str, object]:
    """The video's seconds (to the millisecond), size, and whether it has sound.

    Raises:
        BadInput: broken, cut short, protected, without picture, too large, or too long for any slot.
    """
    broken = BadInput(
        f"{name} is a broken video: it cannot be played. Export it again, play it once, and upload that file."
    )
    cut_short = BadInput(
        f"{name} is cut short: its end is missing. "
        "Copy it again from the camera, play it to the end, and upload that."
    )
    if not _is_whole(path, FAMILIES[format_]):
        raise cut_short
    if FAMILIES[format_] == "asf" and any(mark in _head(path) for mark in _ASF_PROTECTED):
        raise BadInput(
            f"{name} is protected against copying, so nobody could score it. "
            "Export it as MP4 (H.264) without protection and upload that."
        )
    try:
        with opened_video(path, format_) as container:
            stream = picture_stream(container)
            if not container.streams:
                raise broken
            if stream is None:
                raise BadInput(f"{name} has no picture, only sound or data. Upload the video itself.")
            if stream.codec_context is None:
                raise BadInput(
                    f"{name} holds a picture no browser can play. Export it as MP4 (H.264) and upload that."
                )
            _require_frame_size(stream.codec_context, name)
            frame = next(container.decode(stream), None)
            if frame is None:
                raise broken
            _require_frame_size(frame, name)
            width, height = shown_size(frame)
            declared = Decimal(container.duration or 0) / av.time_base
            last = _last_instant(container, stream)
            has_audio = bool(container.streams.audio)
    except (av.FFmpegError, ValueError, EOFError, OverflowError):
        raise broken from None
    if last <= 0 or last < declared * Decimal("0.9") - 5:
        raise cut_short
    seconds = max(declared, last).quantize(Decimal("0.001"))
    if seconds > MAX_VIDEO_SECONDS:
        raise BadInput(
            f"{name} says it is {clock_face(seconds)} long, and no slot takes a day. "
            "Export it again and check its length before you upload it."
        )
    return {"seconds": seconds, "has_audio": has_audio, "width": width, "height": height}


def _require_frame_size(picture: VideoFrame | VideoCodecContext, name: str) -> None:
    if picture.width * picture.height > MAX_FRAME_PIXELS:
        raise BadInput(f"{name} is {picture.width} x {picture.height} pixels: too large. Export it at 1080p.")


def _last_instant(container: InputContainer, stream: VideoStream) -> Decimal:
    """Seconds from the first to the end of the last picture that is really in the file."""
    if container.duration:
        container.seek(max(0, container.duration - av.time_base), backward=True, any_frame=False)
    else:
        container.seek(0)
    last = 0
    for packet in container.demux(stream):
        if packet.pts is not None:
            last = max(last, packet.pts + (packet.duration or 0))
    base = stream.time_base or 0
    return (
        Decimal((last - (stream.start_time or 0)) * base.numerator) / base.denominator if base else Decimal(0)
    )


def _is_whole(path: Path, family: str) -> bool:
    """Whether the file is as long as it says at its beginning; some families do not say."""
    size = path.stat().st_size
    with path.open("rb") as stream:
        if family == "iso":
            return _boxes_complete(stream, size)
        if family == "ebml":
            return _segment_complete(stream, size)
        if family == "avi":
            head = stream.read(12)
            return len(head) == 12 and struct.unpack("<I", head[4:8])[0] + 8 <= size + 1
        if family == "asf":
            return _asf_complete(stream.read(_HEAD_BYTES), size)
    return True


def _boxes_complete(stream: IO[bytes], end: int) -> bool:
    """Whether the index is present and no top-level box of an ISO file runs past its end."""
    at, has_index = 0, False
    while at + 8 <= end:
        stream.seek(at)
        length, kind = struct.unpack(">I4s", stream.read(8))
        if kind not in ISO_BOXES:
            break
        has_index |= kind == b"moov"
        if length == 1:
            wide = stream.read(8)
            length = struct.unpack(">Q", wide)[0] if len(wide) == 8 else 0
        elif length == 0:
            length = end - at
        if length < 8 or at + length > end:
            return False
        at += length
    return has_index


def _segment_complete(stream: IO[bytes], end: int) -> bool:
    """Whether a Matroska file's segment, when it says how long it is, ends within the file."""
    at = 0
    while at < end:
        stream.seek(at)
        head = stream.read(12)
        identity, at_length = _vint(head, keep_mark=True)
        length, after = _vint(head[at_length:], keep_mark=False)
        if identity not in {_EBML, _SEGMENT} or after == 0:
            return True  # what it is instead, its reader finds out
        if identity == _SEGMENT:
            unknown = length == (1 << (7 * after)) - 1  # a recorder in a browser never comes back to say
            return unknown or at + at_length + after + length <= end
        at += at_length + after + length
    return True


def _vint(head: bytes, *, keep_mark: bool) -> tuple[int, int]:
    """A number whose first byte says how many there are, and that count; 0 when it is none."""
    if not head or not head[0]:
        return 0, 0
    count = 9 - head[0].bit_length()
    number = int.from_bytes(head[:count], "big")
    return (number if keep_mark else number & ((1 << (7 * count)) - 1)), count


def _asf_complete(head: bytes, size: int) -> bool:
    at = head.find(_ASF_FILE_PROPERTIES)
    if at < 0 or len(head) < at + 92:
        return True
    declared = struct.unpack_from("<Q", head, at + 40)[0]
    is_broadcast = head[at + 88] & 1
    return bool(is_broadcast) or declared <= size


def _head(path: Path) -> bytes:
    with path.open("rb") as stream:
        return stream.read(_HEAD_BYTES)
