"""What a rehearsal found out, in words: plain functions from figures to sentences."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from ..uploads.limits import shown_bytes
from .rules import (
    DAY,
    HOUR,
    LEAN_PACE,
    LEAST_JUDGED_SECONDS,
    MINUTE,
    Band,
    Estimate,
    Line,
    ToSend,
    rounded_up,
)
from .states import Treatment

_NUMBERS = ("no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten")
_CODECS = {
    "h264": "H.264",
    "hevc": "HEVC (H.265)",
    "vp8": "VP8",
    "vp9": "VP9",
    "av1": "AV1",
    "prores": "ProRes",
    "mpeg2video": "MPEG-2",
    "mpeg1video": "MPEG-1",
    "mpeg4": "MPEG-4",
    "wmv1": "Windows Media",
    "wmv2": "Windows Media",
    "wmv3": "Windows Media",
    "vc1": "Windows Media",
    "mjpeg": "Motion JPEG",
}
_FORMATS = {"webm": "WebM"}
PHONE_SETTING = (
    "Film another clip with the phone’s usual settings: on an iPhone choose Settings, Camera, Formats, "
    "Most Compatible; on an Android phone turn off “High efficiency video” in the camera’s settings. "
    "A clip out of another app is best exported as MP4."
)


@dataclass(frozen=True, slots=True)
class Told:
    """A notice: how it is meant, and what it says."""

    tone: str
    title: str
    body: str


def duration(seconds: int) -> str:
    """`less than a minute`, `about 9 minutes`, `about 1 hour 15 minutes`, `about 2 days`."""
    if seconds < MINUTE:
        return "less than a minute"
    whole = rounded_up(seconds)
    if whole < HOUR:
        return f"about {counted(whole // MINUTE, 'minute', in_words=False)}"
    if whole <= DAY:
        hours, minutes = divmod(whole // MINUTE, 60)
        said = counted(hours, "hour", in_words=False)
        return f"about {said} {minutes} minutes" if minutes else f"about {said}"
    return f"about {whole // DAY} days"


def length(seconds: Decimal) -> str:
    """`6 seconds`, `1:05 minutes`: of a clip."""
    minutes, rest = divmod(int(seconds), MINUTE)
    return f"{minutes}:{rest:02d} minutes" if minutes else counted(rest, "second", in_words=False)


def speed(line: Line) -> str:
    """`8.4 Mbit/s`, in two figures, as nobody knows more."""
    rate = line.megabits_per_second
    if rate >= 10:
        return f"{round(rate)} Mbit/s"
    return f"{float(rate):.1f} Mbit/s" if rate >= Fraction(1, 10) else f"{float(rate):.2f} Mbit/s"


def size(number: int) -> str:
    """`1.3 GB`, `650 MB`: as the slots write their limits, and no finer than it is known."""
    amount, unit = shown_bytes(number).replace(",", "").split(" ")
    return f"{float(amount):.0f} {unit}" if float(amount) >= 10 else f"{amount} {unit}"


def counted(number: int, noun: str, *, in_words: bool = True) -> str:
    """`six videos`, `1 minute`."""
    said = _NUMBERS[number] if in_words and number < len(_NUMBERS) else str(number)
    return f"{said} {noun}{'' if number == 1 else 's'}"


def codec_name(codec: str) -> str:
    """The name on a camera's box, where it has one."""
    return _CODECS.get(codec, codec.upper())


def format_name(format_: str) -> str:
    return _FORMATS.get(format_, format_.upper())


def headline(estimate: Estimate) -> str:
    """`About 25 minutes for all six videos and two documents; the longest file about 9 minutes.`"""
    what = _all_of(estimate)
    said = f"{_capital(duration(estimate.seconds))} for {what}"
    if estimate.videos + estimate.documents == 1 or estimate.longest < MINUTE:
        return f"{said}."
    return f"{said}; the longest {'video' if estimate.videos else 'file'} {duration(estimate.longest)}."


def of_time(estimate: Estimate, lean: Estimate | None) -> Told:
    """What to do about an upload that takes so long; `lean` is the same filmed at 720p."""
    allow = duration(estimate.seconds_to_allow).removeprefix("about ")
    resumes = (
        "An upload that breaks off goes on where it stopped: "
        "you may close the page, and choose the same file again later."
    )
    smaller = ""
    if lean is not None:
        smaller = f" Filmed at 720p, the same would take {duration(lean.seconds)}."
    match estimate.band:
        case Band.CALM:
            return Told("success", "Your line will do", f"Allow {allow} all the same. {resumes}")
        case Band.EVENING:
            return Told(
                "info",
                "Set a quiet evening aside",
                f"Allow {allow}, and do not leave it to the last evening. {resumes}{smaller}",
            )
        case Band.DAYS:
            return Told(
                "warn",
                "Begin some days before the window closes",
                f"Allow {allow} on this line. Send each video when it is ready, or send them all "
                f"from a place with a quicker line, such as your school. {resumes}{smaller}",
            )
        case Band.OTHER_LINE:
            return Told(
                "danger",
                "Use another line",
                "On this line it would take longer than anybody should wait. Rehearse again at school, at a "
                f"library, or with a phone’s mobile connection.{smaller}",
            )


def of_clip(codec: str, treatment: str, has_sound: bool, seconds: Decimal) -> list[Told]:
    """What becomes of videos like this clip, and what is wrong with it."""
    name = codec_name(codec)
    said = []
    if treatment == Treatment.KEPT:
        said.append(
            Told(
                "success",
                "Your camera’s video plays everywhere",
                f"{name} is kept as you filmed it, apart from what it says about you.",
            )
        )
    else:
        said.append(
            Told(
                "success",
                "Your camera’s video is fine",
                f"{_why_converted(codec)}, so we make a copy that plays everywhere. "
                "You need not change or convert anything.",
            )
        )
    if not has_sound:
        said.append(
            Told(
                "warn",
                "The clip has no sound",
                "Scorers must hear what is said. Check the microphone, and that the app may use it, "
                "and film another clip.",
            )
        )
    if seconds < LEAST_JUDGED_SECONDS:
        said.append(
            Told(
                "info",
                "The clip is very short",
                "How large your videos will be cannot be told from it. Film ten seconds or more.",
            )
        )
    return said


def of_limits(beyond: Sequence[ToSend], refusing: Sequence[ToSend], format_: str) -> list[Told]:
    """What the slots would not take of this camera's videos."""
    said = []
    if refusing:
        first = refusing[0]
        takes = " or ".join(format_name(one) for one in first.formats)
        said.append(
            Told(
                "warn",
                f"{_titles(refusing)} not take {format_name(format_)}",
                f"“{first.slot}” takes {takes}. Change the camera’s format, or export the video first.",
            )
        )
    if beyond:
        first = beyond[0]
        minutes = f"{first.max_minutes.normalize():f}" if first.max_minutes is not None else "long"
        length = f"of {minutes} minutes" if first.max_minutes is not None else "as long as usual"
        said.append(
            Told(
                "warn",
                "At this quality a full-length video would be too large",
                f"“{first.slot}” takes {size(first.max_bytes)} at most; a video {length} "
                "would have more. Set the camera to 1080p or 720p with 30 pictures a second.",
            )
        )
    return said


def is_worth_saying(estimate: Estimate, pace: Fraction) -> bool:
    """Whether filming at 720p would help much with an upload that is no small matter."""
    return estimate.band is not Band.CALM and pace > LEAN_PACE * Fraction(3, 2)


def _why_converted(codec: str) -> str:
    if codec == "h264":
        return "It is larger or finer than every browser shows"
    return f"{codec_name(codec)} is not played by every browser"


def _all_of(estimate: Estimate) -> str:
    parts = []
    if estimate.videos:
        parts.append(counted(estimate.videos, "video"))
    if estimate.documents:
        parts.append(counted(estimate.documents, "document"))
    if estimate.videos + estimate.documents == 1:
        return f"the {parts[0].removeprefix('one ')}"
    return f"all {' and '.join(parts)}" if estimate.videos != 1 else f"the {' and '.join(parts)}"


def _titles(slots: Sequence[ToSend]) -> str:
    return "One slot does" if len(slots) == 1 else f"{_capital(counted(len(slots), 'slot'))} do"


def _capital(said: str) -> str:
    return f"{said[:1].upper()}{said[1:]}"
