"""The outbox: a mail is a row written with the change that owes it, and delivered by a reconciler.

A rolled-back change therefore sends nothing, and a dead mail server delays but loses nothing.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta
from typing import Any

from celery.exceptions import SoftTimeLimitExceeded
from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db import transaction
from django.db.models import QuerySet

from . import clock
from .errors import NotAllowed
from .models import OutboxMessage

logger = logging.getLogger(__name__)

MAX_ATTEMPTS = 12
_LONGEST_PAUSE_MINUTES = 24 * 60
_SERVER_AWAY_PAUSE = timedelta(minutes=2)


def queue(
    *,
    dedupe_key: str,
    to: str,
    subject: str,
    body: str,
    kind: str,
    deliver_after: datetime | None = None,
) -> None:
    """Owe `to` a mail.  The same `dedupe_key` twice is one mail.

    `deliver_after` defaults to now.  `kind` groups messages for staff (`receipt`, `scores released`).
    """
    now = clock.now()
    OutboxMessage.objects.bulk_create(
        [
            OutboxMessage(
                dedupe_key=dedupe_key,
                kind=kind,
                recipient=to,
                subject=" ".join(subject.split())[:200],
                body=body,
                queued_at=now,
                deliver_after=deliver_after or now,
            )
        ],
        ignore_conflicts=True,
    )


def is_queued(dedupe_key: str) -> bool:
    """Whether this mail is owed already, or was sent."""
    return OutboxMessage.objects.filter(dedupe_key=dedupe_key).exists()


def count_queued(beginning: str) -> int:
    """How many mails whose key begins so are owed, or were sent."""
    return OutboxMessage.objects.filter(dedupe_key__startswith=beginning).count()


def deliver(now: datetime) -> dict[str, int]:
    """Send what is due, each mail in a transaction of its own.

    A mail that cannot be sent keeps its error and is tried again later, further and further apart;
    it holds up no other.  While the mail server is away everything due waits, and no attempt is spent.
    """
    counts = {"sent": 0, "failed": 0, "delayed": 0}
    mail = get_connection()
    try:
        while _due(now).exists():
            try:
                mail.open()
            except OSError as error:
                counts["delayed"] += _delay_due(now, error)
                break
            outcome = _deliver_next(now, mail)
            if outcome is None:
                break
            counts[outcome] += 1
            if outcome == "failed":
                mail.close()  # the conversation may be broken; the next mail begins a new one
    finally:
        mail.close()
    return counts


def try_again(*, message_id: Any, now: datetime) -> None:
    """Let a mail that was given up, or waits for its next attempt, be sent at once.

    Raises:
        NotAllowed: it was sent already.
    """
    renewed = OutboxMessage.objects.filter(pk=message_id, sent_at__isnull=True).update(
        attempts=0, deliver_after=now
    )
    if not renewed:
        raise NotAllowed("This mail was sent already. Nothing was changed.")


def _due(now: datetime) -> QuerySet[OutboxMessage]:
    return OutboxMessage.objects.filter(
        sent_at__isnull=True, deliver_after__lte=now, attempts__lt=MAX_ATTEMPTS
    )


def _deliver_next(now: datetime, mail: Any) -> str | None:
    """Send one mail nobody else is sending.  Returns `sent` or `failed`, or None when there is none."""
    with transaction.atomic():
        message = _due(now).select_for_update(skip_locked=True).order_by("deliver_after", "queued_at").first()
        if message is None:
            return None
        message.attempts += 1
        try:
            EmailMessage(
                subject=message.subject,
                body=message.body,
                from_email=settings.DEFAULT_FROM_EMAIL,
                to=[message.recipient],
                headers={"Message-ID": f"<{message.pk}@certification>"},
                connection=mail,
            ).send()
        except SoftTimeLimitExceeded:
            raise  # the worker's trouble, not the mail's
        except Exception as error:
            # Whatever is wrong with this mail (an address no server takes, a header no library
            # writes) is this mail's own trouble.
            logger.warning("outbox: message %s was not sent (%s)", message.pk, type(error).__name__)
            message.last_error = f"{type(error).__name__}: {error}"[:300]
            message.deliver_after = now + _pause_after(message.attempts)
            outcome = "failed"
        else:
            message.sent_at = now
            message.last_error = ""
            outcome = "sent"
        message.save(update_fields=["attempts", "last_error", "deliver_after", "sent_at"])
        return outcome


def _pause_after(attempts: int) -> timedelta:
    return timedelta(minutes=min(2**attempts, _LONGEST_PAUSE_MINUTES))


def _delay_due(now: datetime, error: OSError) -> int:
    logger.warning("outbox: the mail server does not answer (%s)", type(error).__name__)
    return _due(now).update(
        last_error=f"{type(error).__name__}: {error}"[:300], deliver_after=now + _SERVER_AWAY_PAUSE
    )
