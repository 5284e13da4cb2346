"""Hostile uploads, through the page: a clear sentence, no row, no object; nothing runs on the way out."""

from __future__ import annotations

import html
import io
import zipfile
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any, cast

import av
import pikepdf
import pytest
from django.core.files.storage import storages
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from PIL import Image

from candidates.models import Candidacy
from certification.kernel import clock
from certification.kernel.models import AuditEvent
from portfolio.blinding.cleaning import clean_document
from portfolio.models import Entry, Evidence, Slot
from tests.factories import portfolio as make
from tests.factories.accounts import signed_in

pytestmark = pytest.mark.django_db

_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"


def a_sheet(width: float, height: float, *, pages: int = 1) -> bytes:
    """A PDF whose last page claims a size."""
    out = io.BytesIO()
    with pikepdf.new() as pdf:
        for _ in range(pages):
            pdf.add_blank_page(page_size=(200, 200))
        pdf.pages[-1].MediaBox = pikepdf.Array([0, 0, width, height])
        pdf.save(out)
    return out.getvalue()


def a_clip(*, side: int = 64, seconds: int = 2, codec: str = "mpeg4") -> bytes:
    """A silent black video of one frame a second."""
    out = io.BytesIO()
    with av.open(out, "w", format="mov") as target:
        stream = cast(av.VideoStream, target.add_stream(codec, rate=1))
        stream.width = stream.height = side
        stream.pix_fmt = "gray" if codec == "png" else "yuv420p"
        for number in range(seconds):
            frame = av.VideoFrame(side, side, stream.pix_fmt)
            for plane in frame.planes:
                plane.update(bytes(plane.buffer_size))
            frame.pts = number
            target.mux(stream.encode(frame))
        target.mux(stream.encode(None))
    return out.getvalue()


def a_word_file(target: str) -> bytes:
    """A Word document whose only picture is a link to `target`."""
    parts = {
        "[Content_Types].xml": (
            f'<Types xmlns="{_PACKAGE}/content-types">'
            '<Default Extension="rels"'
            ' ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Override PartName="/word/document.xml" ContentType='
            '"application/vnd.openxmlformats-officedocument.wordprocessingml.document.main+xml"/></Types>'
        ),
        "_rels/.rels": (
            f'<Relationships xmlns="{_PACKAGE}/relationships">'
            f'<Relationship Id="r1" Type="{_OFFICE}/officeDocument" Target="word/document.xml"/>'
            "</Relationships>"
        ),
        "word/_rels/document.xml.rels": (
            f'<Relationships xmlns="{_PACKAGE}/relationships">'
            f'<Relationship Id="e1" Type="{_OFFICE}/image" Target="{target}" TargetMode="External"/>'
            "</Relationships>"
        ),
        "word/document.xml": (
            '<w:document xmlns:w="http://schemas.openxmlformats.org/wordprocessingml/2006/main"'
            ' xmlns:a="http://schemas.openxmlformats.org/drawingml/2006/main"'
            ' xmlns:p="http://schemas.openxmlformats.org/drawingml/2006/picture"'
            ' xmlns:d="http://schemas.openxmlformats.org/drawingml/2006/wordprocessingDrawing"'
            f' xmlns:r="{_OFFICE}"><w:body><w:p><w:r><w:t>Words.</w:t></w:r><w:r><w:drawing><d:inline>'
            '<d:docPr id="1" name="x"/><a:graphic><a:graphicData><p:pic><p:blipFill><a:blip r:link="e1"/>'
            "</p:blipFill></p:pic></a:graphicData></a:graphic></d:inline></w:drawing></w:r></w:p></w:body>"
            "</w:document>"
        ),
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as package:
        for name, content in parts.items():
            package.writestr(name, content)
    return out.getvalue()


def stored() -> list[Path]:
    """Every object in the store of originals."""
    folder = Path(storages["identity"].location)  # type: ignore[attr-defined]
    return [path for path in folder.rglob("*") if path.is_file()]


@pytest.fixture
def draft() -> Iterator[tuple[Client, Entry, datetime]]:
    """An entry in preparation: one page in `written`, one minute in `notes`, which is made a video slot."""
    make.a_small_framework()
    Slot.objects.filter(key="written").update(max_pages=2, formats=["pdf", "docx"], max_bytes=200_000)
    Slot.objects.filter(key="notes").update(
        kind="video", formats=["mov", "mp4"], max_pages=None, max_minutes=1, max_bytes=2_000_000
    )
    candidacy: Candidacy = make.a_candidate()
    opens = make.window_of(candidacy).opens
    with clock.fixed(opens):
        yield signed_in(candidacy.account), make.a_draft(candidacy, opens), opens


def send(client: Client, entry: Entry, slot: str, name: str, content: bytes) -> Any:
    page = reverse("portfolio:upload", args=[entry.pk, slot])
    return client.post(page, {"file": SimpleUploadedFile(name, content)})


REFUSED: list[tuple[str, str, str, Callable[[], bytes], str]] = [
    ("zero bytes", "written", "a.pdf", lambda: b"", "is empty (0 bytes)"),
    ("a web page", "written", "a.pdf", lambda: b"<html><script>alert(1)</script>", "is a web page"),
    ("a drawing with a script", "written", "a.svg", lambda: b"<svg onload='alert(1)'/>", "is an SVG picture"),
    ("a video called a document", "written", "a.pdf", a_clip, "is really a MOV file"),
    ("a video in a document's slot", "written", "a.mov", a_clip, "takes a document; yours is a video"),
    ("a document in a video's slot", "notes", "a.pdf", make.a_pdf, "takes a video; yours is a document"),
    ("pages over", "written", "a.pdf", lambda: make.a_pdf(3), "allows 2 pages; yours has 3"),
    ("minutes over", "notes", "a.mov", lambda: a_clip(seconds=62), "allows 1 minute; yours is 1:02"),
    ("an archive behind", "written", "a.pdf", lambda: make.a_pdf() + a_word_file("x"), "two kinds of file"),
    ("a web page before", "written", "a.pdf", lambda: b"<html>" + make.a_pdf(), "two kinds of file in one"),
    ("bytes over", "written", "a.pdf", lambda: make.a_pdf() + b"\n" * 200_000, "yours is larger"),
    ("a sheet as large as a field", "written", "a.pdf", lambda: a_sheet(2e5, 2e5), "which no paper is"),
    ("a later sheet thin as a hair", "written", "a.pdf", lambda: a_sheet(1e-3, 1e6, pages=2), "Page 2 of"),
    ("a frame that fills memory", "notes", "a.mov", lambda: a_clip(side=12_000, codec="png"), "a.mov"),
]


@pytest.mark.parametrize(
    ("slot", "name", "content", "sentence"), [case[1:] for case in REFUSED], ids=[case[0] for case in REFUSED]
)
def test_a_bad_file_gets_a_sentence_and_leaves_nothing(
    draft: tuple[Client, Entry, datetime], slot: str, name: str, content: Callable[[], bytes], sentence: str
) -> None:
    client, entry, _ = draft
    before = (stored(), AuditEvent.objects.count())

    answer = send(client, entry, slot, name, content())

    assert answer.status_code == 422
    assert sentence in html.unescape(answer.text)
    assert not Evidence.objects.exists()
    assert (stored(), AuditEvent.objects.count()) == before


def test_a_refused_file_leaves_the_one_before_in_place(draft: tuple[Client, Entry, datetime]) -> None:
    client, entry, _ = draft
    send(client, entry, "written", "good.pdf", make.a_pdf())
    before = stored()

    send(client, entry, "written", "bad.pdf", b"MZ")

    assert Evidence.objects.get(removed_at__isnull=True).original_name == "good.pdf"
    assert stored() == before


def test_sent_twice_or_for_somebody_elses_entry_it_is_stored_once(
    draft: tuple[Client, Entry, datetime],
) -> None:
    client, entry, _ = draft
    before = len(stored())
    stranger = signed_in(make.a_candidate(entry.candidacy.cohort).account)

    for _ in range(2):
        assert send(client, entry, "written", "a.pdf", make.a_pdf()).status_code == 302
    assert send(stranger, entry, "written", "b.pdf", make.a_pdf(note="other")).status_code == 404
    assert send(Client(), entry, "written", "b.pdf", make.a_pdf(note="other")).status_code == 302

    assert Evidence.objects.count() == 1
    assert len(stored()) == before + 1


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../../etc/passwd.pdf", "passwd.pdf"),
        ("..\\..\\boot.pdf", "boot.pdf"),
        ("invoice‮fdp.exe.pdf", "invoicefdp.exe.pdf"),
        ("a\r\nSet-Cookie: x=1.pdf", "aSet-Cookie: x=1.pdf"),
        ("nul\0.pdf", "_nul.pdf"),
        ("<img src=x onerror=alert(1)>.pdf", "<img src=x onerror=alert(1)>.pdf"),
        ("😀" * 300 + ".pdf", "😀" * 251 + ".pdf"),
    ],
)
def test_a_files_name_is_a_name_and_nothing_more(
    draft: tuple[Client, Entry, datetime], name: str, kept: str
) -> None:
    client, entry, now = draft
    file = make.add(entry, now, name=name)
    assert file.original_name == kept
    assert name.encode() not in file.storage_key.encode()

    page = client.get(reverse("portfolio:entry", args=[entry.pk])).text
    answer = client.get(reverse("portfolio:original", args=[file.pk]))

    assert "<img src=x" not in page
    assert answer["Content-Disposition"].startswith("attachment; filename*=utf-8''")
    assert answer["Content-Disposition"].isascii()
    assert "\n" not in answer["Content-Disposition"]
    assert "Set-Cookie: x" not in str(answer.headers)


def test_a_file_that_is_several_things_at_once_comes_back_as_a_download_only(
    draft: tuple[Client, Entry, datetime],
) -> None:
    client, entry, now = draft
    page = b"<html><script>alert(document.domain)</script></html>"
    file = make.add(entry, now, content=make.a_pdf() + page)

    answer = client.get(reverse("portfolio:original", args=[file.pk]))

    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Disposition"].startswith("attachment")
    assert "default-src 'none'" in answer["Content-Security-Policy"]


@pytest.mark.parametrize("scheme", ["file://", "", "\\\\"])
def test_a_word_document_reads_no_file_of_the_servers(tmp_path: Path, scheme: str) -> None:
    secret = tmp_path / "secret.png"
    Image.new("RGB", (300, 300), "red").save(secret)
    source = tmp_path / "a.docx"
    source.write_bytes(a_word_file(f"{scheme}{secret}"))

    cleaned = clean_document(source, "docx", [], tmp_path / "out")

    with Image.open(cleaned.pages[0].image_path) as shown:
        red, green, _ = shown.convert("RGB").split()
    pairs = zip(red.tobytes(), green.tobytes(), strict=True)
    assert not [pair for pair in pairs if pair[0] > 200 and pair[1] < 90]


def test_a_pdfs_programs_and_attachments_stay_behind(tmp_path: Path) -> None:
    source = tmp_path / "a.pdf"
    with pikepdf.new() as pdf:
        pdf.add_blank_page(page_size=(200, 200))
        script = pikepdf.Dictionary(S=pikepdf.Name.JavaScript, JS="app.alert('PLANTED')")
        launch = pikepdf.Dictionary(S=pikepdf.Name.Launch, F="PLANTED.exe")
        pdf.Root.OpenAction = script
        pdf.pages[0].AA = pikepdf.Dictionary(O=launch)
        pdf.attachments["PLANTED.html"] = b"<script>PLANTED</script>"
        pdf.save(source)

    clean_document(source, "pdf", [], tmp_path / "out")

    made = list((tmp_path / "out").iterdir())
    assert [path.suffix for path in made] == [".jpg"]
    assert b"PLANTED" not in made[0].read_bytes()
