"""The mails about a submission, written with the change that owes them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime

from django.conf import settings
from django.urls import reverse

from accounts.models import User
from certification.kernel import outbox
from certification.kernel.windows import spoken

from ..models import Entry, Receipt


def received(entry: Entry, receipt: Receipt, to: User) -> None:
    """The receipt itself: each file by name, size and digest, and where the PDF is."""
    files = "\n".join(
        f"- {piece['slot']}: {piece['name']}\n  {piece['size']:,} bytes, SHA-256 {piece['sha256']}"
        for piece in receipt.manifest
    )
    outbox.queue(
        dedupe_key=f"receipt:{receipt.number}",
        to=to.email,
        kind="submission receipt",
        subject=f"Received: {entry.template}",
        body=(
            f"{_opening(entry, receipt)}\n\n"
            f"Receipt {receipt.number}\n{files}\n\n"
            f"SHA-256 of this list: {receipt.digest}\n"
            f"The receipt on the site: {_address('portfolio:receipt', receipt.number)}\n"
            f"As a PDF: {_address('portfolio:receipt_pdf', receipt.number)}\n"
            f"{_closing(receipt)}"
        ),
    )


def not_submitted(entry: Entry, closes: datetime, problems: Sequence[str], to: User) -> None:
    """What was missing when an entry that was to be submitted at the close was not complete."""
    missing = "\n".join(f"- {sentence}" for sentence in problems)
    outbox.queue(
        dedupe_key=f"submit-at-close:{entry.pk}:{closes.astimezone(UTC):%Y%m%dT%H%M}",
        to=to.email,
        kind="submission not made",
        subject=f"Not submitted: {entry.template}",
        body=(
            f"You asked us to submit {entry.template} of year {entry.year} at the close, on"
            f" {spoken(closes, settings.PROGRAMME_ZONE, ending=True)}, if it was complete.\n"
            f"It was not complete, so it was not submitted:\n{missing}\n\n"
            f"Nothing was deleted: {_address('portfolio:entry', entry.pk)}\n"
            f"If something kept you, answer this mail and say what happened. Should your window be extended,"
            f" submit the entry yourself or ask for it anew: what you had asked for ended with this close.\n"
        ),
    )


def _opening(entry: Entry, receipt: Receipt) -> str:
    at = f"{spoken(receipt.submitted_at, settings.PROGRAMME_ZONE)} ({_utc(receipt.submitted_at)})"
    if receipt.by_wish:
        return (
            f"The window closed, and {entry.template} of year {entry.year} was complete: as you had asked,"
            f" it was submitted at the last admitted instant, {at}."
        )
    return f"{entry.template} of year {entry.year} was submitted on {at}."


def _closing(receipt: Receipt) -> str:
    if receipt.by_wish:
        return "It is with the programme now and can no longer be changed.\n"
    return "Until the window closes you may withdraw the entry, change it and submit it again.\n"


def _utc(at: datetime) -> str:
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _address(name: str, key: object) -> str:
    return f"{settings.SITE_URL}{reverse(name, args=[key])}"
