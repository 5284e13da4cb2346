"""Small videos in many containers and codecs, made by the library that reads them and cut up by hand."""

from __future__ import annotations

import functools
import struct
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame
from PIL import Image


@dataclass(frozen=True)
class Film:
    """What is filmed.  `ticks` are the instants of its pictures, in frames; None is one after the other."""

    container: str = "mp4"
    picture: str | None = "libx264"
    sound: str | None = None
    width: int = 160
    height: int = 120
    frames: int = 20
    rate: int = 10
    format: str = "yuv420p"
    ticks: tuple[int, ...] | None = None
    options: tuple[tuple[str, str], ...] = ()
    tags: tuple[tuple[str, str], ...] = ()


@functools.cache
def film(of: Film = Film()) -> bytes:
    """The bytes of a film."""
    with written() as path, av.open(path, "w", format=of.container, options=dict(of.options)) as target:
        target.metadata.update(dict(of.tags))
        picture = _picture_of(target, of) if of.picture else None
        sound = _sound_of(target, of) if of.sound else None
        if picture:
            for number, tick in enumerate(of.ticks or range(of.frames)):
                target.mux(picture.encode(_frame(of, number, tick)))
        if sound:
            for chunk in _tone(sound, of.frames / of.rate):
                target.mux(sound.encode(chunk))
        for stream in (picture, sound):
            if stream:
                target.mux(stream.encode(None))
        target.close()
        return Path(path).read_bytes()


@contextmanager
def written() -> Iterator[str]:
    """A path to write to: some muxers open what they wrote a second time."""
    with tempfile.TemporaryDirectory() as folder:
        yield f"{folder}/film"


def _picture_of(target: Any, of: Film) -> Any:
    stream = target.add_stream(of.picture, rate=of.rate)
    stream.width, stream.height, stream.pix_fmt = of.width, of.height, of.format
    stream.codec_context.time_base = Fraction(1, of.rate)
    if of.picture == "libx264":
        stream.options = {"preset": "ultrafast", "threads": "1"}
    return stream


def _sound_of(target: Any, of: Film) -> Any:
    rate = 48_000 if of.sound == "libopus" else 44_100
    stream = target.add_stream(of.sound, rate=rate, layout="stereo")
    stream.bit_rate = 128_000
    return stream


def _frame(of: Film, number: int, tick: int) -> VideoFrame:
    shade = number * 7 % 255
    frame = VideoFrame.from_image(Image.new("RGB", (of.width, of.height), (shade, 90, 255 - shade)))
    frame = frame.reformat(format=of.format)
    frame.pts, frame.time_base = tick, Fraction(1, of.rate)
    return frame


def _tone(stream: Any, seconds: float) -> Iterable[AudioFrame]:
    context = stream.codec_context
    samples = context.frame_size or 1024
    for number in range(int(seconds * context.sample_rate / samples)):
        frame = AudioFrame(format=context.format.name, layout=context.layout.name, samples=samples)
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        frame.sample_rate, frame.pts = context.sample_rate, number * samples
        frame.time_base = Fraction(1, context.sample_rate)
        yield frame


def box(kind: bytes, *content: bytes) -> bytes:
    """A box of an ISO file (MP4, MOV)."""
    body = b"".join(content)
    return struct.pack(">I4s", len(body) + 8, kind) + body


def element(identity: str, content: bytes) -> bytes:
    """An element of a Matroska file, its length in eight bytes."""
    return bytes.fromhex(identity) + (len(content) | 1 << 56).to_bytes(8, "big") + content


def with_element(matroska: bytes, *elements: bytes) -> bytes:
    """A Matroska file with elements at the end of its segment."""
    at = matroska.index(bytes.fromhex("18538067")) + 4
    width = 9 - matroska[at].bit_length()
    added = b"".join(elements)
    length = int.from_bytes(matroska[at : at + width], "big") & ((1 << 7 * width) - 1)
    longer = (length + len(added)) | 1 << (7 * width)
    return matroska[:at] + longer.to_bytes(width, "big") + matroska[at + width :] + added


def patched(data: bytes, mark: bytes, offset: int, value: bytes, *, every: bool = False) -> bytes:
    """The file with `value` written `offset` bytes behind a mark."""
    out, at = bytearray(data), data.index(mark)
    while at >= 0:
        out[at + offset : at + offset + len(value)] = value
        at = data.find(mark, at + 1) if every else -1
    return bytes(out)
