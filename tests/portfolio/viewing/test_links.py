"""A link shows one file to one person for five minutes; anything else is answered as what is absent."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import User
from certification.kernel import clock
from portfolio import services
from portfolio.models import Evidence, MediaView, Rendition
from portfolio.renditions.models import RenditionKind
from portfolio.states import PreparationState
from portfolio.uploads.storing import originals
from portfolio.viewing.links import link_to
from tests.factories.portfolio import a_candidate, a_staff_member
from tests.factories.uploads import told
from tests.factories.viewing import BODY, a_rendition, move

pytestmark = pytest.mark.django_db


def ask(url: str, person: User | None, method: str = "get", **headers: str) -> Any:
    client = Client()
    if person is not None:
        client.force_login(person)
    return getattr(client, method)(url, headers=headers)


def body_of(answer: Any) -> bytes:
    return b"".join(answer) if answer.streaming else answer.content


@pytest.fixture
def link(owner: User, rendition: Rendition, now: datetime) -> str:
    return link_to(viewer=owner, rendition_id=rendition.pk, now=now)


# ---- who sees it ----


def test_the_owner_sees_the_file(owner: User, link: str) -> None:
    answer = ask(link, owner)
    assert (answer.status_code, body_of(answer)) == (200, BODY)


def test_staff_see_it_with_a_link_of_their_own(rendition: Rendition, now: datetime) -> None:
    staff = a_staff_member()
    answer = ask(link_to(viewer=staff, rendition_id=rendition.pk, now=now), staff)
    assert (answer.status_code, body_of(answer)) == (200, BODY)


def test_a_visitor_is_sent_to_sign_in(link: str) -> None:
    assert ask(link, None)["Location"].startswith(reverse("account_login"))


def test_a_link_opens_nothing_to_anybody_else(link: str) -> None:
    absent = link.replace(link.split("/")[-2], str(UUID(int=7)))
    for other in (a_staff_member(), a_candidate().account):
        assert told(ask(link, other)) == told(ask(absent, other))
        assert ask(link, other).status_code == 404
    assert not MediaView.objects.exists()


def test_a_link_of_ones_own_to_somebody_elses_file_opens_nothing(rendition: Rendition, now: datetime) -> None:
    other = a_candidate().account
    assert ask(link_to(viewer=other, rendition_id=rendition.pk, now=now), other).status_code == 404


@pytest.mark.parametrize("spoiled", ["x", ".", "..", "a.b.c", "%00", "é"])
def test_a_forged_link_opens_nothing(link: str, owner: User, spoiled: str) -> None:
    folder, _, token = link.rpartition("/")
    for forged in (spoiled, token + spoiled, spoiled + token, token[:-1]):
        assert ask(f"{folder}/{forged}", owner).status_code in (400, 404)


def test_a_longer_life_cannot_be_written_into_a_link(link: str, owner: User, now: datetime) -> None:
    folder, _, token = link.rpartition("/")
    number, expires, signature = token.split(".")
    assert ask(f"{folder}/{number}.{int(expires) + 1}.{signature}", owner).status_code == 404


def test_a_link_of_one_file_opens_no_other(evidence: Evidence, link: str, owner: User, now: datetime) -> None:
    other = a_rendition(evidence, now, kind=RenditionKind.DOCUMENT)
    url = reverse("portfolio:media", args=[other.pk, link.rpartition("/")[2]])
    assert ask(url, owner).status_code == 404


# ---- for how long ----


def test_a_link_is_good_for_five_minutes_and_then_says_so(owner: User, link: str, now: datetime) -> None:
    with clock.fixed(now + timedelta(minutes=4, seconds=59)):
        assert ask(link, owner).status_code == 200
    with clock.fixed(now + timedelta(minutes=5)):
        answer = ask(link, owner)
    assert answer.status_code == 410
    assert answer.content.decode() == (
        "This link was good for 5 minutes, which are over. Reload the page it stood on."
    )


def test_an_old_link_of_somebody_else_is_still_absent(link: str, now: datetime) -> None:
    with clock.fixed(now + timedelta(hours=1)):
        assert ask(link, a_candidate().account).status_code == 404


def test_a_removed_file_is_gone_for_a_link_that_still_holds(
    evidence: Evidence, owner: User, link: str, now: datetime
) -> None:
    services.remove_evidence(evidence_id=evidence.pk, by=owner, now=now)
    assert ask(link, owner).status_code == 404


@pytest.mark.parametrize(
    ("states", "status"),
    [
        ([PreparationState.RECEIVED], 404),
        ([PreparationState.RECEIVED, PreparationState.CHECKING], 404),
        ([PreparationState.RECEIVED, PreparationState.CHECKING, PreparationState.REJECTED], 404),
        ([PreparationState.RECEIVED, PreparationState.CHECKING, PreparationState.UNSCANNABLE], 200),
    ],
    ids=lambda part: str(part[-1]) if isinstance(part, list) else str(part),
)
def test_only_what_is_prepared_is_shown(
    rendition: Rendition, owner: User, link: str, now: datetime, states: list[PreparationState], status: int
) -> None:
    move(rendition.preparation, *states, now=now, problem="It is harmful.")
    assert ask(link, owner).status_code == status


# ---- how it is shown ----


@pytest.mark.parametrize(
    ("kind", "said", "content_type", "disposition"),
    [
        (RenditionKind.POSTER, "image/jpeg", "image/jpeg", "inline"),
        (RenditionKind.VIDEO, "video/mp4", "video/mp4", "inline"),
        (RenditionKind.CAPTIONS, "text/vtt", "text/vtt", "inline"),
        (RenditionKind.CAPTIONS, "text/vtt; charset=utf-8", "text/vtt; charset=utf-8", "inline"),
        (RenditionKind.DOCUMENT, "application/pdf", "application/pdf", "attachment"),
        (RenditionKind.POSTER, "text/html", "application/octet-stream", "attachment"),
        (RenditionKind.VIDEO, "image/svg+xml", "application/octet-stream", "attachment"),
    ],
)
def test_only_our_own_kinds_are_shown_inside_a_page(
    evidence: Evidence, owner: User, now: datetime, kind: str, said: str, content_type: str, disposition: str
) -> None:
    made = a_rendition(evidence, now, kind=RenditionKind(kind), content_type=said)
    answer = ask(link_to(viewer=owner, rendition_id=made.pk, now=now), owner)
    assert (answer["Content-Type"], answer["Content-Disposition"]) == (content_type, disposition)


def test_what_is_shown_can_do_nothing_and_is_not_kept(owner: User, link: str) -> None:
    answer = ask(link, owner)
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "default-src 'none'; sandbox"
    assert answer["Cross-Origin-Resource-Policy"] == "same-origin"
    assert answer["Cache-Control"] == "private, no-store"


def test_a_player_gets_the_part_it_asks_for(owner: User, link: str, rendition: Rendition) -> None:
    part = ask(link, owner, Range="bytes=100-199")
    assert (part.status_code, body_of(part)) == (206, BODY[100:200])
    assert part["Content-Range"] == f"bytes 100-199/{len(BODY)}"
    assert ask(link, owner, Range=f"bytes={len(BODY)}-").status_code == 416
    assert ask(link, owner, Range="bytes=1-2", If_Range='"another"').status_code == 200
    head = ask(link, owner, "head")
    assert (head.status_code, head["Content-Length"], head.content) == (200, str(len(BODY)), b"")


# ---- on record ----


def test_one_link_is_one_look_however_often_a_player_asks(
    owner: User, link: str, rendition: Rendition, now: datetime
) -> None:
    for later in (0, 90, 30):
        with clock.fixed(now + timedelta(seconds=later)):
            ask(link, owner, Range="bytes=0-0")
    look = MediaView.objects.get()
    assert (look.viewer, look.sha256, look.requests) == (owner, rendition.sha256, 3)
    assert (look.subject_type, look.subject_id) == ("portfolio.Rendition", str(rendition.pk))
    assert (look.first_at, look.last_at) == (now, now + timedelta(seconds=90))


def test_another_link_is_another_look(owner: User, rendition: Rendition, now: datetime) -> None:
    for _ in range(2):
        ask(link_to(viewer=owner, rendition_id=rendition.pk, now=now), owner)
    assert list(MediaView.objects.values_list("requests", flat=True)) == [1, 1]


def test_a_look_is_on_record_before_the_first_byte(owner: User, link: str) -> None:
    answer = ask(link, owner)
    assert MediaView.objects.count() == 1
    answer.close()


def test_a_file_the_store_lost_is_absent(owner: User, link: str, rendition: Rendition) -> None:
    originals().delete(rendition.storage_key)
    assert ask(link, owner).status_code == 404


# session, account, the file with the right to see it, the look
QUERIES = 4


def test_a_seek_costs_four_queries(owner: User, link: str, django_assert_num_queries: Any) -> None:
    client = Client()
    client.force_login(owner)
    for _ in range(2):
        with django_assert_num_queries(QUERIES):
            client.get(link, headers={"Range": "bytes=5-9"})


def test_making_links_asks_nothing(owner: User, now: datetime, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        for number in range(50):
            link_to(viewer=owner, rendition_id=UUID(int=number), now=now)
