"""A cleaned video plays anywhere, looks as before, and says nothing about who made it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from av.bitstream import BitStreamFilterContext
from PIL import Image, ImageChops

from certification.kernel.errors import BadInput
from certification.season.files import make_mp4, named
from portfolio.blinding.cleaning import (
    Finding,
    clean_video,
    leaks_in,
    poster,
    video,
)
from portfolio.blinding.identifiers import Identity, search_terms
from portfolio.uploads.inspect import inspect

DANA = Identity(
    names=("Dana Whitfield-Núñez",),
    emails=("dana.whitfield@lincoln.k12.ne.us",),
    organisations=("Lincoln Public Schools",),
    usernames=("dwhit88",),
)
TERMS = search_terms(DANA)


def _wheres(findings: Sequence[Finding]) -> set[str]:
    return {finding.where for finding in findings}


def _left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def _make_video(
    path: Path,
    *,
    muxer: str,
    picture: str,
    sound: str | None,
    size: tuple[int, int] = (96, 64),
    rotation: int = 0,
) -> Path:
    """Two seconds, the upper left quarter white, named in tags, a chapter and a subtitle-free container."""
    image = Image.new("RGB", size, "black")
    image.paste("white", (0, 0, size[0] // 2, size[1] // 2))
    with av.open(str(path), "w", format=muxer) as container:
        container.metadata.update(title="Dana Whitfield", comment="Lincoln Public Schools")
        stream: Any = container.add_stream(picture, rate=10)
        stream.width, stream.height, stream.pix_fmt = *size, "yuvj420p" if picture == "mjpeg" else "yuv420p"
        stream.metadata["title"] = "Dana Whitfield"
        if rotation:
            stream.set_display_rotation(rotation)
        audio: Any = container.add_stream(sound, rate=48000, layout="stereo") if sound else None
        container.set_chapters(
            [
                {
                    "id": 1,
                    "start": 0,
                    "end": 1000,
                    "time_base": Fraction(1, 1000),
                    "metadata": {"title": "Dana Whitfield"},
                }
            ]
        )
        for number in range(20):
            frame = av.VideoFrame.from_image(image).reformat(format=stream.pix_fmt)
            frame.pts, frame.time_base = number, Fraction(1, 10)
            for packet in stream.encode(frame):
                container.mux(packet)
        for packet in stream.encode(None):
            container.mux(packet)
        for packet in _silence(audio):
            container.mux(packet)
    return path


@pytest.mark.parametrize("picture", ["libx264", "mpeg4"])
@pytest.mark.parametrize("rotation", [90, -90, 180])
def test_a_video_filmed_sideways_is_shown_as_before(picture: str, rotation: int, tmp_path: Path) -> None:
    source = _make_video(tmp_path / "a.mov", muxer="mov", picture=picture, sound="aac", rotation=rotation)
    before, cleaned = inspect(source, "a.mov"), clean_video(source, tmp_path / "clean.mp4")
    assert before.width == (96 if rotation == 180 else 64)
    assert (cleaned.width, cleaned.height) == (before.width, before.height)
    for path in (source, cleaned.path):
        poster(path, tmp_path / f"{path.stem}.jpg")
    with Image.open(tmp_path / "a.jpg") as shown, Image.open(tmp_path / "clean.jpg") as kept:
        assert shown.size == kept.size == (before.width, before.height)
        corners = [(4, 4), (kept.width - 4, 4), (4, kept.height - 4), (kept.width - 4, kept.height - 4)]
        bright = [[_is_bright(image, corner) for corner in corners] for image in (shown, kept)]
    assert bright[0] == bright[1]
    assert sum(bright[0]) == 1
    assert not bright[0][0]


def _is_bright(image: Image.Image, at: tuple[int, int]) -> bool:
    return image.convert("L").crop((*at, at[0] + 1, at[1] + 1)).tobytes()[0] > 128


def _silence(audio: av.AudioStream | None) -> Iterator[av.Packet]:
    if audio is None:
        return
    for number in range(100):
        frame = av.AudioFrame(format="s16", layout="stereo", samples=960)
        frame.sample_rate, frame.pts, frame.time_base = 48000, number * 960, Fraction(1, 48000)
        yield from audio.encode(frame)
    yield from audio.encode(None)


def _require_clean_video(path: Path) -> None:
    assert leaks_in([path], TERMS) == []
    data = path.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    assert b"Lavf" not in data
    with av.open(str(path)) as container:
        tags = dict(container.metadata)
        assert set(tags) <= {"major_brand", "minor_version", "compatible_brands"}
        assert container.chapters() == []
        assert {stream.type for stream in container.streams} <= {"video", "audio"}
        assert container.streams.video[0].codec_context.name == "h264"
        for stream in container.streams:
            assert set(stream.metadata) <= {"language", "handler_name", "vendor_id"}
            assert stream.metadata.get("handler_name") in {None, "VideoHandler", "SoundHandler"}
            assert "creation_time" not in stream.metadata
        assert len(list(container.decode(video=0))) >= 19


def test_a_planted_video_is_copied_clean(tmp_path: Path) -> None:
    source = make_mp4(named(tmp_path, identity=DANA, label="clip", extension="mp4"), identity=DANA)
    assert b"Whitfield-N" in source.read_bytes()
    cleaned = clean_video(source, tmp_path / "out" / "clip.mp4", terms=TERMS)
    _require_clean_video(cleaned.path)
    found = inspect(cleaned.path, "clip.mp4")
    assert (cleaned.sha256, cleaned.size, cleaned.seconds) == (found.sha256, found.size, found.seconds)
    assert found.has_audio
    assert {"file name", "metadata:title", "metadata:artist", "track 1:handler_name"} <= _wheres(
        cleaned.findings
    )
    assert any(finding.where.startswith("metadata:location") for finding in cleaned.findings)
    assert _left(tmp_path / "out") == ["clip.mp4"]


def test_what_a_camera_writes_into_the_stream_is_left_out(tmp_path: Path) -> None:
    source = make_mp4(tmp_path / "a.mp4", identity=DANA)
    cleaned = clean_video(source, tmp_path / "clean.mp4")
    with av.open(str(cleaned.path)) as container:
        stream = container.streams.video[0]
        to_bytes = BitStreamFilterContext("h264_mp4toannexb", stream)
        units = b"".join(bytes(out) for packet in container.demux(stream) for out in to_bytes.filter(packet))
    kinds = {unit[0] & 31 for unit in units.replace(b"\0\0\0\1", b"\0\0\1").split(b"\0\0\1") if unit}
    assert kinds <= {1, 2, 3, 4, 5, 7, 8, 9}


@pytest.mark.parametrize(
    ("muxer", "ending", "picture", "sound"),
    [
        ("webm", "webm", "libvpx-vp9", "libopus"),
        ("matroska", "mkv", "libx264", "libopus"),
        ("matroska", "mkv", "mpeg4", "aac"),
        ("mov", "mov", "libx264", "pcm_s16le"),
        ("mov", "mov", "mjpeg", None),
        ("mp4", "mp4", "libx264", None),
    ],
)
def test_every_accepted_video_becomes_one_that_browsers_play(
    muxer: str, ending: str, picture: str, sound: str | None, tmp_path: Path
) -> None:
    source = _make_video(tmp_path / f"a.{ending}", muxer=muxer, picture=picture, sound=sound)
    assert leaks_in([source], TERMS)
    cleaned = clean_video(source, tmp_path / "clean.mp4", terms=TERMS)
    _require_clean_video(cleaned.path)
    assert (cleaned.width, cleaned.height) == (96, 64)
    with av.open(str(cleaned.path)) as container:
        assert [stream.codec_context.name for stream in container.streams.audio] == (["aac"] if sound else [])
        frame = next(container.decode(video=0)).to_image()
    assert frame.getpixel((10, 10))[0] > 200
    assert frame.getpixel((80, 50))[0] < 50
    assert "metadata:title" in {where.lower() for where in _wheres(cleaned.findings)}


def test_a_large_picture_that_must_be_encoded_is_made_smaller(tmp_path: Path) -> None:
    source = _make_video(tmp_path / "a.mkv", muxer="matroska", picture="mpeg4", sound=None, size=(1920, 1080))
    cleaned = clean_video(source, tmp_path / "clean.mp4")
    assert (cleaned.width, cleaned.height) == (1280, 720)


def test_a_copy_that_does_not_play_is_encoded_instead(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = make_mp4(tmp_path / "a.mp4", identity=DANA)
    monkeypatch.setattr(video, "_copying", lambda copy, units: lambda packet: [])
    cleaned = clean_video(source, tmp_path / "clean.mp4", terms=TERMS)
    _require_clean_video(cleaned.path)


def test_the_same_video_gives_the_same_bytes(tmp_path: Path) -> None:
    source = _make_video(tmp_path / "a.webm", muxer="webm", picture="libvpx-vp9", sound="libopus")
    first, second = (clean_video(source, tmp_path / f"{n}.mp4") for n in (1, 2))
    assert first.sha256 == second.sha256


@pytest.mark.parametrize("content", [b"", b"\0\0\0\x18ftypisom", b"%PDF-1.7", b"\x1a\x45\xdf\xa3"])
def test_a_video_that_cannot_be_cleaned_leaves_nothing(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.mp4").write_bytes(content)
    with pytest.raises(BadInput):
        clean_video(tmp_path / "a.mp4", tmp_path / "clean.mp4")
    with pytest.raises(BadInput):
        poster(tmp_path / "a.mp4", tmp_path / "poster.jpg")
    assert _left(tmp_path) == ["a.mp4"]


def test_a_poster_is_a_picture_without_metadata(tmp_path: Path) -> None:
    source = make_mp4(tmp_path / "a.mp4", identity=DANA)
    poster(source, tmp_path / "poster.jpg")
    assert leaks_in([tmp_path / "poster.jpg"], TERMS) == []
    with Image.open(tmp_path / "poster.jpg") as image:
        assert image.size == (160, 120)
        assert ImageChops.difference(image, Image.new("RGB", image.size, "black")).getbbox()
