"""Issuing: one certificate for each certified candidacy, whatever crashes in between."""

from __future__ import annotations

import hashlib
import re
from datetime import UTC, datetime
from unittest.mock import patch

import pytest
from django.core.files.storage import storages
from django.db import DatabaseError, transaction

from certificates import document, services
from certificates.models import Certificate
from certificates.selectors import Standing, standing_of
from certificates.states import CertificateState
from certification.kernel import reconcile
from certification.kernel.errors import BadInput, NotAllowed
from certification.kernel.models import AuditEvent, OutboxMessage
from portfolio.results import services as release
from tests.factories import certificates as factory
from tests.factories import portfolio as people
from tests.factories import results

pytestmark = pytest.mark.django_db

NOW = factory.CERTIFIED_AT


def test_a_release_leads_to_a_certificate_and_nobody_else_gets_one() -> None:
    cohort = results.a_cohort()
    good, other = people.a_candidate(cohort), people.a_candidate(cohort)
    results.all_scored(good, "3", "3")
    results.all_scored(other, "2", "2")
    at = results.release_instant(cohort)
    release.release_due(at)

    counts = reconcile.run("certificates.issue", at)

    assert counts == {"issued": 1, "printed": 1}
    certificate = Certificate.objects.get()
    assert certificate.candidacy == good
    assert re.fullmatch(r"ICG-2027-[2-9A-HJKMNP-TV-Z]{8}", certificate.number)
    assert certificate.certified_at == at


def test_the_sweep_run_twice_changes_nothing() -> None:
    certificate = factory.a_certificate()

    assert services.issue_due(NOW) == {"issued": 0, "printed": 0}
    assert Certificate.objects.count() == 1
    assert OutboxMessage.objects.filter(kind="certificate").count() == 1
    assert storages["certificates"].exists(certificate.storage_key)


def test_what_is_stored_is_what_the_row_says_and_can_be_made_again_to_the_byte() -> None:
    certificate = factory.a_certificate()
    with storages["certificates"].open(certificate.storage_key) as stored:
        pdf = stored.read()

    assert hashlib.sha256(pdf).hexdigest() == certificate.sha256
    url = services.certificate_url(certificate.number)
    assert document.pdf_of(Certificate.objects.get(), verify_url=url) == pdf


def test_a_crash_before_printing_is_made_good_by_the_next_sweep() -> None:
    candidacy = factory.a_certified_candidacy()
    with patch.object(document, "pdf_of", side_effect=RuntimeError("killed")), pytest.raises(RuntimeError):
        services.issue_due(NOW)
    first = Certificate.objects.get()
    assert first.storage_key == ""
    assert standing_of(candidacy.pk) is Standing.BEING_MADE
    assert not OutboxMessage.objects.filter(kind="certificate").exists()

    assert services.issue_due(NOW) == {"issued": 0, "printed": 1}
    assert Certificate.objects.get().number == first.number
    assert standing_of(candidacy.pk) is Standing.READY


def test_a_crash_after_storing_the_file_leaves_one_file() -> None:
    factory.a_certified_candidacy()
    with (
        patch.object(services, "_announce", side_effect=RuntimeError("killed")),
        pytest.raises(RuntimeError),
    ):
        services.issue_due(NOW)
    services.issue_due(NOW)

    certificate = Certificate.objects.get()
    assert certificate.storage_key == f"{certificate.pk.hex}.pdf"


def test_a_name_no_font_can_set_waits_without_holding_up_others() -> None:
    unset = factory.a_certified_candidacy("\U00012000\U00012001")
    other = people.a_candidate(unset.cohort)
    services.candidates.person(other.pk)
    from candidates.services import conclude_candidacy
    from candidates.states import CandidacyState

    conclude_candidacy(candidacy_id=other.pk, state=CandidacyState.CERTIFIED, ended_as="", now=NOW)

    assert services.issue_due(NOW) == {"issued": 2, "printed": 1}
    assert standing_of(unset.pk) is Standing.BEING_MADE
    assert standing_of(other.pk) is Standing.READY


def test_the_date_is_the_civil_date_of_the_programme() -> None:
    """Half past three at night in Greenwich is still the day before in Chicago."""
    certificate = Certificate(
        number="ICG-2027-AAAAAAAA",
        name="Ann",
        cohort_name="Cohort 10",
        certified_at=datetime(2027, 11, 1, 3, 30, tzinfo=UTC),
    )

    import pypdfium2

    with pypdfium2.PdfDocument(document.pdf_of(certificate, verify_url="https://x.example/verify/A/")) as pdf:
        text = pdf[0].get_textpage().get_text_bounded()
        assert pdf.get_metadata_dict()["CreationDate"] == "D:20271031"
    assert "31 October 2027" in text


# ---- revoking ----


def test_revoking_needs_staff_and_a_reason_and_is_audited() -> None:
    certificate, staff = factory.a_certificate(), people.a_staff_member()
    holder = certificate.candidacy.account

    def revoke(by, reason: str) -> Certificate:
        return services.revoke_certificate(certificate_id=certificate.pk, by=by, reason=reason, now=NOW)

    with pytest.raises(NotAllowed):
        revoke(holder, "because")
    with pytest.raises(BadInput):
        revoke(staff, "   ")

    revoked = revoke(staff, "Evidence of another person.")
    assert revoked.state == CertificateState.REVOKED
    assert revoke(staff, "Evidence of another person.").revoked_at == revoked.revoked_at
    with pytest.raises(NotAllowed):
        revoke(staff, "Another reason.")
    event = AuditEvent.objects.get(action="revoked certificate")
    assert event.detail == {"reason": "Evidence of another person."}
    assert standing_of(certificate.candidacy_id) is Standing.REVOKED


def test_a_revoked_certificate_stays_revoked_and_its_facts_stay_as_given() -> None:
    certificate, staff = factory.a_certificate(), people.a_staff_member()
    services.revoke_certificate(certificate_id=certificate.pk, by=staff, reason="Mistake.", now=NOW)
    rows = Certificate.objects.filter(pk=certificate.pk)

    for change in ({"state": "valid"}, {"name": "Somebody Else"}, {"number": "ICG-2027-BBBBBBBB"}):
        with pytest.raises(DatabaseError), transaction.atomic():
            rows.update(**change)
