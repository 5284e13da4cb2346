"""Encode pictures and sound anew, so that any browser plays them: H.264 and AAC, upright, square, in step.

A feed takes a stream's packets one by one, and None at the end, and gives what goes into the new file.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from typing import Any

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.bitstream import BitStreamFilterContext
from av.container import OutputContainer
from av.filter import Graph
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

MAX_WIDTH, MAX_HEIGHT = 1280, 720
SOUND_RATE = 48_000
# Slices, parameter sets and delimiters; no SEI (6), filler (12) or unspecified (24-31) units.
PICTURE_UNITS = "filter_units=pass_types=1-5|7-9"
# Of a picture that fills half the lines at a time, both halves are made whole; others pass as they are.
_WHOLE_PICTURES = ("yadif", "mode=send_frame:parity=auto:deint=interlaced")
_TURNS = {
    90: (("transpose", "cclock"),),
    -90: (("transpose", "clock"),),
    180: (("hflip", ""), ("vflip", "")),
    -180: (("hflip", ""), ("vflip", "")),
}

Feed = Callable[[av.Packet | None], Iterable[av.Packet]]


def pictures(stream: VideoStream, target: OutputContainer, *, size: tuple[int, int], halves: bool) -> Feed:
    """A feed that encodes the stream's pictures.

    Args:
        size: width and height as a player shows them.
        halves: whether the pictures are interlaced.
    """
    encoder = target.add_stream("libx264", rate=stream.average_rate or 30)
    # Known from the start: sound may make the container begin before the first picture comes.
    encoder.width, encoder.height = fitted(*size)
    encoder.pix_fmt = "yuv420p"
    encoder.options = {"preset": "veryfast", "crf": "23", "threads": "2"}
    encoder.codec_context.time_base = stream.time_base or Fraction(1, 1000)
    units = BitStreamFilterContext(PICTURE_UNITS, "h264")
    drawn = _Drawn(encoder.width, encoder.height, halves=halves)
    last: Fraction | None = None

    def feed(packet: av.Packet | None) -> Iterator[av.Packet]:
        nonlocal last
        for frame in drawn.of(_decoded_pictures(stream, packet), ending=packet is None):
            if frame.pts is None or frame.time_base is None:
                continue
            instant = Fraction(frame.pts * frame.time_base)
            if last is not None and instant <= last:
                continue
            last = instant
            frame.pict_type = 0
            yield from passed(encoder.encode(frame))
        if packet is None:
            yield from passed(encoder.encode(None))

    def passed(packets: Iterable[av.Packet]) -> Iterator[av.Packet]:
        for encoded in packets:
            for ready in units.filter(encoded):
                ready.stream = encoder
                yield ready

    return feed


def sound(stream: AudioStream, target: OutputContainer) -> Feed:
    """A feed that encodes the stream's sound; silence fills what is missing, so that lips stay in step."""
    layout = "mono" if stream.channels == 1 else "stereo"
    encoder = target.add_stream("aac", rate=SOUND_RATE, layout=layout, options={"flags": "+bitexact"})
    heard = _Heard(layout)

    def feed(packet: av.Packet | None) -> Iterator[av.Packet]:
        for frame in heard.of(_decoded_sound(stream, packet), ending=packet is None):
            yield from encoder.encode(frame)
        if packet is None:
            yield from encoder.encode(None)

    return feed


def fitted(width: int, height: int) -> tuple[int, int]:
    """The size within 1280 x 720 (either way up) of the same shape, in even numbers as H.264 needs."""
    wide, high = (MAX_WIDTH, MAX_HEIGHT) if width >= height else (MAX_HEIGHT, MAX_WIDTH)
    scale = min(Fraction(1), Fraction(wide, width), Fraction(high, height))
    return max(2, int(width * scale) // 2 * 2), max(2, int(height * scale) // 2 * 2)


class _Drawn:
    """Frames as they come, made whole, turned upright, and brought to the size wanted.

    A file may change its pictures' size on the way; the filters are then laid anew.
    """

    def __init__(self, width: int, height: int, *, halves: bool) -> None:
        self._size = f"{width}:{height}"
        self._halves = halves
        self._graph: Graph | None = None
        self._laid_for: tuple[object, ...] = ()

    def of(self, frames: Iterable[VideoFrame], *, ending: bool) -> Iterator[VideoFrame]:
        for frame in frames:
            shape = (frame.width, frame.height, frame.format.name, frame.rotation)
            if self._graph is None or shape != self._laid_for:
                yield from _rest(self._graph)
                self._graph, self._laid_for = self._laid(frame), shape
            self._graph.push(frame)
            yield from _pulled(self._graph)
        if ending:
            yield from _rest(self._graph)

    def _laid(self, frame: VideoFrame) -> Graph:
        graph = Graph()
        graph.threads = 1
        steps = [_WHOLE_PICTURES] if self._halves else []
        steps += _TURNS.get(frame.rotation, ())
        steps += [("scale", f"{self._size}:flags=bicubic"), ("setsar", "1"), ("format", "yuv420p")]
        begin = graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base
        )
        nodes = [begin, *(graph.add(name, options or None) for name, options in steps)]
        graph.link_nodes(*nodes, graph.add("buffersink")).configure()
        return graph


class _Heard:
    """Sound as it comes, at one rate and in one layout, without gaps from the beginning on."""

    def __init__(self, layout: str) -> None:
        self._layout = layout
        self._graph: Graph | None = None
        self._laid_for: tuple[object, ...] = ()
        self._begins = True

    def of(self, frames: Iterable[AudioFrame], *, ending: bool) -> Iterator[AudioFrame]:
        for frame in frames:
            shape = (frame.sample_rate, frame.format.name, frame.layout.name)
            if self._graph is None or shape != self._laid_for:
                yield from _rest(self._graph)
                self._graph, self._laid_for = self._laid(frame), shape
            self._graph.push(frame)
            yield from _pulled(self._graph)
        if ending:
            yield from _rest(self._graph)

    def _laid(self, frame: AudioFrame) -> Graph:
        graph = Graph()
        graph.threads = 1
        from_the_start = ":first_pts=0" if self._begins else ""
        self._begins = False
        nodes = [
            graph.add_abuffer(
                sample_rate=frame.sample_rate,
                format=frame.format,
                layout=frame.layout,
                time_base=frame.time_base or Fraction(1, frame.sample_rate),
            ),
            graph.add("aresample", f"{SOUND_RATE}:async=1{from_the_start}"),
            graph.add(
                "aformat",
                f"sample_fmts=fltp:sample_rates={SOUND_RATE}:channel_layouts={self._layout}",
            ),
            graph.add("abuffersink"),
        ]
        graph.link_nodes(*nodes).configure()
        return graph


def _rest(graph: Graph | None) -> Iterator[Any]:
    if graph is not None:
        graph.push(None)
        yield from _pulled(graph)


def _pulled(graph: Graph) -> Iterator[Any]:
    while True:
        try:
            yield graph.pull()
        except (av.BlockingIOError, av.EOFError):
            return


def _decoded_pictures(stream: VideoStream, packet: av.Packet | None) -> list[VideoFrame]:
    """The frames of a packet; a damaged packet in the middle costs its frames and not the video."""
    try:
        return stream.codec_context.decode(packet)
    except av.InvalidDataError:
        return []


def _decoded_sound(stream: AudioStream, packet: av.Packet | None) -> list[AudioFrame]:
    try:
        return stream.codec_context.decode(packet)
    except av.InvalidDataError:
        return []
