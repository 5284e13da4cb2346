"""The outbox: a mail is a row written with the change that owes it, and delivered by a reconciler.

A rolled-back change therefore sends nothing, and a dead mail server delays but loses nothing.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.conf import settings
from django.core.mail import EmailMessage, get_connection
from django.db import transaction

from . import clock
from .models import OutboxMessage

MAX_ATTEMPTS = 12
_BATCH = 50


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


def deliver(now: datetime) -> dict[str, int]:
    """Send what is due; a failure is kept with its error and tried again later, further and further apart."""
    sent = failed = 0
    while batch_counts := _deliver_batch(now):
        sent += batch_counts[0]
        failed += batch_counts[1]
    return {"sent": sent, "failed": failed}


def _deliver_batch(now: datetime) -> tuple[int, int] | None:
    with transaction.atomic():
        due = list(
            OutboxMessage.objects.select_for_update(skip_locked=True)
            .filter(sent_at__isnull=True, deliver_after__lte=now, attempts__lt=MAX_ATTEMPTS)
            .order_by("queued_at")[:_BATCH]
        )
        if not due:
            return None
        sent = failed = 0
        connection = get_connection()
        for message in due:
            message.attempts += 1
            try:
                EmailMessage(
                    subject=message.subject,
                    body=message.body,
                    from_email=settings.DEFAULT_FROM_EMAIL,
                    to=[message.recipient],
                    headers={"Message-ID": f"<{message.pk}@certification>"},
                    connection=connection,
                ).send()
            except OSError as error:
                message.last_error = f"{type(error).__name__}: {error}"[:300]
                message.deliver_after = now + timedelta(minutes=2**message.attempts)
                failed += 1
            else:
                message.sent_at = now
                message.last_error = ""
                sent += 1
            message.save(update_fields=["attempts", "last_error", "deliver_after", "sent_at"])
        return sent, failed
