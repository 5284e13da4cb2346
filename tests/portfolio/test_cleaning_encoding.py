"""What is encoded anew looks, sounds and lasts as before, whatever camera it came from."""

from __future__ import annotations

import math
from array import array
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from PIL import Image

from portfolio.blinding.cleaning import clean_video, poster, video
from portfolio.blinding.cleaning.encoding import fitted

RATE = 25


def _picture(size: tuple[int, int]) -> Image.Image:
    """The upper left quarter white."""
    image = Image.new("RGB", size, "black")
    image.paste("white", (0, 0, size[0] // 2, size[1] // 2))
    return image


def _stripes(size: tuple[int, int]) -> Image.Image:
    """Every second line white, as of something that has moved between two halves of a picture."""
    image = Image.new("RGB", size, "black")
    for line in range(0, size[1], 2):
        image.paste("white", (0, line, size[0], line + 1))
    return image


def _write(
    path: Path,
    muxer: str,
    codec: str,
    sound: str | None = None,
    *,
    image: Image.Image | None = None,
    size: tuple[int, int] = (176, 144),
    instants: Sequence[int] = range(50),
    heard: Sequence[int] = range(100),
    options: dict[str, str] | None = None,
    pixel: Fraction | None = None,
) -> Path:
    """Pictures at the given 25ths of a second, and a tone at the given 50ths."""
    shown = image or _picture(size)
    with av.open(str(path), "w", format=muxer) as container:
        stream: Any = container.add_stream(codec, rate=RATE, options=options or {})
        stream.width, stream.height = size
        stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
        if pixel:
            stream.codec_context.sample_aspect_ratio = pixel
        tone: Any = None
        if sound:
            tone = container.add_stream(sound, rate=48_000, layout="stereo")
            tone.bit_rate = 128_000
        for instant in instants:
            frame = av.VideoFrame.from_image(shown).reformat(format=stream.pix_fmt)
            frame.pts, frame.time_base = instant, Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if tone:
            for packet in _tone(tone, heard):
                container.mux(packet)
    return path


def _tone(stream: Any, heard: Sequence[int]) -> Iterator[Any]:
    wave = [int(12_000 * math.sin(2 * math.pi * 500 * at / 48_000)) for at in range(960)]
    both = array("h", [level for level in wave for _ in range(2)]).tobytes()
    for number in heard:
        frame = av.AudioFrame(format="s16", layout="stereo", samples=960)
        frame.planes[0].update(both)
        frame.sample_rate, frame.pts, frame.time_base = 48_000, number * 960, Fraction(1, 48_000)
        yield from stream.encode(frame)
    yield from stream.encode(None)


def _lasts(path: Path) -> dict[str, float]:
    """Seconds at which each kind of track ends, by its own packets."""
    ends: dict[str, float] = {}
    with av.open(str(path)) as container:
        for packet in container.demux():
            if packet.pts is not None and packet.stream.time_base is not None:
                end = float((packet.pts + (packet.duration or 0)) * packet.stream.time_base)
                ends[packet.stream.type] = max(ends.get(packet.stream.type, 0.0), end)
    return ends


def _brightness(path: Path, *places: tuple[int, int]) -> list[int]:
    """How bright the first picture is in these places, from 0 to 255."""
    with av.open(str(path)) as container:
        shown = next(container.decode(video=0)).to_image().convert("L")
    return [shown.crop((*place, place[0] + 1, place[1] + 1)).tobytes()[0] for place in places]


def _loudness(path: Path) -> list[float]:
    """How loud it is in each tenth of a second."""
    samples = array("f")
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            samples.frombytes(bytes(frame.planes[0])[: 4 * frame.samples])
    tenths = range(0, len(samples) - 4799, 4800)
    return [max(abs(level) for level in samples[at : at + 4800]) for at in tenths]


@pytest.mark.parametrize(
    ("muxer", "ending", "codec", "sound"),
    [
        ("avi", "avi", "mpeg4", "libmp3lame"),
        ("avi", "avi", "mjpeg", "pcm_s16le"),
        ("asf", "wmv", "wmv2", "wmav2"),
        ("mpeg", "mpg", "mpeg1video", "mp2"),
        ("vob", "mpg", "mpeg2video", "ac3"),
        ("mpegts", "mpg", "mpeg2video", "mp2"),
        ("mp4", "mp4", "libx265", "aac"),
    ],
)
def test_what_browsers_do_not_play_is_encoded_whole(
    muxer: str, ending: str, codec: str, sound: str, tmp_path: Path
) -> None:
    source = _write(tmp_path / f"a.{ending}", muxer, codec, sound)
    cleaned = clean_video(source, tmp_path / "clean.mp4")
    assert (cleaned.width, cleaned.height) == (176, 144)
    with av.open(str(cleaned.path)) as container:
        assert [stream.codec_context.name for stream in container.streams] == ["h264", "aac"]
        assert sum(1 for _ in container.decode(video=0)) == 50
    assert all(abs(end - 2) < 0.15 for end in _lasts(cleaned.path).values())
    bright, dark = _brightness(cleaned.path, (20, 20), (150, 120))
    assert bright > 200
    assert dark < 50


@pytest.mark.parametrize(
    ("size", "is_copied"), [((1920, 1080), True), ((1080, 1920), True), ((2048, 1152), False)]
)
def test_only_what_is_too_large_to_play_everywhere_is_made_smaller(
    size: tuple[int, int], is_copied: bool, tmp_path: Path
) -> None:
    options = {"preset": "ultrafast"}
    source = _write(tmp_path / "a.mp4", "mp4", "libx264", size=size, instants=range(5), options=options)
    cleaned = clean_video(source, tmp_path / "clean.mp4")
    assert (cleaned.width, cleaned.height) == (size if is_copied else (1280, 720))


@pytest.mark.parametrize(("muxer", "codec"), [("mp4", "libx264"), ("vob", "mpeg2video")])
def test_pictures_of_two_halves_are_made_whole(muxer: str, codec: str, tmp_path: Path) -> None:
    options = {"flags": "+ildct+ilme", "top": "1"}
    stripes = _stripes((176, 144))
    source = _write(
        tmp_path / "a.mpg", muxer, codec, image=stripes, instants=range(15), options=options
    ).rename(tmp_path / f"a.{'mp4' if muxer == 'mp4' else 'mpg'}")
    with av.open(str(source)) as container:
        assert next(container.decode(video=0)).interlaced_frame
    cleaned = clean_video(source, tmp_path / "clean.mp4")
    with av.open(str(cleaned.path)) as container:
        assert sum(1 for _ in container.decode(video=0)) == 15
    column = _brightness(cleaned.path, *((80, line) for line in range(40, 60)))
    assert max(column) - min(column) < 40


def test_pixels_that_are_not_square_become_square(tmp_path: Path) -> None:
    source = _write(
        tmp_path / "a.mpg", "vob", "mpeg2video", size=(352, 288), pixel=Fraction(16, 11), instants=range(10)
    )
    cleaned = clean_video(source, tmp_path / "clean.mp4")
    assert (cleaned.width, cleaned.height) == (512, 288)
    poster(source, tmp_path / "poster.jpg")
    with Image.open(tmp_path / "poster.jpg") as image:
        assert image.size == (512, 288)


def test_sound_stays_in_step_with_the_picture_where_some_is_missing(tmp_path: Path) -> None:
    """Silent from 0.6 to 1.2 seconds, and so it is afterwards: what follows does not move forward."""
    heard = [number for number in range(100) if not 30 <= number < 60]
    source = _write(tmp_path / "a.mkv", "matroska", "mpeg4", "pcm_s16le", heard=heard)
    cleaned = clean_video(source, tmp_path / "clean.mp4")
    loud = _loudness(cleaned.path)
    assert all(level > 0.2 for level in (*loud[1:5], *loud[14:18]))
    assert all(level < 0.05 for level in loud[7:11])


def test_sound_that_begins_late_still_does(tmp_path: Path) -> None:
    source = _write(tmp_path / "a.mkv", "matroska", "mpeg4", "pcm_s16le", heard=range(50, 100))
    cleaned = clean_video(source, tmp_path / "clean.mp4")
    loud = _loudness(cleaned.path)
    assert all(level < 0.05 for level in loud[:9])
    assert all(level > 0.2 for level in loud[11:18])


def test_pictures_at_uneven_instants_keep_them(tmp_path: Path) -> None:
    instants = [0, 1, 2, 10, 11, 30, 49]
    source = _write(tmp_path / "a.mkv", "matroska", "mpeg4", instants=instants)
    cleaned = clean_video(source, tmp_path / "clean.mp4")
    with av.open(str(cleaned.path)) as container:
        shown = [round(frame.time * RATE) for frame in container.decode(video=0)]
    assert shown == instants


def test_it_begins_at_nought_wherever_the_original_began_to_count(tmp_path: Path) -> None:
    source = _write(
        tmp_path / "a.mpg", "mpegts", "mpeg2video", "mp2", instants=range(100, 150), heard=range(200, 300)
    )
    with av.open(str(source)) as container:
        assert container.start_time > 1_000_000
    cleaned = clean_video(source, tmp_path / "clean.mp4")
    with av.open(str(cleaned.path)) as container:
        assert next(container.decode(video=0)).time < 0.1
    assert 1.9 < float(cleaned.seconds) < 2.2


def test_how_far_it_is_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str, int]] = []
    monkeypatch.setattr(video.bounded, "tell", lambda step, percent: told.append((step, percent)))
    monkeypatch.setattr(video, "_BETWEEN_SIGNS_SECONDS", 0)
    clean_video(_write(tmp_path / "a.avi", "avi", "mpeg4"), tmp_path / "1.mp4")
    assert {step for step, _ in told} == {"Converting the video"}
    percents = [percent for _, percent in told]
    assert percents == sorted(percents)
    assert percents[0] < 10 < 90 < percents[-1] <= 95

    told.clear()
    clean_video(_write(tmp_path / "a.mp4", "mp4", "libx264"), tmp_path / "2.mp4")
    assert {step for step, _ in told} == {"Copying the video"}


@pytest.mark.parametrize(
    ("given", "wanted"),
    [((1920, 1080), (1280, 720)), ((1080, 1920), (720, 1280)), ((640, 480), (640, 480)), ((3, 5), (2, 4))],
)
def test_sizes_fit_and_are_even(given: tuple[int, int], wanted: tuple[int, int]) -> None:
    assert fitted(*given) == wanted
