"""An upload is what its bytes are; hostile and broken files are refused with a sentence that helps."""

from __future__ import annotations

import io
import re
import struct
import zipfile
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import av
import pikepdf
import pytest
from PIL import Image

from certification.kernel.errors import BadInput
from certification.season.files import make_docx, make_mp4, make_pdf
from portfolio.blinding.identifiers import Identity
from portfolio.models import Slot
from portfolio.slots import slot_rules
from portfolio.uploads import office, packages
from portfolio.uploads.formats import EVERY_FORMAT, advice_for
from portfolio.uploads.inspect import Inspection, SlotLimits, check_limits, inspect
from portfolio.uploads.limits import shown_bytes

DANA = Identity(names=("Dana Whitfield",), emails=("dana@lincoln.org",), organisations=("Lincoln Schools",))
CONTENT_TYPES = (
    '<?xml version="1.0"?><Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
    '<Override PartName="/word/document.xml" ContentType="application/vnd.openxmlformats-officedocument.'
    'wordprocessingml.document.main+xml"/></Types>'
)


def _pdf_bytes(tmp_path: Path) -> bytes:
    return make_pdf(tmp_path / "source.pdf", identity=DANA).read_bytes()


def _docx_bytes(tmp_path: Path) -> bytes:
    return make_docx(tmp_path / "source.docx", identity=DANA).read_bytes()


def _mp4_bytes(tmp_path: Path) -> bytes:
    return make_mp4(tmp_path / "source.mp4", identity=DANA).read_bytes()


def _locked_pdf(tmp_path: Path) -> bytes:
    make_pdf(tmp_path / "open.pdf", identity=DANA)
    with pikepdf.open(tmp_path / "open.pdf") as pdf:
        pdf.save(tmp_path / "locked.pdf", encryption=pikepdf.Encryption(owner="a", user="b"))
    return (tmp_path / "locked.pdf").read_bytes()


def _empty_pdf(tmp_path: Path) -> bytes:
    with pikepdf.new() as pdf:
        pdf.save(tmp_path / "empty.pdf")
    return (tmp_path / "empty.pdf").read_bytes()


def _package(**parts: bytes | str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as package:
        for name, content in parts.items():
            package.writestr(name, content)
    return out.getvalue()


def _word(body: bytes | str = "<w:document/>", **parts: bytes | str) -> bytes:
    return _package(**{"[Content_Types].xml": CONTENT_TYPES, "word/document.xml": body, **parts})


def _encrypted_flag(tmp_path: Path) -> bytes:
    data = bytearray(_word())
    for signature, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        for found in re.finditer(signature, bytes(data)):
            data[found.start() + offset] |= 1
    return bytes(data)


def _damaged_docx(tmp_path: Path) -> bytes:
    data = bytearray(_docx_bytes(tmp_path))
    with zipfile.ZipFile(io.BytesIO(bytes(data))) as package:
        at = package.getinfo("word/document.xml").header_offset + 80
    data[at : at + 200] = bytes(200)
    return bytes(data)


def _sound_only(tmp_path: Path) -> bytes:
    with av.open(str(tmp_path / "sound.mp4"), "w") as container:
        stream = container.add_stream("aac", rate=16000, layout="mono")
        frame = av.AudioFrame(format="s16", layout="mono", samples=1024)
        frame.sample_rate = 16000
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    return (tmp_path / "sound.mp4").read_bytes()


def _garbled_moov(tmp_path: Path) -> bytes:
    data = bytearray(_mp4_bytes(tmp_path))
    at = data.index(b"moov")
    data[at + 4 : -8] = b"\xff" * (len(data) - at - 12)
    return bytes(data)


def _picture(kind: str) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", (8, 8)).save(out, kind)
    return out.getvalue()


def _constant(data: bytes) -> Callable[[Path], bytes]:
    return lambda tmp_path: data


MACRO_TYPES = CONTENT_TYPES.replace("openxmlformats-officedocument.wordprocessingml", "ms-word").replace(
    "document.main+xml", "document.macroEnabled.main+xml"
)
LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><w:document>&b;</w:document>'
)
OLE = office.OLE + bytes(600)

HOSTILE: list[tuple[str, str, Callable[[Path], bytes], str]] = [
    ("zero bytes", "a.pdf", _constant(b""), "is empty (0 bytes)"),
    ("a mere header", "a.pdf", _constant(b"%PDF-1.7\n"), "broken or incomplete PDF"),
    (
        "noise with a PDF header",
        "a.pdf",
        _constant(b"%PDF-1.7\n" + b"\x99" * 999 + b"startxref"),
        "broken or inc",
    ),
    ("a PDF cut in half", "a.pdf", lambda t: _pdf_bytes(t)[:1500], "broken or incomplete PDF"),
    ("a PDF with a password", "a.pdf", _locked_pdf, "protected with a password"),
    ("a PDF without pages", "a.pdf", _empty_pdf, "has no pages"),
    ("a PDF named docx", "a.docx", _pdf_bytes, "is really a PDF file, not what its ending .docx says"),
    ("a PDF named mp4", "a.mp4", _pdf_bytes, "is really a PDF file"),
    ("a PDF named exe", "a.exe", _pdf_bytes, "is really a PDF file"),
    ("a docx named pdf", "a.pdf", _docx_bytes, "is really a DOCX file"),
    ("an mp4 named pdf", "a.pdf", _mp4_bytes, "is really an MP4 file"),
    ("an mp4 named webm", "a.webm", _mp4_bytes, "is really an MP4 file"),
    ("a JPEG named pdf", "a.pdf", lambda t: _picture("JPEG"), "is a JPEG picture"),
    ("a PNG named mp4", "a.mp4", lambda t: _picture("PNG"), "is a PNG picture"),
    (
        "a web page named docx",
        "a.docx",
        _constant(b"<html><script>1</script>"),
        "is a web page",
    ),
    ("a program named pdf", "a.pdf", _constant(b"MZ" + bytes(500)), "is a Windows program"),
    ("a playlist named mp4", "a.mp4", _constant(b"#EXTM3U\nfile:///etc/passwd\n"), "is a playlist"),
    (
        "an instruction to join files",
        "a.mp4",
        _constant(b"ffconcat version 1.0\nfile /etc/passwd"),
        "not a document",
    ),
    ("a rich text file", "a.docx", _constant(b"{\\rtf1 hello}"), "rich text"),
    ("an old Word file", "a.doc", _constant(OLE), "old Office format of before 2007"),
    (
        "a Word file with a password",
        "a.docx",
        _constant(OLE + "EncryptedPackage".encode("utf-16-le")),
        "password",
    ),
    ("a plain ZIP", "a.docx", lambda t: _package(**{"a.txt": "hello"}), "is a ZIP archive, not a document"),
    (
        "a spreadsheet",
        "a.docx",
        lambda t: _package(**{"[Content_Types].xml": "<Types/>"}),
        "but no Word document",
    ),
    ("macros", "a.docm", lambda t: _word(**{"word/vbaProject.bin": b"x"}), "holds macros"),
    ("macros under a plain name", "a.docx", lambda t: _word(**{"word/vbaProject.bin": b"x"}), "holds macros"),
    (
        "a macro content type",
        "a.docx",
        lambda t: _package(**{"[Content_Types].xml": MACRO_TYPES}),
        "holds macros",
    ),
    ("a docx cut short", "a.docx", lambda t: _docx_bytes(t)[:9000], "broken Word document"),
    ("a docx with a damaged part", "a.docx", _damaged_docx, "broken Word document"),
    (
        "a docx without a body",
        "a.docx",
        lambda t: _package(**{"[Content_Types].xml": CONTENT_TYPES}),
        "broken Word",
    ),
    ("a part with a password", "a.docx", _encrypted_flag, "protected with a password"),
    ("entities that multiply", "a.docx", _constant(_word(LAUGHS)), "broken Word document"),
    ("entities in UTF-16", "a.docx", lambda t: _word(LAUGHS.encode("utf-16")), "broken Word document"),
    (
        "a dense bomb",
        "a.docx",
        lambda t: _word(**{"word/media/a.bin": bytes(24 * 2**20)}),
        "unpacks to far more",
    ),
    (
        "an endless body",
        "a.docx",
        lambda t: _word(b"<w:document>" + b" " * 33 * 2**20),
        "unpacks to far more",
    ),
    (
        "too many parts",
        "a.docx",
        lambda t: _word(**{f"word/{n}.bin": b"" for n in range(5001)}),
        "unpacks to far",
    ),
    ("a video cut short", "a.mp4", lambda t: _mp4_bytes(t)[:9000], "cut short"),
    (
        "a video without an index",
        "a.mp4",
        _constant(b"\0\0\0\x18ftypisom\0\0\0\0isomiso2\0\0\0\x08mdat"),
        "cut short",
    ),
    ("a box longer than the file", "a.mov", _constant(struct.pack(">I4sQ", 1, b"moov", 2**60)), "cut short"),
    ("a garbled index", "a.mp4", _garbled_moov, "broken video"),
    ("sound without picture", "a.mp4", _sound_only, "has no picture"),
    ("a HEIC picture", "a.mp4", _constant(b"\0\0\0\x18ftypheic" + bytes(99)), "is a HEIC picture"),
    ("a Matroska header alone", "a.mkv", _constant(b"\x1a\x45\xdf\xa3" + bytes(50)), "broken video"),
]


@pytest.mark.parametrize(
    ("name", "make", "sentence"), [case[1:] for case in HOSTILE], ids=[case[0] for case in HOSTILE]
)
def test_a_hostile_file_is_refused_with_its_reason(
    name: str, make: Callable[[Path], bytes], sentence: str, tmp_path: Path
) -> None:
    upload = tmp_path / "upload" / "0001"
    upload.parent.mkdir()
    upload.write_bytes(make(tmp_path))
    with pytest.raises(BadInput) as refusal:
        inspect(upload, name)
    assert sentence in refusal.value.message
    assert f"“{name}”" in refusal.value.message
    assert refusal.value.message.endswith(".")
    assert [left.name for left in upload.parent.iterdir()] == ["0001"]


A_VIDEO = "an MP4, MOV, M4V, WebM, MKV, AVI, WMV or MPG video"


def test_a_misnamed_file_is_told_its_ending_only_where_it_is_taken(tmp_path: Path) -> None:
    make_pdf(tmp_path / "0001", identity=DANA)
    with pytest.raises(BadInput, match=r"give it the ending \.pdf, and upload it once more\.$"):
        inspect(tmp_path / "0001", "a.docx", ["pdf", "docx"])
    with pytest.raises(BadInput, match=r"says\. Upload a Word \(\.docx\) document\.$"):
        inspect(tmp_path / "0001", "a.docx", ["docx"])


@pytest.mark.parametrize(
    ("takes", "advice"),
    [
        (["mp4"], "Upload an MP4 video."),
        (["mov", "mp4"], "Upload an MP4 or MOV video."),
        (["pdf", "webm"], "Upload a PDF document, or a WebM video."),
        (EVERY_FORMAT, f"Upload a PDF, Word (.docx) or OpenDocument (.odt) document, or {A_VIDEO}."),
    ],
)
def test_only_what_is_taken_is_advised(takes: list[str], advice: str) -> None:
    assert advice_for(takes) == advice


def test_a_slot_without_formats_takes_every_format_of_its_kind() -> None:
    assert SlotLimits(title="A", kind="document").takes == ("pdf", "docx", "odt")
    assert SlotLimits(title="A", kind="document", formats=("docx",)).takes == ("docx",)


def test_a_pdf_is_counted_in_pages(tmp_path: Path) -> None:
    path = make_pdf(tmp_path / "a.pdf", identity=DANA, pages=7)
    found = inspect(path, "essay.PDF")
    assert (found.kind, found.format, found.pages, found.size) == ("document", "pdf", 7, path.stat().st_size)
    assert len(found.sha256) == 64


def test_a_pdf_that_only_forbids_printing_is_read(tmp_path: Path) -> None:
    make_pdf(tmp_path / "open.pdf", identity=DANA)
    with pikepdf.open(tmp_path / "open.pdf") as pdf:
        pdf.save(tmp_path / "a.pdf", encryption=pikepdf.Encryption(owner="a", user=""))
    assert inspect(tmp_path / "a.pdf", "a.pdf").pages == 2


def test_a_word_document_has_at_least_as_many_pages_as_its_breaks_make(tmp_path: Path) -> None:
    assert inspect(make_docx(tmp_path / "a.docx", identity=DANA, pages=4), "a.docx").pages == 4


def test_a_break_that_straddles_two_reads_counts_once(tmp_path: Path) -> None:
    lead = b"<w:document>"
    body = lead + b" " * (packages.CHUNK - len(lead) - 8) + b'<w:br w:type="page"/></w:document>'
    (tmp_path / "a.docx").write_bytes(_word(body))
    assert inspect(tmp_path / "a.docx", "a.docx").pages == 2


@pytest.mark.parametrize(
    ("ending", "picture", "sound", "format_"),
    [
        ("mp4", "libx264", "aac", "mp4"),
        ("mov", "libx264", "aac", "mov"),
        ("m4v", "libx264", "aac", "m4v"),
        ("webm", "libvpx-vp9", "libopus", "webm"),
        ("mkv", "libx264", "aac", "mkv"),
    ],
)
def test_a_video_is_measured(ending: str, picture: str, sound: str, format_: str, tmp_path: Path) -> None:
    path = tmp_path / f"a.{ending}"
    muxer = {"m4v": "ipod", "mkv": "matroska"}.get(ending, ending)
    with av.open(str(path), "w", format=muxer) as container:
        video: Any = container.add_stream(picture, rate=10)
        video.width, video.height, video.pix_fmt = 64, 48, "yuv420p"
        audio: Any = container.add_stream(sound, rate=48000, layout="mono")
        for number in range(20):
            frame = av.VideoFrame.from_image(Image.new("RGB", (64, 48), (number, 0, 0)))
            for packet in video.encode(frame.reformat(format="yuv420p")):
                container.mux(packet)
        for _ in range(40):
            sounds = av.AudioFrame(format="s16", layout="mono", samples=960)
            sounds.sample_rate = 48000
            for packet in audio.encode(sounds):
                container.mux(packet)
        for packet in [*video.encode(None), *audio.encode(None)]:
            container.mux(packet)
    found = inspect(path, f"Lesson.{ending}")
    assert (found.kind, found.format, found.has_audio, found.width, found.height) == (
        "video",
        format_,
        True,
        64,
        48,
    )
    assert found.seconds is not None
    assert Decimal("1.9") <= found.seconds <= Decimal("2.2")


def test_endings_of_one_family_and_no_ending_are_no_contradiction(tmp_path: Path) -> None:
    path = make_mp4(tmp_path / "a", identity=DANA)
    assert {inspect(path, name).format for name in ("a.mov", "a.M4V", "clip", "a.mp4")} == {"mp4"}


def test_a_name_is_shown_without_folders_and_control_characters(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"")
    with pytest.raises(BadInput, match=r"“passwd\.pdf” is empty"):
        inspect(tmp_path / "a", "../../etc/pass\u202ewd.pdf\x00\n")


TRIM = "Trim it and upload it again."
SMALLER = "Export it at a lower quality or resolution and upload it again."
SLOT = SlotLimits(
    title="Identify conversation", kind="video", formats=("mp4", "mov"), max_minutes=10, max_bytes=1000
)


def _clip(seconds: str, *, size: int = 1000, format_: str = "mp4") -> Inspection:
    return Inspection("video", format_, "0" * 64, size, seconds=Decimal(seconds))


@pytest.mark.parametrize("seconds", ["600", "600.999", "0.5"])
def test_a_clip_within_the_limit_has_no_complaint(seconds: str) -> None:
    assert check_limits(_clip(seconds), slot=SLOT) == []


@pytest.mark.parametrize(
    ("seconds", "shown", "over"),
    [
        ("702", "11:42", "1:42"),
        ("601", "10:01", "0:01"),
        ("4000", "1:06:40", "56:40"),
        ("14400", "4:00:00", "3:50:00"),
    ],
)
def test_a_long_clip_is_told_by_how_much(seconds: str, shown: str, over: str) -> None:
    assert check_limits(_clip(seconds), slot=SLOT) == [
        f"“Identify conversation” allows 10 minutes; yours is {shown}, {over} too long. {TRIM}"
    ]


def test_every_overrun_is_told_not_only_the_first() -> None:
    assert check_limits(_clip("700", size=1001, format_="webm"), slot=SLOT) == [
        "“Identify conversation” accepts MP4, MOV; yours is WEBM. Export it as one of these.",
        f"“Identify conversation” allows 10 minutes; yours is 11:40, 1:40 too long. {TRIM}",
        f"“Identify conversation” allows 1,000 bytes; yours is 1,001 bytes, 1 byte too large. {SMALLER}",
    ]


def test_pages_sizes_and_kinds_are_compared_exactly() -> None:
    slot = SlotLimits(title="Reflection", kind="document", max_pages=1, max_bytes=2 * 1024**2)
    paper = Inspection("document", "pdf", "0" * 64, 2 * 1024**2 + 1, pages=2)
    assert check_limits(paper, slot=slot) == [
        "“Reflection” allows 1 page; yours has 2, 1 too many. Shorten it and upload it again.",
        f"“Reflection” allows 2 MB; yours is 2,097,153 bytes, 1 byte too large. {SMALLER}",
    ]
    assert check_limits(_clip("5"), slot=slot) == [
        "“Reflection” takes a document; yours is a video. Upload a document here."
    ]


@pytest.mark.parametrize(
    ("size", "shown"), [(1, "1 byte"), (1023, "1,023 bytes"), (1536, "1.5 KB"), (300 * 1024**2, "300 MB")]
)
def test_a_size_is_written_alike_beside_the_slot_and_in_a_refusal(size: int, shown: str) -> None:
    assert shown_bytes(size) == shown
    assert slot_rules(Slot(kind="document", max_bytes=size)).limits[-1] == f"up to {shown}"
