"""A mail is owed by the change that wrote it, sent once, tried again, and holds up no other."""

from __future__ import annotations

import smtplib
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from celery.exceptions import SoftTimeLimitExceeded
from django.core import mail
from django.core.mail import EmailMessage
from django.core.mail.backends.locmem import EmailBackend
from django.db import connection, transaction

from certification.kernel import clock, outbox, reconcile
from certification.kernel.errors import NotAllowed
from certification.kernel.models import OutboxMessage

NOW = datetime(2027, 10, 31, 14, tzinfo=UTC)
MINUTE = timedelta(minutes=1)

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _held_clock() -> Iterator[None]:
    with clock.fixed(NOW):
        yield


def queue(key: str = "one", **fields: Any) -> None:
    given = {"to": "ada@example.org", "subject": "Your scores", "body": "They are out.", "kind": "scores"}
    outbox.queue(dedupe_key=key, **{**given, **fields})


def kept(key: str = "one") -> OutboxMessage:
    return OutboxMessage.objects.get(dedupe_key=key)


class Post:
    """Stands in for the mail server: refuses some recipients, may be away."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.refuses: dict[str, Exception] = {}
        self.away: Exception | None = None
        self.conversations = 0
        send, post = EmailBackend.send_messages, self

        def send_messages(backend: EmailBackend, messages: list[EmailMessage]) -> int:
            trouble = post.refuses.get(messages[0].to[0])
            if trouble is not None:
                raise trouble
            return send(backend, messages)

        def open_conversation(backend: EmailBackend) -> None:
            if post.away is not None:
                raise post.away
            post.conversations += 1

        monkeypatch.setattr(EmailBackend, "send_messages", send_messages)
        monkeypatch.setattr(EmailBackend, "open", open_conversation)


@pytest.fixture
def post(monkeypatch: pytest.MonkeyPatch) -> Post:
    return Post(monkeypatch)


def test_the_same_key_twice_is_one_mail() -> None:
    queue()
    queue(body="Something else.")
    assert kept().body == "They are out."
    assert outbox.deliver(NOW)["sent"] == 1
    assert [message.to for message in mail.outbox] == [["ada@example.org"]]


def test_a_change_that_is_rolled_back_sends_nothing() -> None:
    with transaction.atomic():
        queue()
        transaction.set_rollback(True)
    assert outbox.deliver(NOW) == {"sent": 0, "failed": 0, "delayed": 0}
    assert mail.outbox == []


def test_delivering_twice_sends_once() -> None:
    queue("one")
    queue("two")
    assert reconcile.run("outbox.deliver", NOW) == {"sent": 2, "failed": 0, "delayed": 0}
    assert reconcile.run("outbox.deliver", NOW) == {"sent": 0, "failed": 0, "delayed": 0}
    assert len(mail.outbox) == 2
    assert kept().sent_at == NOW


def test_a_mail_waits_for_its_instant() -> None:
    queue(deliver_after=NOW + MINUTE)
    assert outbox.deliver(NOW)["sent"] == 0
    assert outbox.deliver(NOW + MINUTE)["sent"] == 1


def test_each_mail_names_itself_so_that_a_second_copy_can_be_known() -> None:
    queue()
    outbox.deliver(NOW)
    assert mail.outbox[0].extra_headers["Message-ID"] == f"<{kept().pk}@certification>"


@pytest.mark.parametrize("subject", ["Hello\nBcc: eve@example.org", "Hello\r\n\r\nBcc: eve@example.org"])
def test_a_subject_cannot_add_a_header(subject: str) -> None:
    queue(subject=subject)
    assert outbox.deliver(NOW)["sent"] == 1
    sent = mail.outbox[0].message()
    assert sent["Subject"] == "Hello Bcc: eve@example.org"
    assert sent["Bcc"] is None
    assert mail.outbox[0].recipients() == ["ada@example.org"]


def test_a_recipient_cannot_add_a_header() -> None:
    queue(to="ada@example.org\nBcc: eve@example.org")
    assert outbox.deliver(NOW) == {"sent": 0, "failed": 1, "delayed": 0}
    assert mail.outbox == []


POISON = [
    smtplib.SMTPRecipientsRefused({"ada@example.org": (550, b"no such person")}),
    smtplib.SMTPServerDisconnected("gone"),
    UnicodeEncodeError("ascii", "ä", 0, 1, "ordinal not in range"),
    ValueError("bad header"),
    TimeoutError("slow"),
]


@pytest.mark.parametrize("trouble", POISON, ids=lambda trouble: type(trouble).__name__)
def test_one_bad_mail_holds_up_no_other(post: Post, trouble: Exception) -> None:
    for number, to in enumerate(["bea@example.org", "ada@example.org", "cleo@example.org"]):
        queue(f"mail {number}", to=to)
    post.refuses["ada@example.org"] = trouble
    assert outbox.deliver(NOW) == {"sent": 2, "failed": 1, "delayed": 0}
    assert sorted(message.to[0] for message in mail.outbox) == ["bea@example.org", "cleo@example.org"]
    bad = kept("mail 1")
    assert bad.last_error.startswith(type(trouble).__name__)
    assert (bad.attempts, bad.sent_at) == (1, None)
    assert outbox.deliver(NOW)["sent"] == 0


def test_a_failed_mail_is_tried_further_and_further_apart_and_then_kept(post: Post) -> None:
    queue()
    post.refuses["ada@example.org"] = smtplib.SMTPDataError(451, b"later")
    now, pauses = NOW, []
    for _ in range(outbox.MAX_ATTEMPTS):
        assert outbox.deliver(now - timedelta(microseconds=1))["failed"] == 0
        assert outbox.deliver(now)["failed"] == 1
        pauses.append(kept().deliver_after - now)
        now = kept().deliver_after
    assert pauses == sorted(pauses)
    assert (pauses[0], pauses[-1]) == (2 * MINUTE, timedelta(days=1))
    post.refuses.clear()
    assert outbox.deliver(now + timedelta(days=400)) == {"sent": 0, "failed": 0, "delayed": 0}
    assert kept().last_error.startswith("SMTPDataError")


def test_a_failed_mail_goes_out_once_the_trouble_is_over(post: Post) -> None:
    queue()
    post.refuses["ada@example.org"] = smtplib.SMTPDataError(451, b"later")
    outbox.deliver(NOW)
    post.refuses.clear()
    assert outbox.deliver(NOW + 2 * MINUTE)["sent"] == 1
    assert kept().last_error == ""
    assert kept().attempts == 2


def test_while_the_server_is_away_everything_waits_and_no_attempt_is_spent(post: Post) -> None:
    queue("one")
    queue("two")
    queue("later", deliver_after=NOW + 60 * MINUTE)
    post.away = ConnectionRefusedError("nobody there")
    assert outbox.deliver(NOW) == {"sent": 0, "failed": 0, "delayed": 2}
    assert outbox.deliver(NOW) == {"sent": 0, "failed": 0, "delayed": 0}
    assert (kept().attempts, kept().last_error) == (0, "ConnectionRefusedError: nobody there")
    assert kept("later").deliver_after == NOW + 60 * MINUTE
    post.away = None
    assert outbox.deliver(NOW + 2 * MINUTE)["sent"] == 2


def test_a_failure_ends_the_conversation_and_the_next_mail_begins_another(post: Post) -> None:
    for number in range(4):
        queue(f"mail {number}", to=f"person{number}@example.org")
    post.refuses["person1@example.org"] = smtplib.SMTPServerDisconnected("gone")
    assert outbox.deliver(NOW)["sent"] == 3


def test_an_ending_worker_leaves_the_mail_as_it_was(post: Post) -> None:
    queue()
    post.refuses["ada@example.org"] = SoftTimeLimitExceeded()
    with pytest.raises(SoftTimeLimitExceeded):
        outbox.deliver(NOW)
    assert (kept().attempts, kept().last_error) == (0, "")


def test_a_mail_that_was_given_up_can_be_tried_again(post: Post) -> None:
    queue()
    OutboxMessage.objects.update(attempts=outbox.MAX_ATTEMPTS, deliver_after=NOW + timedelta(days=1))
    assert outbox.deliver(NOW)["sent"] == 0
    outbox.try_again(message_id=kept().pk, now=NOW)
    assert outbox.deliver(NOW)["sent"] == 1
    with pytest.raises(NotAllowed, match="sent already"):
        outbox.try_again(message_id=kept().pk, now=NOW)
    assert outbox.deliver(NOW)["sent"] == 0


@pytest.mark.django_db(transaction=True)
def test_two_workers_send_each_mail_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Both are made to stand inside a delivery at once: each holds a mail the other skips."""
    for number in range(6):
        queue(f"mail {number}", to=f"person{number}@example.org")
    both_inside = threading.Barrier(2, timeout=20)
    met = threading.local()
    send = EmailBackend.send_messages

    def send_together(backend: EmailBackend, messages: list[EmailMessage]) -> int:
        if not getattr(met, "once", False):
            met.once = True
            both_inside.wait()
        return send(backend, messages)

    monkeypatch.setattr(EmailBackend, "send_messages", send_together)
    counts: list[dict[str, int]] = []

    def work() -> None:
        try:
            counts.append(outbox.deliver(NOW))
        finally:
            connection.close()

    workers = [threading.Thread(target=work) for _ in range(2)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join(timeout=30)
    assert sum(count["sent"] for count in counts) == 6
    assert len(counts) == 2
    assert min(count["sent"] for count in counts) >= 1
    assert sorted(message.to[0] for message in mail.outbox) == [f"person{n}@example.org" for n in range(6)]
