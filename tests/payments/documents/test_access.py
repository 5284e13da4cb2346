"""Who may open a document: its payer, staff, and whoever holds the link that was mailed."""

from __future__ import annotations

import re
import uuid
from datetime import timedelta

import pytest
from django.core import signing
from django.test import Client
from django.urls import reverse

from accounts.models import Role, User
from certification.kernel import clock
from certification.kernel.models import AuditEvent, OutboxMessage
from payments import services
from payments.documents import links, pdf_of, views
from payments.models import PaymentDocument
from payments.states import DocumentKind
from tests.factories import payments as make
from tests.factories.payments import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def receipt() -> PaymentDocument:
    return make.paid_order().documents.get()


@pytest.fixture
def invoice() -> PaymentDocument:
    return make.accepted_order(staff=make.office()).documents.get()


def _lasting(page: bytes) -> bytes:
    """The page without what is drawn anew for every answer."""
    return re.sub(rb'nonce="[^"]*"|value="[^"]{60,}"|X-CSRFToken[^}]*', b"", page)


def signed_in(client: Client, person: User) -> Client:
    client.force_login(person)
    return client


def test_the_payer_gets_his_document_as_a_file(client: Client, receipt: PaymentDocument) -> None:
    answer = signed_in(client, receipt.order.payer).get(receipt.get_absolute_url())
    assert answer.content == pdf_of(receipt)
    assert answer["Content-Type"] == "application/pdf"
    assert answer["Content-Disposition"] == 'attachment; filename="REC-2026-0001.pdf"'
    assert answer["Cache-Control"] == "private, no-store"


def test_staff_get_anybodys(client: Client, receipt: PaymentDocument, settings) -> None:
    settings.MFA_REQUIRED = False
    assert signed_in(client, make.office()).get(receipt.get_absolute_url()).status_code == 200


@pytest.mark.parametrize("role", [Role.CANDIDATE, Role.SPONSOR, Role.SCORER])
def test_somebody_elses_document_does_not_exist(
    client: Client, receipt: PaymentDocument, role: Role, settings
) -> None:
    settings.MFA_REQUIRED = False
    signed_in(client, make.payer(role=role))
    theirs = client.get(receipt.get_absolute_url())
    nobodys = client.get(reverse("payments:document", args=[uuid.uuid4()]))
    assert theirs.status_code == 404
    assert _lasting(theirs.content) == _lasting(nobodys.content)


def test_the_billing_contact_is_mailed_a_link_that_opens_without_an_account(
    client: Client, invoice: PaymentDocument
) -> None:
    mail = OutboxMessage.objects.get(recipient="ledger@lakeside.example.org")
    link = links.link_to(invoice)
    assert link in mail.body
    assert invoice.full_number in mail.subject
    with clock.fixed(NOW + timedelta(days=30)):
        answer = client.get(reverse("payments:document_by_link", args=[links.token_of(invoice)]))
    assert answer.content == pdf_of(invoice)
    assert answer["Referrer-Policy"] == "no-referrer"
    [seen] = AuditEvent.objects.filter(action="opened document by link")
    assert (seen.subject_id, seen.detail) == (str(invoice.pk), {"number": invoice.full_number})


def test_a_link_opens_its_own_document_and_nothing_else(
    client: Client, invoice: PaymentDocument, receipt: PaymentDocument
) -> None:
    token = links.token_of(invoice)
    signature = token.rpartition(":")[2]
    for forged in (
        f"{receipt.pk}:{signature}",
        str(invoice.pk),
        token[:-1] + ("A" if token[-1] != "A" else "B"),
        signing.Signer().sign(str(invoice.pk)),
        signing.Signer(salt="payments.documents.links").sign("not a key"),
    ):
        answer = client.get(reverse("payments:document_by_link", args=[forged]))
        assert answer.status_code == 404
    assert not AuditEvent.objects.filter(action="opened document by link").exists()


def test_a_link_opens_no_longer_than_it_lives(invoice: PaymentDocument) -> None:
    token = links.token_of(invoice)
    last = invoice.issued_at + links.LIFE
    assert links.linked(token, last - timedelta(microseconds=1)) == invoice
    with pytest.raises(PaymentDocument.DoesNotExist):
        links.linked(token, last)


def test_a_letter_without_a_font_is_said_in_words_and_the_document_stays(client: Client) -> None:
    paid = make.paid_order(by=make.payer(full_name="\U00012000 Coach"))
    document = paid.documents.get()
    answer = signed_in(client, paid.payer).get(document.get_absolute_url())
    assert answer.status_code == 409
    assert "lacks a font" in answer.content.decode()


def test_the_payers_mail_names_the_receipt_and_links_to_it(receipt: PaymentDocument) -> None:
    mail = OutboxMessage.objects.get(recipient=receipt.order.payer.email)
    assert receipt.full_number in mail.body
    assert receipt.get_absolute_url() in mail.body


def test_the_payers_mail_of_an_accepted_purchase_order_names_the_invoice(invoice: PaymentDocument) -> None:
    assert invoice.kind == DocumentKind.INVOICE
    mail = OutboxMessage.objects.get(recipient=invoice.order.payer.email)
    assert invoice.full_number in mail.body
    assert invoice.get_absolute_url() in mail.body


def test_the_billing_contact_is_told_what_a_document_asks_for(invoice: PaymentDocument) -> None:
    request, office = invoice.purchase_order, make.office()
    assert request is not None
    services.record_transfer(
        order_id=invoice.order_id, by=office, amount_minor=20_000, reference="T", received_at=NOW, now=NOW
    )
    services.cancel_purchase_order(purchase_order_id=request.pk, by=office, reason="Nobody pays.", now=NOW)
    told = {mail.subject[:3]: mail.body for mail in OutboxMessage.objects.filter(kind="document")}
    assert "It is to be paid until 31 December 2026, 23:59 CST." in told["Inv"]
    assert "over $300.00 USD is ready" in told["Cre"]
    assert "please send no more money" in told["Cre"]


def test_a_card_payers_receipt_is_mailed_to_nobody_else(receipt: PaymentDocument) -> None:
    assert OutboxMessage.objects.count() == 1


def test_a_document_asked_for_again_and_again_is_drawn_once(
    client: Client, invoice: PaymentDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = []

    def draw(document: PaymentDocument) -> bytes:
        drawn.append(document)
        return b"%PDF-"

    monkeypatch.setattr(views, "pdf_of", draw)
    with clock.fixed(NOW):
        for _ in range(3):
            assert client.get(links.link_to(invoice)).content == b"%PDF-"
    assert drawn == [invoice]
    assert AuditEvent.objects.filter(action="opened document by link").count() == 3
