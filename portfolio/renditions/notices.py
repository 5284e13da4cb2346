"""The mail about a piece that cannot be used, owed when its entry was handed in already."""

from __future__ import annotations

from django.conf import settings
from django.urls import reverse

from certification.kernel import audit, outbox

from ..states import EntryState
from .models import Preparation


def of_rejected(preparation: Preparation) -> None:
    """Leave it on record, and tell the candidate, who would learn from the entry's page only by chance.

    While the entry is in preparation its page says it, and it cannot be submitted.
    """
    audit.record(actor=None, action="rejected evidence", subject=preparation.evidence)
    entry = preparation.evidence.entry
    if entry.state not in (EntryState.SUBMITTED, EntryState.SEALED):
        return
    if entry.state == EntryState.SUBMITTED:
        way_out = (
            "While the submission window is open you can mend this yourself: withdraw the entry, "
            "replace the file, and submit the entry again.\n"
            f"The entry: {settings.SITE_URL}{reverse('portfolio:entry', args=[entry.pk])}\n"
        )
    else:
        way_out = "The submission window is over. The programme office has been told and will write to you.\n"
    outbox.queue(
        dedupe_key=f"rejected:{preparation.pk}:{preparation.evidence.sha256[:16]}:{entry.state}",
        to=entry.candidacy.account.email,
        kind="evidence rejected",
        subject=f"A file of {entry.template} cannot be used",
        body=(
            f"You submitted {entry.template}. When its files were prepared for the scorers, "
            f"this one could not be used:\n\n- {preparation.evidence.slot.title}: "
            f"{preparation.evidence.original_name}\n  {preparation.problem}\n\n{way_out}"
        ),
    )
