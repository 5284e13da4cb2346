"""Copy a video into an MP4 that any browser plays and that says nothing about who made it.

Pictures in H.264 and sound in AAC are copied packet by packet; anything else is encoded anew.
Cameras also write into the H.264 stream itself, so of its units only those that carry the
picture are passed on.  Source: the programme's rules, section 7.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import av
from av.audio.stream import AudioStream
from av.bitstream import BitStreamFilterContext
from av.container import InputContainer, OutputContainer
from av.video.stream import VideoStream

from certification.kernel import bounded
from certification.kernel.errors import BadInput
from portfolio.blinding.cleaning import encoding, staging
from portfolio.blinding.cleaning.encoding import Feed
from portfolio.blinding.cleaning.results import CleanedVideo, Finding, dropped, excerpt, once
from portfolio.blinding.identifiers import Term, find
from portfolio.uploads.inspect import Inspection, inspect, opened_video, picture_stream, sniff

POSTER_WIDTH = 640
# What every browser plays as it is; a film held upright counts the same.
COPIED_WIDTH, COPIED_HEIGHT = 1920, 1080
COPIED_COLOURS = frozenset({"yuv420p", "yuvj420p"})
WITHOUT_TRACES = {"movflags": "+faststart", "fflags": "+bitexact"}
_PROBED_FRAMES = 12
_BETWEEN_SIGNS_SECONDS = 1
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


@dataclass(frozen=True)
class _Look:
    """What the first pictures show: whether they are interlaced, and how wide a pixel is to its height."""

    halves: bool
    pixel: Fraction


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
        except _FAILURES as error:
            _require_room(error)
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


def is_copied(path: Path, before: Inspection) -> bool:
    """Whether its pictures are passed on as they are; if not, they are encoded anew."""
    with opened_video(path, before.format) as container:
        stream = picture_stream(container)
        copied = stream is not None and _plays_everywhere(stream, before)
    return copied and not _looked_at(path, before.format).halves


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
            pixel = stream.sample_aspect_ratio or Fraction(1)
            image = frame.to_image()
            image = image.resize(_square(image.width, image.height, pixel))
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
        _require_room(error)
        raise BadInput(
            "The video cannot be played to its end. Export it as MP4 (H.264) and upload that."
        ) from error


def _require_room(error: Exception) -> None:
    """Go on only if it was the video that failed, and not the disk: a full one tells nothing of the video."""
    if bounded.is_the_machines(error):
        raise error


def _written(path: Path, work: Path, before: Inspection, *, may_copy: bool) -> Inspection:
    look = _looked_at(path, before.format)
    may_copy = may_copy and not look.halves
    with (
        opened_video(path, before.format) as source,
        av.open(str(work), "w", format="mp4", options=WITHOUT_TRACES) as target,
    ):
        heard = _pump(source, target, before, look, may_copy=may_copy)
    after = inspect(work, "copy.mp4")
    wanted, got = before.seconds or Decimal(0), after.seconds or Decimal(0)
    if abs(got - wanted) > 1 + wanted / 50:
        raise ValueError("the copy is not as long as the original")
    if not heard.is_whole:
        raise ValueError("the copy's sound is not as long as the original's")
    return after


def _looked_at(path: Path, format_: str) -> _Look:
    with opened_video(path, format_) as container:
        stream = picture_stream(container)
        if stream is None:
            raise ValueError("no picture")
        halves = False
        for number, frame in enumerate(container.decode(stream), start=1):
            halves = halves or frame.interlaced_frame
            if halves or number == _PROBED_FRAMES:
                break
        return _Look(halves, stream.sample_aspect_ratio or Fraction(1))


@dataclass
class _Sound:
    """How far the sound reaches in the original and in the copy, in seconds."""

    wanted: Fraction = Fraction(0)
    got: Fraction = Fraction(0)

    @property
    def is_whole(self) -> bool:
        return abs(self.got - self.wanted) <= 2 + self.wanted / 20


def _pump(
    source: InputContainer, target: OutputContainer, before: Inspection, look: _Look, *, may_copy: bool
) -> _Sound:
    picture = picture_stream(source)
    if picture is None:
        raise ValueError("no picture")
    copied = may_copy and _plays_everywhere(picture, before)
    feeds: dict[int, Feed] = {picture.index: _picture_feed(picture, target, before, look, copied=copied)}
    sound = next((stream for stream in source.streams.audio if stream.codec_context is not None), None)
    if sound is not None:
        feeds[sound.index] = _sound_feed(sound, target, may_copy=may_copy)
    tell = _telling("Copying the video" if copied else "Converting the video", before)
    heard = _Sound()
    for packet in source.demux([source.streams[index] for index in feeds]):
        if not packet.size:
            continue
        _begin_at_zero(packet, source)
        is_sound = packet.stream_index != picture.index
        if is_sound:
            heard.wanted = max(heard.wanted, _end(packet))
        else:
            tell(packet)
        for ready in feeds[packet.stream_index](packet):
            if is_sound:
                heard.got = max(heard.got, _end(ready))
            target.mux(ready)
    for index, feed in feeds.items():
        for ready in feed(None):
            if index != picture.index:
                heard.got = max(heard.got, _end(ready))
            target.mux(ready)
    return heard


def _begin_at_zero(packet: av.Packet, source: InputContainer) -> None:
    """Some containers begin to count half a second in, or at the hour of the day; ours begin at nought."""
    if not source.start_time or source.start_time < 0 or not packet.time_base:
        return
    shift = round(Fraction(source.start_time, av.time_base) / packet.time_base)
    if packet.pts is not None:
        packet.pts -= shift
    if packet.dts is not None:
        packet.dts -= shift


def _end(packet: av.Packet) -> Fraction:
    if packet.pts is None or not packet.time_base:
        return Fraction(0)
    return Fraction((packet.pts + (packet.duration or 0)) * packet.time_base)


def _telling(step: str, before: Inspection) -> Callable[[av.Packet], None]:
    """Say how far it is, at most every second."""
    whole = float(before.seconds or 1)
    last = time.monotonic() - _BETWEEN_SIGNS_SECONDS

    def tell(packet: av.Packet) -> None:
        nonlocal last
        tick = time.monotonic()
        if tick - last >= _BETWEEN_SIGNS_SECONDS:
            last = tick
            bounded.tell(step, 5 + int(90 * min(1.0, float(_end(packet)) / whole)))

    return tell


def _plays_everywhere(stream: VideoStream, before: Inspection) -> bool:
    """Whether the pictures may be passed on as they are: H.264, eight bits, and not too large."""
    context = stream.codec_context
    sides = sorted((before.width or 0, before.height or 0))
    fits = sides[1] <= COPIED_WIDTH and sides[0] <= COPIED_HEIGHT
    return bool(context.name == "h264" and context.pix_fmt in COPIED_COLOURS and fits)


def _picture_feed(
    stream: VideoStream, target: OutputContainer, before: Inspection, look: _Look, *, copied: bool
) -> Feed:
    if copied:
        copy = target.add_stream_from_template(stream)
        copy.metadata.clear()
        return _copying(copy, BitStreamFilterContext(encoding.PICTURE_UNITS, stream, copy))
    shown = _square(before.width or 2, before.height or 2, look.pixel)
    return encoding.pictures(stream, target, size=shown, halves=look.halves)


def _square(width: int, height: int, pixel: Fraction) -> tuple[int, int]:
    """Width and height in square pixels, neither smaller than it was."""
    return (round(width * pixel), height) if pixel >= 1 else (width, round(height / pixel))


def _sound_feed(stream: AudioStream, target: OutputContainer, *, may_copy: bool) -> Feed:
    if may_copy and stream.codec_context.name == "aac" and stream.codec_context.extradata:
        copy = target.add_stream_from_template(stream)
        copy.metadata.clear()
        return _copying(copy, None)
    return encoding.sound(stream, target)


def _copying(copy: av.stream.Stream, units: BitStreamFilterContext | None) -> Feed:
    def feed(packet: av.Packet | None) -> Iterator[av.Packet]:
        passed = units.filter(packet) if units else [packet] if packet else []
        for ready in passed:
            if ready.dts is None:
                raise ValueError("a packet without a decoding time cannot be copied into an MP4")
            ready.stream = copy
            yield ready

    return feed


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
