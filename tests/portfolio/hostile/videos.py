"""Videos that are broken, cut short, floods, endless, or carry what is no video."""

from __future__ import annotations

import functools
import io
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import av

from portfolio.uploads.limits import SlotLimits

from .cases import PLANTED, Case, Maker, Neutralised, Refused, bytes_of, cut
from .filming import Film, box, element, film, patched, with_element, written

SHORT, BROKEN, SILENT = "is cut short", "is a broken video", "has no picture"
STRANGE, TWO, WRONG = "no browser can play", "two kinds of file in one", "is really a"
_WORD = PLANTED.decode()
_SOUND = {
    "mp4": "aac",
    "mov": "aac",
    "matroska": "aac",
    "webm": "libopus",
    "avi": "libmp3lame",
    "asf": "wmav2",
    "mpeg": "mp2",
    "mpegts": "mp2",
}
_PICTURE = {"webm": "libvpx-vp9", "avi": "mpeg4", "asf": "wmv2", "mpeg": "mpeg2video", "mpegts": "mpeg2video"}
_ENDING = {"matroska": "mkv", "asf": "wmv", "mpeg": "mpg", "mpegts": "mts"}
CONTAINERS = tuple(_SOUND)
# Families whose files say how long they are.
_MEASURED = ("mp4", "mov", "matroska", "webm", "avi", "asf")
FAST = (("movflags", "+faststart"),)
_FTYP = box(b"ftyp", b"isom\0\0\0\0isom")
_EBML = bytes.fromhex("1a45dfa3")


def in_container(container: str, **more: Any) -> bytes:
    """A film in the codecs that are usual in a container."""
    usual = {"rate": 25, "frames": 50} if container in {"mpeg", "mpegts"} else {}
    return film(Film(container=container, picture=_PICTURE.get(container, "libx264"), **{**usual, **more}))


def _of(container: str, **more: Any) -> Callable[[], bytes]:
    return lambda: in_container(container, **more)


def _fast(container: str) -> Callable[[], bytes]:
    return _of(container, options=FAST)


def _sound_alone(container: str) -> Callable[[], bytes]:
    return lambda: film(Film(container=container, picture=None, sound=_SOUND[container]))


def _changed(mark: bytes, offset: int, value: bytes) -> Callable[[], bytes]:
    return lambda: patched(in_container("mp4"), mark, offset, value, every=True)


def _name(container: str) -> str:
    return f"clip.{_ENDING.get(container, container)}"


def _four_hours(container: str = "mp4") -> bytes:
    """A picture a minute, for four hours."""
    return film(
        Film(container=container, picture=_PICTURE.get(container, "libx264"), width=32, height=32, rate=1,
             ticks=(*range(0, 4 * 3600, 60), 4 * 3600 - 1))
    )  # fmt: skip


def _claims(seconds: int) -> bytes:
    """Two seconds of video whose index says they are hours, which the list of its pictures does not."""
    whole = in_container("mp4")
    scale = struct.unpack(">I", whole[whole.index(b"mvhd") + 16 :][:4])[0]
    claimed = patched(whole, b"mvhd", 20, struct.pack(">I", seconds * scale))
    return patched(claimed, b"tkhd", 24, struct.pack(">I", seconds * scale))


def _slowed(times: int) -> bytes:
    """Two seconds of video, each picture of which is to be shown for so much longer."""
    whole = in_container("mp4")
    each = struct.unpack(">I", whole[whole.index(b"stts") + 16 :][:4])[0]
    length = struct.unpack(">I", whole[whole.index(b"mdhd") + 20 :][:4])[0]
    slowed = patched(whole, b"stts", 16, struct.pack(">I", each * times))
    slowed = patched(slowed, b"mdhd", 20, struct.pack(">I", length * times))
    slowed = patched(slowed, b"mvhd", 20, struct.pack(">I", 2000 * times))
    slowed = patched(slowed, b"elst", 12, struct.pack(">I", 2000 * times))
    return patched(slowed, b"tkhd", 24, struct.pack(">I", 2000 * times))


def _says(container: str, seconds: int) -> bytes:
    """Two seconds of Matroska or WebM that say they are hours."""
    return patched(in_container(container), bytes.fromhex("4489"), 3, struct.pack(">d", seconds * 1000.0))


def _last_frame_at(seconds: int) -> bytes:
    return film(Film(width=32, height=32, rate=1, ticks=(0, seconds)))


def _flood(container: str) -> bytes:
    """A video of a few frames that claims 60,000 x 60,000 pixels."""
    if container == "avi":
        made = film(Film(container="avi", picture="mjpeg", format="yuvj420p", frames=3))
        made = patched(made, b"strf", 12, struct.pack("<ii", 60_000, 60_000))
        return patched(made, b"\xff\xc0", 5, struct.pack(">HH", 60_000, 60_000), every=True)
    if container == "webm":
        made = film(Film(container="webm", picture="libvpx", frames=3))
        return patched(made, b"\x9d\x01\x2a", 3, struct.pack("<HH", 16_383, 16_383), every=True)
    return film(Film(container="mov", picture="png", width=8200, height=4400, frames=1, format="gray"))


def _raw_flood() -> bytes:
    made = film(Film(container="avi", picture="rawvideo", width=16, height=16, frames=3, format="bgr24"))
    return patched(made, b"strf", 12, struct.pack("<ii", 100_000, 100_000))


def _cover_only(container: str) -> bytes:
    """A song with a picture on its sleeve."""
    out = io.BytesIO()
    with av.open(cast(Any, out), "w", format=container) as target:
        cover: Any = target.add_stream("mjpeg", rate=1)
        cover.width, cover.height, cover.pix_fmt = 64, 64, "yuvj420p"
        cover.disposition = av.stream.Disposition.attached_pic
        sound: Any = target.add_stream("aac", rate=44_100, layout="mono")
        frame = av.VideoFrame(64, 64, "yuvj420p")
        for plane in frame.planes:
            plane.update(bytes(plane.buffer_size))
        frame.pts = 0
        target.mux(cover.encode(frame))
        silence = av.AudioFrame(format="fltp", layout="mono", samples=1024)
        silence.sample_rate = 44_100
        for channel in silence.planes:
            channel.update(bytes(channel.buffer_size))
        target.mux(sound.encode(silence))
        for stream in (cover, sound):
            target.mux(stream.encode(None))
    return out.getvalue()


def _archive() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        package.writestr("run.js", PLANTED)
    return out.getvalue()


def _attached(name: str, kind: str, content: bytes) -> bytes:
    """A Matroska file with another file attached."""
    file = element(
        "61a7",
        element("466e", name.encode())
        + element("4660", kind.encode())
        + element("465c", content)
        + element("46ae", b"\x01"),
    )
    return with_element(in_container("matroska"), element("1941a469", file))


def _chaptered() -> bytes:
    """A Matroska with a chapter that has a name."""
    title = element("85", PLANTED) + element("437c", b"eng")
    atom = element("73c4", b"\x01") + element("91", b"\0") + element("80", title)
    return with_element(in_container("matroska"), element("1043a770", element("45b9", element("b6", atom))))


def _captioned() -> bytes:
    """A Matroska with a track of captions."""
    captions = "1\n00:00:00,100 --> 00:00:01,000\n<script>PLANTED</script>\n\n"
    with written() as path:
        Path(f"{path}.srt").write_text(captions)
        Path(f"{path}.mkv").write_bytes(in_container("matroska"))
        with (
            av.open(f"{path}.mkv") as source,
            av.open(f"{path}.srt", format="srt") as words,
            av.open(path, "w", format="matroska") as target,
        ):
            copies = {
                stream: target.add_stream_from_template(stream)
                for stream in (source.streams[0], words.streams[0])
            }
            for packet in (*source.demux(), *words.demux()):
                if packet.dts is not None:
                    packet.stream = copies[packet.stream]
                    target.mux(packet)
        return Path(path).read_bytes()


def _late_flood() -> bytes:
    """A video of small pictures, the last of which claims 60,000 x 60,000 pixels."""
    made = film(Film(container="avi", picture="mjpeg", format="yuvj420p"))
    at = made.rindex(b"\xff\xc0") + 5
    return made[:at] + struct.pack(">HH", 60_000, 60_000) + made[at + 4 :]


def _growing() -> bytes:
    """A transport stream whose picture changes its size half-way."""
    small = film(Film(container="mpegts", picture="mpeg2video", rate=25, frames=25))
    large = film(Film(container="mpegts", picture="mpeg2video", rate=25, frames=25, width=640, height=480))
    return small + large


def _with_box(content: bytes, *, first: bool = True) -> bytes:
    """An MP4 with a box that players pass over, before or behind everything else."""
    made = in_container("mp4", options=() if first else FAST)
    free = box(b"free", content)
    if not first:
        return made + free
    at = made.index(b"stco") + 12
    place = struct.unpack(">I", made[at : at + 4])[0] + len(free)
    return free + made[:at] + struct.pack(">I", place) + made[at + 4 :]


def _elsewhere(kind: bytes, target: bytes) -> bytes:
    """A MOV whose pictures are said to lie in another file."""
    made = in_container("mov", options=())
    at = made.index(b"dref") - 4
    length = struct.unpack(">I", made[at : at + 4])[0]
    entry = box(b"dref", struct.pack(">II", 0, 1), box(kind, struct.pack(">I", 0), target))
    return _resized(made, at, length, entry)


def _resized(made: bytes, at: int, length: int, replacement: bytes) -> bytes:
    """A file with one box of its index replaced; the index lies behind the pictures, which stay in place."""
    more = len(replacement) - length
    out = bytearray(made[:at] + replacement + made[at + length :])
    for kind in (b"moov", b"trak", b"mdia", b"minf", b"dinf"):
        place = made.rindex(kind, 0, at) - 4
        was = struct.unpack(">I", made[place : place + 4])[0]
        out[place : place + 4] = struct.pack(">I", was + more)
    return bytes(out)


def _reference_movie() -> bytes:
    """A MOV that is nothing but the address of another one."""
    address = b"http://127.0.0.1:9/a.mov\0"
    reference = box(b"rdrf", struct.pack(">I4sI", 0, b"url ", len(address)), address)
    return box(b"ftyp", b"qt  \0\0\0\0qt  ") + box(b"moov", box(b"rmra", box(b"rmda", reference)))


def _header_only(container: str) -> Callable[[], bytes]:
    return lambda: in_container(container)[:300]


def _garbled(data: bytes, mark: bytes, count: int) -> bytes:
    return patched(data, mark, 8, b"\xff" * count)


def _protected() -> bytes:
    """A Windows video that says it is encrypted."""
    made = in_container("asf")
    return patched(
        made,
        bytes.fromhex("9107dcb7b7a9cf118ee600c00c205365"),
        0,
        bytes.fromhex("fbb3112223bdd211b4b700a0c955fc6e"),
    )


_SLOT = SlotLimits(title="Identify conversation", kind="video", max_minutes=10, max_bytes=2_000)
_TEN = SlotLimits(title="Identify conversation", kind="video", max_minutes=10)
_MP4_ONLY = SlotLimits(title="Identify conversation", kind="video", formats=("mp4", "mov"))

_REFUSED: list[tuple[str, str, Maker, str]] = [
    *(
        (f"{container} cut after {share:.0%}", _name(container), cut(_of(container), share), SHORT)
        for container in _MEASURED
        for share in (0.5, 0.9)
    ),
    *(
        (
            f"a quick-starting {container} cut after {share:.0%}",
            _name(container),
            cut(_fast(container), share),
            SHORT,
        )
        for container in ("mp4", "mov")
        for share in (0.3, 0.8, 0.98)
    ),
    *(
        (
            f"{container} of which the beginning arrived",
            _name(container),
            bytes_of(_header_only(container)),
            SHORT,
        )
        for container in _MEASURED
    ),
    *(
        (
            f"{container} of sound alone",
            _name(container),
            bytes_of(_sound_alone(container)),
            SILENT,
        )
        for container in CONTAINERS
    ),
    ("a song with its sleeve, as MP4", "clip.mp4", bytes_of(lambda: _cover_only("mp4")), SILENT),
    ("without an index", "clip.mp4", bytes_of(_FTYP + box(b"mdat", bytes(999))), SHORT),
    ("an index of nothing", "clip.mp4", bytes_of(_FTYP + box(b"moov")), BROKEN),
    ("a box longer than the file", "clip.mov", bytes_of(struct.pack(">I4sQ", 1, b"moov", 2**60)), SHORT),
    ("a box shorter than its head", "clip.mov", bytes_of(struct.pack(">I4s", 3, b"moov") + bytes(99)), SHORT),
    ("boxes in boxes in boxes", "clip.mov", bytes_of(lambda: _nested_boxes(5_000)), BROKEN),
    ("a garbled index", "clip.mp4", bytes_of(lambda: _garbled(in_container("mp4"), b"moov", 400)), BROKEN),
    ("pictures that lie behind the end", "clip.mp4", bytes_of(_changed(b"stco", 12, b"\x7f\0\0\0")), BROKEN),
    ("a kind of picture nobody knows", "clip.mp4", bytes_of(_changed(b"avc1", 0, b"ZZZZ")), STRANGE),
    ("a stream's first part alone", "clip.mp4", bytes_of(lambda: _fragment(first=True)), BROKEN),
    ("a stream's second part alone", "clip.mp4", bytes_of(lambda: _fragment(first=False)), SHORT),
    ("a Matroska that says six hours", "clip.mkv", bytes_of(lambda: _says("matroska", 6 * 3600)), SHORT),
    ("a WebM that says a month", "clip.webm", bytes_of(lambda: _says("webm", 30 * 86_400)), SHORT),
    ("pictures a day apart", "clip.mp4", bytes_of(lambda: _last_frame_at(30 * 3600)), "no slot takes a day"),
    ("a picture that is encrypted", "clip.mp4", bytes_of(_changed(b"avc1", 0, b"encv")), STRANGE),
    ("a flood in AVI", "clip.avi", bytes_of(lambda: _flood("avi")), BROKEN),
    ("a flood in WebM", "clip.webm", bytes_of(lambda: _flood("webm")), BROKEN),
    ("a flood in MOV", "clip.mov", bytes_of(lambda: _flood("mov")), BROKEN),
    ("a flood without compression", "clip.avi", bytes_of(_raw_flood), BROKEN),
    ("an archive behind an MP4", "clip.mp4", bytes_of(lambda: in_container("mp4") + _archive()), TWO),
    ("an archive behind a WebM", "clip.webm", bytes_of(lambda: in_container("webm") + _archive()), TWO),
    ("an archive behind an AVI", "clip.avi", bytes_of(lambda: in_container("avi") + _archive()), TWO),
    ("an archive behind an MPG", "clip.mpg", bytes_of(lambda: in_container("mpeg") + _archive()), TWO),
    ("an archive behind a WMV", "clip.wmv", bytes_of(lambda: in_container("asf") + _archive()), TWO),
    ("a reference to another film", "clip.mov", bytes_of(_reference_movie), BROKEN),
    ("a Matroska header alone", "clip.mkv", bytes_of(_EBML + bytes(50)), BROKEN),
    ("an endless element", "clip.mkv", bytes_of(_EBML + b"\x01" + b"\xff" * 6 + b"\xfe" + bytes(50)), BROKEN),
    ("a protected WMV", "clip.wmv", bytes_of(_protected), "protected against copying"),
    ("noise in an MPG", "clip.mpg", bytes_of(b"\0\0\1\xba" + bytes(range(256)) * 20), BROKEN),
    ("noise in a transport stream", "clip.ts", bytes_of((b"\x47" + bytes(187)) * 50), BROKEN),
    ("an MP4 called AVI", "clip.avi", bytes_of(_of("mp4")), WRONG),
    ("an AVI called MP4", "clip.mp4", bytes_of(_of("avi")), WRONG),
    ("a WMV called MP4", "clip.mp4", bytes_of(_of("asf")), WRONG),
    ("an MPG called MOV", "clip.mov", bytes_of(_of("mpeg")), WRONG),
    ("a Matroska called MP4", "clip.mp4", bytes_of(_of("matroska")), WRONG),
    ("an MP4 called PDF", "clip.pdf", bytes_of(_of("mp4")), WRONG),
    ("an MP4 called a program", "clip.exe", bytes_of(_of("mp4")), WRONG),
]

_NEUTRALISED: list[tuple[str, str, Callable[[], bytes]]] = [
    ("a web page in a box in front", "clip.mp4", lambda: _with_box(b"<html><script>PLANTED</script></html>")),
    ("a web page in a box behind", "clip.mp4", lambda: _with_box(b"<script>PLANTED</script>", first=False)),
    ("a web page behind", "clip.mp4", lambda: in_container("mp4") + b"\n<script>PLANTED</script>"),
    ("a script in its title", "clip.mp4", lambda: in_container("mp4", tags=(("title", f"<script>{_WORD}"),))),
    (
        "a place in its tags",
        "clip.mov",
        lambda: in_container("mov", tags=(("comment", _WORD), ("artist", _WORD))),
    ),
    ("a title in a Matroska", "clip.mkv", lambda: in_container("matroska", tags=(("title", _WORD),))),
    ("a title in an AVI", "clip.avi", lambda: in_container("avi", tags=(("title", _WORD),))),
    ("a title in a WMV", "clip.wmv", lambda: in_container("asf", tags=(("title", _WORD),))),
    (
        "a program attached",
        "clip.mkv",
        lambda: _attached("run.exe", "application/x-msdownload", b"MZ" + PLANTED),
    ),
    (
        "a web page attached",
        "clip.mkv",
        lambda: _attached("a.html", "text/html", b"<script>PLANTED</script>"),
    ),
    ("a font attached", "clip.mkv", lambda: _attached("a.ttf", "font/ttf", PLANTED)),
    ("a picture that grows", "clip.mts", _growing),
    ("a picture that grows beyond memory", "clip.avi", lambda: _late_flood()),
    ("an index that says six hours", "clip.mp4", lambda: _claims(6 * 3600)),
    ("an index that says a month", "clip.mp4", lambda: _claims(30 * 86_400)),
    ("chapters", "clip.mkv", lambda: _chaptered()),
    ("captions", "clip.mkv", lambda: _captioned()),
    ("pictures behind an alias", "clip.mov", lambda: _elsewhere(b"alis", bytes(200))),
    # Never followed: the pictures are taken from the file itself.
    ("pictures at an address", "clip.mov", lambda: _elsewhere(b"url ", b"http://127.0.0.1:9/PLANTED\0")),
    ("pictures in a file of the server's", "clip.mov", lambda: _elsewhere(b"url ", b"file:///PLANTED\0")),
]

CASES: list[Case] = [
    *(Refused(f"a video: {label}", name, make, says) for label, name, make, says in _REFUSED),
    *(Neutralised(f"a video: {label}", name, bytes_of(make)) for label, name, make in _NEUTRALISED),
    *(
        Refused(
            f"four hours of {container} for ten minutes",
            _name(container),
            bytes_of(functools.partial(_four_hours, container)),
            "allows 10 minutes; yours is 4:00:00, 3:50:00 too long. Trim it",
            _TEN,
        )
        for container in ("mp4", "matroska", "avi")
    ),
    Refused(
        "two seconds told as four hours",
        "clip.mp4",
        bytes_of(lambda: _slowed(7200)),
        "allows 10 minutes; yours is 4:00:00",
        _TEN,
    ),
    Refused("a video of too many bytes", "clip.mp4", bytes_of(_of("mp4")), "too large. Export it", _SLOT),
    Refused(
        "a format the slot does not take",
        "clip.mkv",
        bytes_of(_of("matroska")),
        "accepts MP4, MOV; yours is MKV",
        _MP4_ONLY,
    ),
    Refused(
        "a video in a document's slot",
        "clip.mp4",
        bytes_of(_of("mp4")),
        "takes a document; yours is a video",
        SlotLimits(title="Reflection", kind="document"),
    ),
]


def _nested_boxes(depth: int) -> bytes:
    content = b""
    for _ in range(depth):
        content = box(b"moov", content)
    return box(b"ftyp", b"qt  \0\0\0\0qt  ") + content


def _fragment(*, first: bool) -> bytes:
    """One part of a film cut for streaming: the one that describes it, or one that holds pictures."""
    made = in_container("mp4", options=(("movflags", "+frag_keyframe+empty_moov+default_base_moof"),))
    at = made.index(b"moof") - 4
    return made[:at] if first else box(b"styp", b"msdh\0\0\0\0msdh") + made[at:]
