"""Real videos of any size, made in seconds: one encoded picture after another, over and over."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from random import Random

import av

_WIDTH, _HEIGHT, _RATE, _PICTURES = 1280, 720, 25, 25


def make_video(path: Path, *, size: int) -> Path:
    """An MP4 of about `size` bytes that plays from beginning to end and has its index in front of nothing.

    Its pictures are noise, each whole in itself, so that any of them may follow any other.
    """
    packets = _noise()
    per_round = sum(len(packet) for packet in packets)
    with av.open(str(path), "w", format="mp4") as container:
        stream = container.add_stream("mpeg4", rate=_RATE)
        stream.width, stream.height, stream.pix_fmt = _WIDTH, _HEIGHT, "yuv420p"
        stream.codec_context.time_base = Fraction(1, _RATE)
        stream.codec_context.open()
        instant = 0
        for _ in range(max(1, size // per_round)):
            for data in packets:
                packet = av.Packet(data)
                packet.stream, packet.time_base = stream, Fraction(1, _RATE)
                packet.pts = packet.dts = instant
                packet.duration, packet.is_keyframe = 1, True
                container.mux(packet)
                instant += 1
    return path


def _noise() -> list[bytes]:
    """A second of pictures, encoded each by itself."""
    random, encoded = Random(0), []
    encoder = av.CodecContext.create("mpeg4", "w")
    encoder.width, encoder.height, encoder.pix_fmt = _WIDTH, _HEIGHT, "yuv420p"
    encoder.time_base, encoder.gop_size, encoder.bit_rate = Fraction(1, _RATE), 1, 200_000_000
    for _ in range(_PICTURES):
        picture = av.VideoFrame(_WIDTH, _HEIGHT, "yuv420p")
        for plane in picture.planes:
            plane.update(random.randbytes(plane.buffer_size))
        encoded += [bytes(packet) for packet in encoder.encode(picture)]
    return encoded + [bytes(packet) for packet in encoder.encode(None)]
