"""Captions: read from what candidates have, written in one form, without names, in step with the preview."""

from __future__ import annotations

import time
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import FileSystemStorage

from certification.kernel import bounded, reconcile
from certification.kernel.errors import BadInput, NotAllowed, WindowClosed
from certification.kernel.models import AuditEvent
from portfolio.blinding.identifiers import Identity, search_terms
from portfolio.models import Captions, Entry, Evidence, Preparation
from portfolio.renditions import making, moves, preparing, selectors, services, webvtt
from portfolio.renditions.webvtt import Cue
from portfolio.services import captions
from portfolio.states import PreparationState
from tests.factories import portfolio
from tests.factories import renditions as factory

DANA = search_terms(Identity(names=("Dana Whitfield",), organisations=("Lincoln Public Schools",)))
PLAIN = b"WEBVTT\n\n00:01.000 --> 00:02.000\nHello\n"


# ---- reading and writing ----


def test_styles_notes_tags_and_places_are_left_out() -> None:
    lines = [
        "\ufeffWEBVTT by Dana",
        "X-AUTHOR: Dana",
        "",
        "STYLE",
        "::cue { background: url(http://a/b) }",
        "",
        "REGION",
        "id:a",
        "",
        "NOTE for Dana",
        "",
        "dana-1",
        "00:01.000 --> 00:02.500 align:left position:10%",
        "<v.loud Ms. Lee>What <b>did</b> <c.red>you</c> <00:00:01.500>see?</v> 3 &lt; 4 &amp; 5",
        "- I saw it",
    ]
    data = "\r\n".join(lines).encode()
    cues = webvtt.read(data, "a.vtt")
    assert cues == (Cue(1000, 2500, "Ms. Lee: What did you see? 3 < 4 & 5\n- I saw it"),)
    assert webvtt.written(cues) == (
        "WEBVTT\n\n00:00:01.000 --> 00:00:02.500\nMs. Lee: What did you see? 3 &lt; 4 &amp; 5\n- I saw it\n"
    )
    assert webvtt.read(webvtt.written(cues).encode(), "again") == cues


def test_srt_is_taken_too_in_old_letters_and_in_any_order() -> None:
    data = "2\n00:01:00,000 --> 00:01:02,000\nZweitens\n\n1\n00:00:01,000 --> 00:00:02,000\n<i>Schön</i>\n"
    cues = (Cue(1000, 2000, "Schön"), Cue(60_000, 62_000, "Zweitens"))
    for encoding in ("utf-8", "cp1252", "utf-16"):
        assert webvtt.read(data.encode(encoding), "a.srt") == cues


@pytest.mark.parametrize(
    "data",
    [
        b"WEBVTT\n",
        b"WEBVTT\n\nNOTE nothing\n",
        b"WEBVTT\n\n00:02.000 --> 00:01.000\nbackwards\n",
        b"WEBVTT\n\n00:01.000 --> 00:02.000\n<b></b>\n",
        b"WEBVTT\n\n00:01.000 --> 00:02.000\n\xff\xfe\n",
        b"%PDF-1.7\n",
        b"PK\x03\x04" + bytes(100),
        b"just words\n",
        b"1\n00:00:01 --> 00:00:02\nno parts of a second\n",
        bytes(50),
        b"\xff\xfe\x00",
        b"<html><script>alert(1)</script></html>",
    ],
)
def test_what_holds_no_captions_is_refused_with_a_sentence(data: bytes) -> None:
    with pytest.raises(BadInput, match="holds no captions we can read"):
        webvtt.read(data, "a.vtt")


def test_a_megabyte_is_enough_and_many_thousand_captions_too_many() -> None:
    with pytest.raises(BadInput, match="larger than 1 MB"):
        webvtt.read(bytes(webvtt.MAX_BYTES + 1), "a.vtt")
    many = "WEBVTT\n" + "".join(
        f"\n00:{at // 60:02d}:{at % 60:02d}.000 --> 01:00:00.000\na\n" for at in range(20)
    )
    assert len(webvtt.read(many.encode(), "a.vtt")) == 20
    with pytest.raises(BadInput, match=r"10,001 captions"):
        webvtt.read(b"WEBVTT\n" + b"\n00:01.000 --> 00:02.000\na\n" * 10_001, "a.vtt")


@pytest.mark.parametrize(
    "line", [b"<v " * 333, b"<v.a" * 240 + b">"], ids=["tags that never end", "a voice of many classes"]
)
def test_captions_that_are_hard_to_read_are_read_in_seconds(line: bytes) -> None:
    block = b"\n00:01.000 --> 00:02.000\n" + line + b"\n"
    count = webvtt.MAX_BYTES // 4 // len(block)
    begun = time.perf_counter()
    with suppress(BadInput):
        webvtt.redacted(webvtt.read(b"WEBVTT\n" + block * count, "a.vtt"), DANA)
    assert time.perf_counter() - begun < 10


def test_what_looks_for_tags_looks_at_each_letter_once() -> None:
    """The line's limit stands before it, but other limits may come."""
    for hard in ("<v" + " " * 200_000, "<" * 200_000, "<v." * 70_000, "<v " * 70_000):
        begun = time.perf_counter()
        webvtt._plain(hard)
        assert time.perf_counter() - begun < 3, hard[:6]


def test_captions_we_wrote_are_read_whatever_is_in_them() -> None:
    cues = webvtt.read(b"WEBVTT\n\n00:01.000 --> 00:02.000\n" + b"&" * 1000 + b"\n-->\n", "a.vtt")
    assert webvtt.parsed(webvtt.written(cues)) == cues


def test_a_line_that_nobody_could_read_is_refused() -> None:
    with pytest.raises(BadInput, match=r"line of more than 1,000 letters"):
        webvtt.read(b"WEBVTT\n\n00:01.000 --> 00:02.000\n" + b"a" * 1001, "a.vtt")


@pytest.mark.parametrize(("end", "fits"), [(60_000, True), (65_000, True), (65_001, False)])
def test_captions_may_outlast_the_video_by_a_little(end: int, fits: bool) -> None:
    cues = [Cue(0, end, "a")]
    if fits:
        webvtt.require_within(cues, Decimal(60), "a.vtt")
    else:
        with pytest.raises(BadInput, match=r"goes on until 1:05, but the video ends at 1:00"):
            webvtt.require_within(cues, Decimal(60), "a.vtt")


def test_a_name_is_removed_even_where_two_captions_part_it() -> None:
    cues = [
        Cue(0, 1000, "This is Lincoln Public"),
        Cue(1000, 2000, "Schools, says Dana:"),
        Cue(2000, 3000, "Yes."),
    ]
    kept, findings = webvtt.redacted(cues, DANA)
    assert [cue.text for cue in kept] == ["This is [removed]", "[removed], says [removed]:", "Yes."]
    assert [(one.where, one.kind) for one in findings] == [
        ("captions, 0:00", "organisation"),
        ("captions, 0:01", "name part"),
    ]


def test_a_voice_is_a_name_like_any_other() -> None:
    cues = webvtt.read(b"WEBVTT\n\n00:01.000 --> 00:02.000\n<v Dana Whitfield>Hello</v>\n", "a.vtt")
    kept, _ = webvtt.redacted(cues, DANA)
    assert webvtt.written(kept).endswith("\n[removed]: Hello\n")


def test_the_transcript_has_paragraphs_where_nobody_speaks() -> None:
    cues = [
        Cue(0, 1000, "One"),
        Cue(1000, 2000, "two"),
        Cue(2000, 3000, "two"),
        Cue(5500, 6000, "three."),
    ]
    assert webvtt.transcript(cues) == "One two\n\nthree."


# ---- handing in ----


pytestmark = pytest.mark.django_db


@pytest.fixture
def film(tmp_path: Path, entry: Entry, now: datetime) -> Preparation:
    return factory.a_video(tmp_path, entry, now)


def _set(evidence: Evidence, now: datetime, data: bytes = PLAIN, **over: Any) -> Captions:
    given: dict[str, Any] = {
        "evidence_id": evidence.pk,
        "by": evidence.entry.candidacy.account,
        "file": ContentFile(data),
        "name": "clip.vtt",
        "now": now,
    }
    return captions.set_captions(**(given | over))


def test_captions_are_read_in_a_process_of_their_own_before_anything_is_locked(
    film: Preparation, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    did: list[str] = []

    def run(function: Any, *given: Any, **_: Any) -> Any:
        did.append(f"read in {function.__module__}")
        return function(*given)

    def recorded(*given: Any) -> Any:
        did.append("recorded")
        return record(*given)

    record = captions._recorded
    monkeypatch.setattr(captions.bounded, "run_bounded", run)
    monkeypatch.setattr(captions, "_recorded", recorded)
    _set(film.evidence, now)
    assert did == ["read in portfolio.renditions.webvtt", "recorded"]


@pytest.mark.parametrize(
    ("ending", "refusal", "said"),
    [
        (bounded.OutOfBounds("time"), BadInput, "holds no captions we can read"),
        (bounded.Interrupted(), NotAllowed, "Wait a minute and upload it again"),
    ],
)
def test_captions_that_nobody_could_read_are_refused_with_a_sentence(
    film: Preparation,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
    ending: Exception,
    refusal: type[Exception],
    said: str,
) -> None:
    def end(*_: object, **__: object) -> None:
        raise ending

    monkeypatch.setattr(captions.bounded, "run_bounded", end)
    with pytest.raises(refusal, match=said):
        _set(film.evidence, now)
    assert not Captions.objects.exists()


@pytest.mark.parametrize("left", ["file", "transcript"])
def test_captions_are_looked_at_once_more(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, left: str) -> None:
    """As all copies are, by other means than what took the names out."""
    text = "WEBVTT\n\n00:01.000 --> 00:02.000\nAsk Dana\n"
    if left == "file":
        monkeypatch.setattr(webvtt, "redacted", lambda cues, terms: (cues, []))
        monkeypatch.setattr(webvtt, "transcript", lambda cues: "")
    else:
        monkeypatch.setattr(webvtt, "transcript", lambda cues: "Ask Dana")
    with pytest.raises(BadInput, match="still hold an identifier"):
        making.redact_captions(text, DANA, DANA, tmp_path)


def test_captions_take_the_place_of_those_before_and_the_same_again_changes_nothing(
    film: Preparation, now: datetime
) -> None:
    first = _set(film.evidence, now)
    assert _set(film.evidence, now + timedelta(minutes=1)).added_at == first.added_at
    second = _set(film.evidence, now, PLAIN.replace(b"Hello", b"Good day"), name="folder\\other.vtt")
    assert Captions.objects.get() == second
    assert (second.original_name, "Good day" in second.text) == ("other.vtt", True)
    assert AuditEvent.objects.filter(action="set captions").count() == 2
    for _ in range(2):
        captions.remove_captions(
            evidence_id=film.evidence_id, by=film.evidence.entry.candidacy.account, now=now
        )
    assert not Captions.objects.exists()
    assert AuditEvent.objects.filter(action="removed captions").count() == 1


def test_captions_are_refused_whole(film: Preparation, now: datetime) -> None:
    for data, why in (
        (b"", "is empty"),
        (b"nothing", "holds no captions"),
        (bytes(webvtt.MAX_BYTES + 1), "larger than 1 MB"),
        (PLAIN.replace(b"00:02.000", b"00:12.000"), "the video ends at 0:02"),
    ):
        with pytest.raises(BadInput, match=why):
            _set(film.evidence, now, data)
    assert not Captions.objects.exists()


def test_captions_belong_to_a_video_of_ones_own(
    film: Preparation, tmp_path: Path, entry: Entry, now: datetime
) -> None:
    paper = factory.a_document(tmp_path, entry, now)
    with pytest.raises(Evidence.DoesNotExist):
        _set(paper.evidence, now)
    with pytest.raises(Evidence.DoesNotExist):
        _set(film.evidence, now, by=portfolio.a_candidate(entry.candidacy.cohort).account)


def test_captions_change_only_while_the_entry_is_prepared(
    film: Preparation, tmp_path: Path, entry: Entry, now: datetime
) -> None:
    _set(film.evidence, now)
    with pytest.raises(WindowClosed):
        _set(film.evidence, now + timedelta(days=365))
    factory.a_document(tmp_path, entry, now)
    portfolio.submit(entry, now)
    by = entry.candidacy.account
    with pytest.raises(NotAllowed, match="is submitted"):
        _set(film.evidence, now, PLAIN.replace(b"Hello", b"x"))
    with pytest.raises(NotAllowed, match="is submitted"):
        captions.remove_captions(evidence_id=film.evidence_id, by=by, now=now)


# ---- in the preview ----


def test_changed_captions_are_drawn_again_and_nothing_else_is(
    originals: FileSystemStorage, film: Preparation, now: datetime, monkeypatch: pytest.MonkeyPatch
) -> None:
    factory.prepare_all(now)
    video = selectors.preview(film.evidence_id).video

    def never(*args: object) -> None:
        raise AssertionError("the video was made again")

    monkeypatch.setattr(making, "video", never)
    monkeypatch.setattr(making, "poster", never)
    # What takes a second is not left to whoever converts videos.
    for text, seen in (("I am Ottoline.", "I am [removed]."), ("And you?", "And you?")):
        factory.a_caption(film.evidence, now, text)
        film.refresh_from_db()
        assert film.state == PreparationState.RECEIVED
        assert reconcile.run(moves.SHORT, now)["ready"] == 1  # type: ignore[index]
        shown = selectors.preview(film.evidence_id)
        assert (shown.transcript, shown.video) == ((seen,), video)
        assert any(one.where == "captions, 0:00" for one in shown.sightings) == ("removed" in seen)
    captions.remove_captions(evidence_id=film.evidence_id, by=film.evidence.entry.candidacy.account, now=now)
    assert reconcile.run(moves.SHORT, now)["ready"] == 1  # type: ignore[index]
    shown = selectors.preview(film.evidence_id)
    assert (shown.captions, shown.transcript, shown.video) == (None, (), video)
    services.keep_up(now)
    assert factory.stored(originals) == factory.claimed()


@pytest.mark.parametrize("removed", [True, False])
def test_captions_changed_while_they_are_drawn_are_drawn_as_they_are_now(
    removed: bool,
    originals: FileSystemStorage,
    film: Preparation,
    now: datetime,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    factory.a_caption(film.evidence, now, "Before")
    real = preparing.making.captions
    changed: list[bool] = []

    def change_first(*args: Any) -> Any:
        drawn = real(*args)
        if not changed:
            changed.append(True)
            by = film.evidence.entry.candidacy.account
            if removed:
                captions.remove_captions(evidence_id=film.evidence_id, by=by, now=now)
            else:
                factory.a_caption(film.evidence, now, "After")
        return drawn

    monkeypatch.setattr(preparing.making, "captions", change_first)
    assert factory.prepare_all(now)["ready"] == 1
    assert selectors.preview(film.evidence_id).transcript == (() if removed else ("After",))
    services.keep_up(now)
    assert factory.stored(originals) == factory.claimed()
