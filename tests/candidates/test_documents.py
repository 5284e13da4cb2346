"""The texts people affirm: versions, never changes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from django.db import ProgrammingError, transaction
from django.test import Client
from django.urls import reverse

from accounts.models import Role
from candidates.documents import Block, blocks, current_documents, publish_document, publish_documents
from candidates.models import PolicyDocument
from candidates.states import AffirmationKind
from certification.kernel import clock
from certification.kernel.errors import BadInput, NotAllowed
from tests.factories import candidates as make

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 9, 1, tzinfo=UTC)


def test_seven_texts_are_published_once() -> None:
    assert len(publish_documents(NOW)) == 7
    assert publish_documents(NOW) == []
    assert list(current_documents()) == AffirmationKind.values


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


def test_a_body_is_paragraphs_and_lists() -> None:
    assert blocks("One\ntwo.\n\n- a\n- b\n\nThree:\n- c") == [
        Block(("One two.",), is_list=False),
        Block(("a", "b"), is_list=True),
        Block(("Three:",), is_list=False),
        Block(("c",), is_list=True),
    ]


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
def test_the_list_takes_one_query(versions: int, django_assert_num_queries: Any) -> None:
    assert "Nothing is published" in Client().get(reverse("candidates:documents")).text
    publish_documents(NOW)
    staff = make.account(Role.STAFF)
    for number in range(versions):
        publish_document(kind="fee", title="The fee", body=f"Text {number}", by=staff, now=NOW)
    # A held clock asks the database nothing.
    with clock.fixed(NOW), django_assert_num_queries(1):
        Client().get(reverse("candidates:documents"))
