"""The texts people affirm: versions, never changes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import ProgrammingError, transaction
from django.test import Client
from django.urls import reverse

from accounts.models import Role
from candidates.changes import Change, changes
from candidates.documents import (
    current_documents,
    current_texts,
    problems_of,
    publish_document,
    publish_documents,
    text_in_force,
    texts_to_submit_with,
)
from candidates.models import PolicyDocument
from candidates.states import TEXT_KINDS, AffirmationKind, PageKind, SubmissionKind
from certification.kernel import clock
from certification.kernel.errors import BadInput, NotAllowed
from tests.factories import candidates as make

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 9, 1, tzinfo=UTC)


def test_every_text_is_published_once() -> None:
    assert len(publish_documents(NOW)) == len(TEXT_KINDS)
    assert publish_documents(NOW) == []
    assert list(current_documents()) == AffirmationKind.values
    assert list(current_texts()) == [*AffirmationKind.values, *SubmissionKind.values, *PageKind.values]


def test_a_text_that_ships_is_sound_and_shown_while_none_is_published() -> None:
    for kind, _ in TEXT_KINDS:
        shipped = text_in_force(kind)
        assert shipped.version == 0
        assert problems_of(shipped.title, shipped.body) == []
    with pytest.raises(PolicyDocument.DoesNotExist):
        text_in_force("soul")
    publish_documents(NOW)
    assert {text_in_force(kind).version for kind, _ in TEXT_KINDS} == {1}


def test_what_is_affirmed_on_submitting_is_always_a_published_version() -> None:
    assert list(texts_to_submit_with(NOW)) == SubmissionKind.values
    own = publish_document(
        kind="consent", title="Consent", body="Ours.", by=make.account(Role.STAFF), now=NOW
    )
    assert texts_to_submit_with(NOW)["consent"] == own
    listed = Client().get(reverse("candidates:documents")).text
    page = Client().get(reverse("candidates:document", args=["consent", own.version])).text
    assert "with each entry they submit" in listed
    assert "Candidates affirm: “Everybody who is seen has agreed to it.”" in page


def test_a_kind_that_comes_later_is_published_beside_what_staff_wrote() -> None:
    staff = make.account(Role.STAFF)
    own = publish_document(kind="fees", title="Fees", body="Ours.", by=staff, now=NOW)
    assert len(publish_documents(NOW)) == len(TEXT_KINDS) - 1
    assert text_in_force("fees") == own


def test_a_new_version_is_a_new_row_and_the_same_text_is_none() -> None:
    publish_documents(NOW)
    staff = make.account(Role.STAFF)
    second = publish_document(kind="fee", title="The fee", body="Changed.\r\n", by=staff, now=NOW)
    assert second.version == 2
    assert publish_document(kind="fee", title="The fee", body="Changed.", by=staff, now=NOW) == second
    assert current_documents()["fee"] == second
    publish_documents(NOW)
    assert current_documents()["fee"] == second
    with pytest.raises(ProgrammingError), transaction.atomic():
        PolicyDocument.objects.filter(kind="fee", version=1).update(body="Rewritten.")


def test_only_staff_publish_and_only_whole_texts() -> None:
    with pytest.raises(NotAllowed):
        publish_document(kind="fee", title="The fee", body="Free!", by=make.account(), now=NOW)
    staff = make.account(Role.STAFF)
    for kind, title, body in (("fee", "", "x"), ("fee", "x", " "), ("soul", "x", "x")):
        with pytest.raises(BadInput):
            publish_document(kind=kind, title=title, body=body, by=staff, now=NOW)


@pytest.mark.parametrize(
    ("title", "body", "problem"),
    [
        ("x" * 121, "Text", "longer than 120"),
        ("Title", "x" * 60_001, "longer than 60,000"),
        ("Title", "a\x00b", "cannot be kept"),
        ("Title", "See [this](javascript:alert`1`)", "javascript:"),
        ("Title", "See [this](http://example.org/)", "http://example.org/"),
        ("Title", "See [this](//example.org/)", "//example.org/"),
    ],
)
def test_a_text_that_cannot_be_drawn_is_refused_by_name(title: str, body: str, problem: str) -> None:
    staff = make.account(Role.STAFF)
    with pytest.raises(BadInput) as refusal:
        publish_document(kind="fee", title=title, body=body, by=staff, now=NOW)
    assert problem in " ".join(refusal.value.details)
    assert not PolicyDocument.objects.exists()


def test_a_version_says_what_it_changed() -> None:
    assert changes("The fee\nOne.\n\nTwo.", "The fee\nOne.\nTwo and a half.\nThree.") == (
        Change(removed=("Two.",), added=("Two and a half.", "Three.")),
    )
    assert changes("Same.\n\n\nSame.", "Same.\nSame.") == ()
    publish_documents(NOW)
    publish_document(
        kind="role", title="My role", body="Nothing <i>else</i>.", by=make.account(Role.STAFF), now=NOW
    )
    page = Client().get(reverse("candidates:document", args=["role", 2])).text
    assert "What version 2 changed" in page
    assert "Put in: </span>Nothing &lt;i&gt;else&lt;/i&gt;." in page
    assert "What version" not in Client().get(reverse("candidates:document", args=["role", 1])).text


def test_visitors_read_every_version() -> None:
    publish_documents(NOW)
    publish_document(kind="fee", title="The fee", body="<b>New</b>", by=make.account(Role.STAFF), now=NOW)
    client = Client()
    old = client.get(reverse("candidates:document", args=["fee", 1])).text
    assert "earlier version" in old
    new = client.get(reverse("candidates:document", args=["fee", 2])).text
    assert "&lt;b&gt;New" in new
    latest = client.get(reverse("candidates:latest_document", args=["fee"]))
    assert latest["Location"] == reverse("candidates:document", args=["fee", 2])
    for path in ("/documents/fee/3/", "/documents/soul/1/", "/documents/soul/", "/documents/fee/99999/"):
        assert client.get(path).status_code == 404


@pytest.mark.parametrize("versions", [1, 3])
def test_the_list_and_a_version_take_one_query(versions: int, django_assert_num_queries: Any) -> None:
    assert "Nothing is published" in Client().get(reverse("candidates:documents")).text
    publish_documents(NOW)
    staff = make.account(Role.STAFF)
    for number in range(versions):
        publish_document(kind="fee", title="The fee", body=f"Text {number}", by=staff, now=NOW)
    # A held clock asks the database nothing.
    with clock.fixed(NOW), django_assert_num_queries(1):
        Client().get(reverse("candidates:documents"))
    with clock.fixed(NOW), django_assert_num_queries(1):
        assert Client().get(reverse("candidates:document", args=["fee", 1])).status_code == 200
