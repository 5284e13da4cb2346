"""Captions as text: read from WebVTT or SRT, written anew in one plain form, redacted, told as a transcript.

What leaves here is cues and nothing else: no styles, no regions, no notes, no tags, no positions.  A voice
tag becomes the beginning of its cue's words ("Ms. Lee: ..."), so that a name in it is covered like any other.
"""

from __future__ import annotations

import html
import io
import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal

import webvtt
from webvtt.errors import MalformedCaptionError, MalformedFileError

from certification.kernel.errors import BadInput

from ..blinding.cleaning.results import Finding, excerpt
from ..blinding.identifiers import REMOVED, Term, find

MAX_BYTES = 1024 * 1024
MAX_CUES = 10_000
# What looks for the end of a tag must not look through a megabyte for each of a million beginnings.
MAX_LINE_LETTERS = 1_000
# An editor's captions may outlast the last picture a little.
SECONDS_BEYOND = 5
# How a finding says that it was made in captions.
WHERE = "captions"
CONTENT_TYPE = "text/vtt; charset=utf-8"
# What parts two paragraphs of the transcript: a silence of so many seconds, or, after so many letters,
# the end of a sentence.
_PARAGRAPH_PAUSE = 2
_PARAGRAPH_LETTERS = 400

# None of these looks at a letter twice, whatever is missing behind it.
_VOICE = re.compile(r"<v(?:\.[^\s<>]*+)?+[ \t]++([^<>]*+)>")
_TAG = re.compile(r"<[^<>]*+>")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\u2028\u2029]")


@dataclass(frozen=True, slots=True)
class Cue:
    """Words shown from `start` up to `end`, in milliseconds of the video; its lines are parted by \\n."""

    start: int
    end: int
    text: str


def read(data: bytes, name: str) -> tuple[Cue, ...]:
    """The cues of a WebVTT or SRT file in the order in which they begin.

    Raises:
        BadInput: too large, not text, not captions, or without a single cue.
    """
    if len(data) > MAX_BYTES:
        raise too_large(name)
    text = _decoded(data, name)
    if max(map(len, text.split("\n"))) > MAX_LINE_LETTERS:
        raise BadInput(
            f"“{name}” has a line of more than {MAX_LINE_LETTERS:,} letters, which nobody reads in time. "
            "Part the captions into shorter ones."
        )
    cues = parsed(text)
    if not cues:
        raise no_captions(name)
    if len(cues) > MAX_CUES:
        raise BadInput(f"“{name}” has {len(cues):,} captions; no video here takes more than {MAX_CUES:,}.")
    return cues


def parsed(text: str) -> tuple[Cue, ...]:
    """The cues of a text, those we wrote ourselves included; none where there are no captions in it."""
    text = text.lstrip()
    try:
        if text.startswith("WEBVTT"):
            found = webvtt.from_string(text)
        else:
            found = webvtt.from_buffer(io.StringIO(text), format="srt")
    except (MalformedFileError, MalformedCaptionError, ValueError, IndexError):
        return ()
    return tuple(sorted(_cues(found.captions), key=lambda cue: (cue.start, cue.end)))


def too_large(name: str) -> BadInput:
    """The refusal of a file that holds more than captions ever do."""
    return BadInput(f"“{name}” is larger than 1 MB, which no captions are. Upload the captions alone.")


def require_within(cues: Sequence[Cue], seconds: Decimal | None, name: str) -> None:
    """Refuse captions that go on after the video has ended: they are another video's.

    Raises:
        BadInput: the last one ends more than a little after the video.
    """
    end = max(cue.end for cue in cues)
    if seconds is not None and end > (seconds + SECONDS_BEYOND) * 1000:
        raise BadInput(
            f"“{name}” goes on until {_clock(end)}, but the video ends at {_clock(int(seconds * 1000))}. "
            "Choose the captions that belong to this video."
        )


def written(cues: Sequence[Cue]) -> str:
    """The cues as WebVTT, always in the same form."""
    blocks = [f"{_stamp(cue.start)} --> {_stamp(cue.end)}\n{_escaped(cue.text)}\n" for cue in cues]
    return "\n".join(["WEBVTT\n", *blocks])


def redacted(cues: Sequence[Cue], terms: Sequence[Term]) -> tuple[tuple[Cue, ...], list[Finding]]:
    """The cues without identifiers, and what was found; a name parted by two cues goes from both."""
    whole = "\n".join(cue.text for cue in cues)
    hidden = [False] * len(whole)
    matches = find(whole, terms)
    for match in matches:
        hidden[match.start : match.end] = [True] * (match.end - match.start)
    kept, starts, at = [], [], 0
    for cue in cues:
        starts.append(at)
        kept.append(Cue(cue.start, cue.end, _without(cue.text, hidden[at : at + len(cue.text)])))
        at += len(cue.text) + 1
    findings = []
    for match in matches:
        place = bisect_right(starts, match.start) - 1
        around = excerpt(whole, match.start, match.end)
        findings.append(
            Finding(f"{WHERE}, {_clock(cues[place].start)}", match.kind, match.term, None, around)
        )
    return tuple(kept), findings


def transcript(cues: Sequence[Cue]) -> str:
    """The words of the cues in paragraphs, parted by an empty line."""
    return "\n\n".join(_paragraphs(cues))


def _paragraphs(cues: Sequence[Cue]) -> Iterator[str]:
    words: list[str] = []
    until = 0
    for cue in cues:
        said = " ".join(cue.text.split())
        if not said or (words and words[-1] == said):  # rolling captions repeat the line above
            until = cue.end
            continue
        length = sum(map(len, words))
        is_new_thought = length > _PARAGRAPH_LETTERS and words[-1].endswith((".", "?", "!"))
        if words and (cue.start - until > _PARAGRAPH_PAUSE * 1000 or is_new_thought):
            yield " ".join(words)
            words = []
        words.append(said)
        until = cue.end
    if words:
        yield " ".join(words)


def _decoded(data: bytes, name: str) -> str:
    encoding = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else "utf-8-sig"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError:
        # Old editors of SRT write the letters of western Windows.
        if b"\0" in data or data.lstrip().startswith(b"WEBVTT"):
            raise no_captions(name) from None
        text = data.decode("cp1252", "replace")
    if "\0" in text:
        raise no_captions(name)
    return text.replace("\r\n", "\n").replace("\r", "\n")


def _cues(captions: Sequence[webvtt.Caption]) -> Iterator[Cue]:
    for caption in captions:
        start, end = (time.in_milliseconds() for time in (caption.start_time, caption.end_time))
        text = _plain(caption.raw_text)
        if text and end > start:
            yield Cue(start, end, text)


def _plain(raw: str) -> str:
    """The words alone: voices named before what they say, other tags gone, entities as their letters."""
    lines = (" ".join(_plain_line(line).split()) for line in raw.split("\n"))
    return "\n".join(line for line in lines if line)


def _plain_line(line: str) -> str:
    named = _VOICE.sub(lambda voice: f"{voice[1].strip()}: ", line)
    return _CONTROL.sub(" ", html.unescape(_TAG.sub("", named))).replace("\n", " ")


def _without(text: str, hidden: Sequence[bool]) -> str:
    pieces: list[str] = []
    for index, letter in enumerate(text):
        if not hidden[index]:
            pieces.append(letter)
        elif index == 0 or not hidden[index - 1]:
            pieces.append(REMOVED)
    return "".join(pieces)


def _escaped(text: str) -> str:
    """Fit for a cue: what could be read as a tag, an entity or an arrow is spelled out."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _stamp(milliseconds: int) -> str:
    seconds, rest = divmod(milliseconds, 1000)
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}.{rest:03d}"


def _clock(milliseconds: int) -> str:
    minutes, seconds = divmod(milliseconds // 1000, 60)
    return f"{minutes}:{seconds:02d}"


def no_captions(name: str) -> BadInput:
    return BadInput(f"“{name}” holds no captions we can read. Export them as WebVTT (.vtt) or SRT (.srt).")
