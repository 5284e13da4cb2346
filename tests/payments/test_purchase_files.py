"""The document behind a purchase order: a document by decoding, kept once, handed out to few."""

from __future__ import annotations

import io
import resource
import zlib
from pathlib import Path

import pikepdf
import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import storages
from django.test import Client
from django.urls import reverse
from PIL import Image
from pytest_django import Settings

from accounts.models import Role
from certification.kernel.errors import BadInput
from payments import notices, purchase_files, services
from payments.models import PurchaseOrder, PurchaseOrderFile
from tests.factories import payments as make
from tests.factories import sponsors
from tests.factories.payments import NOW

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("offers_on_sale")]


def _read(content: bytes, name: str = "po.pdf") -> purchase_files.Document:
    return purchase_files.read(ContentFile(content), name)


def _stored() -> set[Path]:
    folder = Path(storages["identity"].path("purchase-orders"))
    return set(folder.iterdir()) if folder.exists() else set()


@pytest.mark.parametrize(
    ("content", "content_type"),
    [
        (sponsors.pdf(), "application/pdf"),
        (sponsors.pdf(50), "application/pdf"),
        (sponsors.scan("PNG"), "image/png"),
        (sponsors.scan("JPEG"), "image/jpeg"),
    ],
    ids=["pdf", "fifty pages", "png", "jpeg"],
)
def test_a_document_is_what_it_decodes_to_whatever_it_is_called(content: bytes, content_type: str) -> None:
    assert _read(content, "scan.exe").content_type == content_type


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "is empty"),
        (b"MZ\x90\x00 a program called po.pdf", "not a document we can open"),
        (b"<html><script>alert(1)</script></html>", "not a document we can open"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "not a document we can open"),
        (b"PK\x03\x04 a word document", "not a document we can open"),
        (sponsors.scan("GIF"), "not a document we can open"),
        (sponsors.scan("BMP"), "not a document we can open"),
        (sponsors.scan("PNG", (400, 400))[:200], "cut short|not a document"),
        (sponsors.scan("JPEG", (900, 900))[:900], "cut short|not a document"),
        (b"%PDF-1.7 and nothing else", "broken PDF"),
        (sponsors.pdf()[:200], "broken PDF"),
        (sponsors.pdf(0), "no pages"),
        (sponsors.pdf(51), "51 pages"),
        (sponsors.pdf(encryption=pikepdf.Encryption(user="u", owner="o")), "protected"),
        (sponsors.pdf(encryption=pikepdf.Encryption(user="", owner="o")), "protected"),
        (sponsors.scan("PNG", (8_000, 6_000)), "larger than any scan"),
        (b"%PDF-" + b"x" * purchase_files.MAX_BYTES, "more than 10 MB"),
    ],
)
def test_what_is_no_document_is_refused_with_what_to_do(content: bytes, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        _read(content)


def _unfolding_to(megabytes: int) -> bytes:
    """A PDF of a megabyte at most whose table of contents unfolds to `megabytes`."""
    packer = zlib.compressobj(9, wbits=-15)
    once = packer.compress(bytes(1 << 20)) + packer.flush(zlib.Z_FULL_FLUSH)
    checksum = ((megabytes << 20) % 65_521) << 16 | 1
    table = b"\x78\xda" + once * megabytes + packer.flush() + checksum.to_bytes(4, "big")
    start = b"%PDF-1.5\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n"
    head = b"<</Type/XRef/Size 4/W[1 4 2]/Root 1 0 R/Filter/FlateDecode/Length %d>>" % len(table)
    body = b"3 0 obj\n" + head + b"stream\n" + table + b"\nendstream\nendobj\n"
    return start + body + b"startxref\n%d\n%%%%EOF\n" % len(start)


def test_a_file_that_unfolds_to_gigabytes_costs_this_process_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purchase_files, "MAX_MEMORY_BYTES", 400 << 20)
    bomb = _unfolding_to(1_000)
    assert len(bomb) < 1 << 21
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    with pytest.raises(BadInput, match="broken PDF"):
        _read(bomb)
    grown_kilobytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before
    assert grown_kilobytes < 100_000


def test_a_file_that_keeps_its_reader_busy_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purchase_files, "MAX_CPU_SECONDS", 1)
    many = b"3 0 R " * 1_500_000
    pages = b"<</Type/Pages/Count 1500000/Kids[" + many + b"]>>"
    content = b"%PDF-1.5\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n2 0 obj\n" + pages + b"\nendobj\n"
    content += (
        b"3 0 obj\n<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>\nendobj\ntrailer<</Root 1 0 R>>\n%%EOF"
    )
    with pytest.raises(BadInput, match="broken PDF"):
        _read(content)


def test_a_telephones_picture_with_a_second_one_inside_is_a_jpeg() -> None:
    written = io.BytesIO()
    picture = Image.new("RGB", (60, 80))
    picture.save(written, "MPO", save_all=True, append_images=[picture])
    assert _read(written.getvalue()).content_type == "image/jpeg"


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\scans\\po 77.pdf", "po 77.pdf"),
        ("a\u202efdp.exe", "afdp.exe"),
        ("line\r\nbreak.pdf", "linebreak.pdf"),
        ("注文書.pdf", "注文書.pdf"),
        ("", "file"),
        ("x" * 300 + ".pdf", "x" * 146 + ".pdf"),
    ],
)
def test_a_name_is_never_a_path(name: str, kept: str) -> None:
    assert _read(sponsors.pdf(), name).name == kept


def test_a_file_is_kept_once_under_a_key_that_says_nothing() -> None:
    by, document = sponsors.sponsor(), sponsors.document()
    before = _stored()
    for _ in range(2):
        request = sponsors.ordered_seats(by=by, document=document)
    file = request.files.get()
    assert len(_stored() - before) == 1
    assert (file.name, file.size, file.sha256) == ("PO-77.pdf", len(document.content), document.sha256)
    assert "PO-77" not in str(file.file.name)


def test_a_corrected_document_stands_beside_the_first() -> None:
    request = sponsors.ordered_seats(document=sponsors.document())
    services.ask_back_purchase_order(
        purchase_order_id=request.pk, by=make.office(), question="Signed?", now=NOW
    )
    services.resend_purchase_order(
        purchase_order_id=request.pk,
        by=request.order.payer,
        details=make.details(),
        document=sponsors.document(sponsors.pdf(2)),
        now=NOW,
    )
    assert request.files.count() == 2


def test_a_request_that_fails_leaves_no_file(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(request: PurchaseOrder) -> None:
        raise RuntimeError("the mail could not be queued")

    monkeypatch.setattr(notices, "purchase_order_received", fail)
    before = _stored()
    with pytest.raises(RuntimeError):
        sponsors.ordered_seats(document=sponsors.document())
    assert not PurchaseOrderFile.objects.exists()
    assert _stored() == before


def test_a_file_goes_as_a_download_to_its_sender_and_to_staff_only(settings: Settings) -> None:
    settings.MFA_REQUIRED = False
    by = sponsors.sponsor()
    request = sponsors.ordered_seats(by=by, document=sponsors.document(name="Auftrag 77 ü.pdf"))
    file = request.files.get()
    url = reverse("payments:purchase_order_file", args=[file.pk])
    for who in (by, make.office()):
        client = Client()
        client.force_login(who)
        answer = client.get(url)
        assert answer.status_code == 200
        assert answer["Content-Disposition"] == "attachment; filename*=utf-8''Auftrag%2077%20%C3%BC.pdf"
        assert answer["Content-Type"] == "application/pdf"
        assert b"".join(answer.streaming_content) == _content_of(file)  # type: ignore[attr-defined]
    for stranger in (sponsors.sponsor(), make.payer(), make.payer(role=Role.SCORER)):
        client = Client()
        client.force_login(stranger)
        assert client.get(url).status_code == 404


def _content_of(file: PurchaseOrderFile) -> bytes:
    with storages["identity"].open(str(file.file.name)) as stream:
        return bytes(stream.read())
