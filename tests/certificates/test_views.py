"""Who may read what: anybody verifies by number, the holder downloads, staff revoke."""

from __future__ import annotations

import pytest
from django.core.files.storage import storages
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from certificates import services
from certificates.models import Certificate
from certificates.selectors import normalised
from certification.kernel import clock
from certification.kernel.models import AuditEvent
from tests.factories import certificates as factory
from tests.factories import portfolio as people

pytestmark = pytest.mark.django_db


def page(client, number: str):
    return client.get(reverse("verify_number", args=[number]))


def test_anybody_reads_that_a_certificate_is_valid(client) -> None:
    certificate = factory.a_certificate()

    response = page(client, certificate.number)

    assert response.status_code == 200
    assert "This certificate is valid" in response.content.decode()
    assert certificate.name in response.content.decode()
    assert response["X-Robots-Tag"] == "noindex"


def test_a_revoked_certificate_says_so_with_its_date_and_without_the_reason(client) -> None:
    certificate = factory.a_certificate()
    services.revoke_certificate(
        certificate_id=certificate.pk,
        by=people.a_staff_member(),
        reason="Secret matter.",
        now=factory.CERTIFIED_AT,
    )

    text = page(client, certificate.number).content.decode()

    assert "was revoked" in text
    assert "31 October 2027" in text
    assert "Secret matter" not in text
    assert "is valid" not in text


@pytest.mark.parametrize("number", ["ICG-2027-AAAAAAAA", "nonsense", "<script>", "é", "A" * 300])
def test_an_unknown_number_is_a_clear_404_with_no_name(client, number: str) -> None:
    certificate = factory.a_certificate()

    response = page(client, number)

    assert response.status_code == 404
    assert "We know no certificate with this number" in response.content.decode()
    assert certificate.name not in response.content.decode()
    assert "<script>" not in response.content.decode().split("</head>")[1]


@pytest.mark.parametrize(
    "typed", ["ICG-2027-4KQ7XW2M", " icg 2027 4kq7xw2m ", "ICG–2027–4KQ7XW2M", "icg20274kq7xw2m"]
)
def test_a_number_is_understood_however_it_is_typed(typed: str) -> None:
    assert normalised(typed) == "ICG-2027-4KQ7XW2M"


def test_the_form_leads_to_the_certificates_page(client) -> None:
    response = client.get(reverse("verify"), {"number": "icg 2027 4kq7xw2m"})

    assert response.status_code == 302
    assert response["Location"] == "/verify/ICG-2027-4KQ7XW2M/"


@pytest.mark.parametrize("typed", ["", "///", "A" * 41])
def test_the_form_says_what_is_wrong_with_what_was_typed(client, typed: str) -> None:
    response = client.get(reverse("verify"), {"number": typed})

    assert response.status_code == 200
    assert response.context["form"].errors


def test_verifying_costs_one_query_and_no_session(client) -> None:
    certificate = factory.a_certificate()
    page(client, certificate.number)
    with CaptureQueriesContext(connection) as captured:
        page(client, certificate.number)

    assert sum("certificates_certificate" in query["sql"] for query in captured.captured_queries) == 1
    assert "sessionid" not in client.cookies


# ---- downloading ----


def test_the_holder_downloads_the_pdf_and_the_download_is_on_record(client) -> None:
    certificate = factory.a_certificate()
    client.force_login(certificate.candidacy.account)

    response = client.get(reverse("certificates:download", args=[certificate.number]))

    assert response.status_code == 200
    assert b"".join(response.streaming_content).startswith(b"%PDF-")
    assert response["Content-Disposition"] == f'attachment; filename="{certificate.number}.pdf"'
    event = AuditEvent.objects.get(action="downloaded certificate")
    assert event.actor_id == certificate.candidacy.account_id


def test_a_certificate_leaves_with_the_headers_of_every_file(client) -> None:
    certificate = factory.a_certificate()
    client.force_login(certificate.candidacy.account)

    response = client.get(reverse("certificates:download", args=[certificate.number]))

    for header, said in {
        "Content-Type": "application/pdf",
        "Content-Security-Policy": "default-src 'none'; sandbox",
        "X-Content-Type-Options": "nosniff",
        "X-Robots-Tag": "noindex",
        "Cache-Control": "private, no-store",
        "ETag": f'"{certificate.sha256}"',
    }.items():
        assert response[header] == said
    assert response["Content-Length"] == str(len(response.getvalue()))


def test_a_certificate_the_store_lost_is_absent_and_its_download_on_record(client) -> None:
    certificate = factory.a_certificate()
    storages["certificates"].delete(certificate.storage_key)
    client.force_login(certificate.candidacy.account)

    assert client.get(reverse("certificates:download", args=[certificate.number])).status_code == 404
    assert AuditEvent.objects.filter(action="downloaded certificate").count() == 1


def test_another_candidate_finds_no_such_certificate(client) -> None:
    certificate = factory.a_certificate()
    other = people.a_candidate(certificate.candidacy.cohort)
    client.force_login(other.account)

    assert client.get(reverse("certificates:download", args=[certificate.number])).status_code == 404


def test_a_revoked_certificate_is_no_longer_its_holders_to_download(client, settings) -> None:
    settings.MFA_REQUIRED = False
    certificate, staff = factory.a_certificate(), people.a_staff_member()
    services.revoke_certificate(
        certificate_id=certificate.pk, by=staff, reason="Mistake.", now=factory.CERTIFIED_AT
    )
    url = reverse("certificates:download", args=[certificate.number])

    client.force_login(certificate.candidacy.account)
    assert client.get(url).status_code == 404
    client.force_login(staff)
    assert client.get(url).status_code == 200


def test_a_visitor_is_asked_to_sign_in_before_downloading(client) -> None:
    certificate = factory.a_certificate()

    assert client.get(reverse("certificates:download", args=[certificate.number])).status_code == 302


# ---- staff ----


def test_staff_revoke_with_a_reason_on_a_page_of_its_own(admin_site_client) -> None:
    certificate = factory.a_certificate()
    url = reverse("admin:certificates_certificate_revoke", args=[certificate.pk])

    assert admin_site_client.get(url).status_code == 200
    empty = admin_site_client.post(url, {"reason": " "})
    assert "needs a reason" in empty.content.decode()
    done = admin_site_client.post(url, {"reason": "Evidence of another person."})
    assert done.status_code == 302

    certificate.refresh_from_db()
    assert certificate.state == "revoked"
    assert "was revoked" in admin_site_client.get(url).content.decode()
    assert admin_site_client.get(done["Location"]).status_code == 200


def test_the_list_of_certificates_costs_the_same_for_one_and_three(admin_site_client) -> None:
    def queries() -> int:
        with clock.fixed(factory.CERTIFIED_AT), CaptureQueriesContext(connection) as captured:
            response = admin_site_client.get(reverse("admin:certificates_certificate_changelist"))
        assert response.status_code == 200
        return len(captured)

    factory.a_certificate()
    queries()
    of_one = queries()
    for _ in range(2):
        factory.a_certified_candidacy()
    services.issue_due(factory.CERTIFIED_AT)
    assert Certificate.objects.count() == 3
    assert queries() == of_one


@pytest.fixture
def admin_site_client(client, settings):
    settings.MFA_REQUIRED = False
    client.force_login(people.a_staff_member())
    return client
