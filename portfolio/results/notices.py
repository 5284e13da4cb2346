"""The mails of a release: they say that scores are out, and never what they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING
from uuid import UUID

from django.conf import settings

from candidates.selectors import Person
from certification.kernel import outbox

if TYPE_CHECKING:
    from .verdicts import Verdict


def scores_are_out(verdicts: Sequence[Verdict], persons: Mapping[UUID, Person]) -> None:
    """Owe every candidate of the release one mail."""
    for verdict in verdicts:
        person = persons[verdict.candidacy.id]
        outbox.queue(
            dedupe_key=f"scores:{verdict.candidacy.id}:{verdict.year}",
            to=person.email,
            kind="scores released",
            subject=f"Your results of year {verdict.year} are out",
            body=(
                f"Dear {person.name_on_certificate},\n\n"
                f"The results of year {verdict.year} of your candidacy {verdict.candidacy.number} have been"
                " released. Sign in to read them, and what they mean for next year:\n"
                f"{settings.SITE_URL}/dashboard/\n"
            ),
        )
