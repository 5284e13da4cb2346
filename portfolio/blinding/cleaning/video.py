"""Copy a video into an MP4 that any browser plays and that says nothing about who made it.

Pictures in H.264 and sound in AAC are copied packet by packet; anything else is encoded anew.
Cameras also write into the H.264 stream itself, so of its units only those that carry the
picture are passed on.  Source: the programme's rules, section 7.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import av
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.bitstream import BitStreamFilterContext
from av.container import InputContainer, OutputContainer
from av.video.frame import VideoFrame
from av.video.stream import VideoStream

from certification.kernel.errors import BadInput
from portfolio.blinding.cleaning import staging
from portfolio.blinding.cleaning.results import CleanedVideo, Finding, dropped, excerpt, once
from portfolio.blinding.identifiers import Term, find
from portfolio.uploads.inspect import Inspection, inspect, opened_video, picture_stream, sniff

MAX_WIDTH, MAX_HEIGHT = 1280, 720
POSTER_WIDTH = 640
SOUND_RATE = 48_000
# Slices, parameter sets and delimiters; no SEI (6), filler (12) or unspecified (24-31) units.
PICTURE_UNITS = "filter_units=pass_types=1-5|7-9"
WITHOUT_TRACES = {"movflags": "+faststart", "fflags": "+bitexact"}
# Written by every encoder and the same for everybody.
_BOILERPLATE = frozenset(
    (
        "major_brand",
        "minor_version",
        "compatible_brands",
        "language",
        "vendor_id",
        "encoder",
        "duration",
        "handler_name",
    )
)
_FAILURES = (av.FFmpegError, ValueError, OSError, BadInput)

Feed = Callable[[av.Packet | None], Iterable[av.Packet]]


def clean_video(
    path: Path,
    out_path: Path,
    *,
    terms: Sequence[Term] = (),
    declared_name: str | None = None,
    may_copy: bool = True,
) -> CleanedVideo:
    """Write the cleaned copy of the video at `path` to `out_path`, whole or not at all.

    Copying is tried first, unless `may_copy` says otherwise; when the copy does not play through,
    everything is encoded anew.

    Raises:
        BadInput: no video, or one that cannot be decoded.
    """
    name = declared_name or path.name
    before = inspect(path, name)
    findings = video_traces(path, before.format, terms, name)
    with staging.file(out_path) as work:
        try:
            if not may_copy:
                raise ValueError("copying is not wanted")
            after = _written(path, work, before, may_copy=True)
        except _FAILURES:
            after = _encoded_or_refused(path, work, before)
    return CleanedVideo(
        path=out_path,
        sha256=after.sha256,
        size=after.size,
        seconds=after.seconds or Decimal(0),
        width=after.width or 0,
        height=after.height or 0,
        findings=findings,
    )


def video_traces(path: Path, format_: str, terms: Sequence[Term], name: str) -> tuple[Finding, ...]:
    """Findings beside picture and sound, in the file's name and the container's tags; all left out."""
    return tuple(once([*dropped("file name", name, terms), *_tags(path, format_, terms)]))


def poster(path: Path, out: Path) -> None:
    """Write a picture from the first tenth of the video as a JPEG without metadata.

    Raises:
        BadInput: no video, or one that cannot be decoded.
    """
    unreadable = BadInput(
        "No picture could be taken from the video. Export it as MP4 (H.264) and upload that."
    )
    try:
        with opened_video(path, sniff(path)) as container:
            stream = picture_stream(container)
            if stream is None:
                raise unreadable
            if container.duration:
                container.seek(min(container.duration // 10, 10 * av.time_base))
            frame = next(container.decode(stream), None)
            if frame is None:
                raise unreadable
            image = frame.to_image()
            upright = image.rotate(frame.rotation, expand=True) if frame.rotation else image
    except av.FFmpegError:
        raise unreadable from None
    upright.thumbnail((POSTER_WIDTH, POSTER_WIDTH))
    with staging.file(out) as work:
        upright.convert("RGB").save(work, "JPEG", quality=80)


def _encoded_or_refused(path: Path, work: Path, before: Inspection) -> Inspection:
    try:
        return _written(path, work, before, may_copy=False)
    except _FAILURES as error:
        raise BadInput(
            "The video cannot be played to its end. Export it as MP4 (H.264) and upload that."
        ) from error


def _written(path: Path, work: Path, before: Inspection, *, may_copy: bool) -> Inspection:
    with (
        opened_video(path, before.format) as source,
        av.open(str(work), "w", format="mp4", options=WITHOUT_TRACES) as target,
    ):
        _pump(source, target, before, may_copy=may_copy)
    after = inspect(work, "copy.mp4")
    wanted, got = before.seconds or Decimal(0), after.seconds or Decimal(0)
    if abs(got - wanted) > 1 + wanted / 50:
        raise ValueError("the copy is not as long as the original")
    return after


def _pump(source: InputContainer, target: OutputContainer, before: Inspection, *, may_copy: bool) -> None:
    picture = picture_stream(source)
    if picture is None:
        raise ValueError("no picture")
    feeds: dict[int, Feed] = {picture.index: _picture_feed(picture, target, before, may_copy=may_copy)}
    sound = next((stream for stream in source.streams.audio if stream.codec_context is not None), None)
    if sound is not None:
        feeds[sound.index] = _sound_feed(sound, target, may_copy=may_copy)
    for packet in source.demux([source.streams[index] for index in feeds]):
        if packet.size:
            for ready in feeds[packet.stream_index](packet):
                target.mux(ready)
    for feed in feeds.values():
        for ready in feed(None):
            target.mux(ready)


def _picture_feed(
    stream: VideoStream, target: OutputContainer, before: Inspection, *, may_copy: bool
) -> Feed:
    context = stream.codec_context
    if may_copy and context.name == "h264" and context.pix_fmt in {"yuv420p", "yuvj420p"}:
        copy = target.add_stream_from_template(stream)
        copy.metadata.clear()
        return _copying(copy, BitStreamFilterContext(PICTURE_UNITS, stream, copy))
    return _encoding_picture(stream, target, before)


def _sound_feed(stream: AudioStream, target: OutputContainer, *, may_copy: bool) -> Feed:
    if may_copy and stream.codec_context.name == "aac" and stream.codec_context.extradata:
        copy = target.add_stream_from_template(stream)
        copy.metadata.clear()
        return _copying(copy, None)
    return _encoding_sound(stream, target)


def _copying(copy: av.stream.Stream, units: BitStreamFilterContext | None) -> Feed:
    def feed(packet: av.Packet | None) -> Iterator[av.Packet]:
        passed = units.filter(packet) if units else [packet] if packet else []
        for ready in passed:
            if ready.dts is None:
                raise ValueError("a packet without a decoding time cannot be copied into an MP4")
            ready.stream = copy
            yield ready

    return feed


def _encoding_picture(stream: VideoStream, target: OutputContainer, before: Inspection) -> Feed:
    encoder = target.add_stream("libx264", rate=stream.average_rate or 30)
    # Known from the start: copied sound may make the container begin before the first picture comes.
    encoder.width, encoder.height = _fitted(before.width or 2, before.height or 2)
    encoder.pix_fmt = "yuv420p"
    encoder.options = {"preset": "veryfast", "crf": "23", "threads": "2"}
    encoder.codec_context.time_base = stream.time_base or Fraction(1, 1000)
    units = BitStreamFilterContext(PICTURE_UNITS, "h264")
    upright: list[av.filter.Graph | None] = []
    last_pts = -1

    def feed(packet: av.Packet | None) -> Iterator[av.Packet]:
        nonlocal last_pts
        for frame in _pictures(stream, packet):
            if not upright:
                upright.append(_turning(frame))
            turned = _turned(frame, upright[0])
            small = turned.reformat(width=encoder.width, height=encoder.height, format="yuv420p")
            if frame.pts is None or frame.pts <= last_pts:
                continue
            small.pts, small.time_base = frame.pts, frame.time_base or stream.time_base
            small.pict_type = 0
            last_pts = frame.pts
            yield from passed(encoder.encode(small))
        if packet is None:
            yield from passed(encoder.encode(None))

    def passed(packets: Iterable[av.Packet]) -> Iterator[av.Packet]:
        for encoded in packets:
            for ready in units.filter(encoded):
                ready.stream = encoder
                yield ready

    return feed


def _encoding_sound(stream: AudioStream, target: OutputContainer) -> Feed:
    layout = "mono" if stream.channels == 1 else "stereo"
    encoder = target.add_stream("aac", rate=SOUND_RATE, layout=layout, options={"flags": "+bitexact"})
    resampler = av.AudioResampler(format="fltp", layout=layout, rate=SOUND_RATE)

    def feed(packet: av.Packet | None) -> Iterator[av.Packet]:
        for frame in _sounds(stream, packet):
            for resampled in resampler.resample(frame):
                yield from encoder.encode(resampled)
        if packet is None:
            for rest in resampler.resample(None):
                yield from encoder.encode(rest)
            yield from encoder.encode(None)

    return feed


def _pictures(stream: VideoStream, packet: av.Packet | None) -> list[VideoFrame]:
    """The frames of a packet; a damaged packet in the middle costs its frames and not the video."""
    try:
        return stream.codec_context.decode(packet)
    except av.InvalidDataError:
        return []


def _sounds(stream: AudioStream, packet: av.Packet | None) -> list[AudioFrame]:
    try:
        return stream.codec_context.decode(packet)
    except av.InvalidDataError:
        return []


def _fitted(width: int, height: int) -> tuple[int, int]:
    """The size within 1280 x 720 (either way up) of the same shape, in even numbers as H.264 needs."""
    wide, high = (MAX_WIDTH, MAX_HEIGHT) if width >= height else (MAX_HEIGHT, MAX_WIDTH)
    scale = min(Fraction(1), Fraction(wide, width), Fraction(high, height))
    return max(2, int(width * scale) // 2 * 2), max(2, int(height * scale) // 2 * 2)


def _turning(frame: VideoFrame) -> av.filter.Graph | None:
    """A filter that does what the file asks the player to do with a picture filmed sideways."""
    steps = {
        90: ["transpose=cclock"],
        -90: ["transpose=clock"],
        180: ["hflip", "vflip"],
        -180: ["hflip", "vflip"],
    }
    if frame.rotation not in steps:
        return None
    graph = av.filter.Graph()
    nodes = [
        graph.add_buffer(
            width=frame.width, height=frame.height, format=frame.format, time_base=frame.time_base
        )
    ]
    nodes += [graph.add(*step.split("=")) for step in steps[frame.rotation]]
    graph.link_nodes(*nodes, graph.add("buffersink")).configure()
    return graph


def _turned(frame: VideoFrame, graph: av.filter.Graph | None) -> VideoFrame:
    if graph is None:
        return frame
    graph.vpush(frame)
    return graph.vpull()


def _tags(path: Path, format_: str, terms: Sequence[Term]) -> Iterator[Finding]:
    """What the container says about its making: identifiers, and tags that are about this video alone."""
    with opened_video(path, format_) as container:
        tagged = [("metadata", container.metadata)]
        tagged += [(f"track {stream.index + 1}", stream.metadata) for stream in container.streams]
        tagged += [("chapter", chapter["metadata"]) for chapter in container.chapters()]
        for owner, tags in tagged:
            for key, value in tags.items():
                where = f"{owner}:{key}"
                if find(value, terms):
                    yield from dropped(where, value, terms)
                elif key not in _BOILERPLATE:
                    yield Finding(where, "metadata", excerpt=excerpt(value, 0, 80))
