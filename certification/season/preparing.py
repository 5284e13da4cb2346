"""One candidate in the middle of their portfolio: what a visitor of the demo looks at first.

They have sent in some pieces of the first entry and lack others, so that every page of the portfolio has
something to show: a document that names them, a clip, a slot that is empty.
"""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from django.core.files.base import File

from accounts.models import Role, User
from candidates.models import Cohort
from certification.kernel import reconcile
from portfolio import services as portfolio
from portfolio.models import Entry

from . import cast, plan, registering

PERSON = plan.Person(
    alias="preparing",
    name="Priya Featherstone-Okafor",
    email="priya@demo.example",
    school="Lakeside Middle School",
    district="Lakeside Unified School District",
    fate=plan.Fate.CERTIFIED_AT_ONCE,
)
_CLIP_SECONDS = 12


def begin(cohort: Cohort, folder: Path, now: datetime) -> None:
    """Enrol them and begin their first entry; nothing happens while registration is not open."""
    if not cohort.registration_window.contains(now) or User.objects.filter(email=PERSON.email).exists():
        return
    account = cast.account(PERSON.email, PERSON.name, Role.CANDIDATE)
    player = cast.Player(PERSON, account, folder)
    stage = cast.Stage(cohort, staff=(account, account), players=(player,))
    registering.register(stage, player, now)
    reconcile.run("registrations.complete_paid", now)
    registering.find_candidacies(stage)
    assert player.candidacy_id is not None
    entry = portfolio.start_entry(candidacy_id=player.candidacy_id, entry_key="entry-1", by=account, now=now)
    _add(entry, "written", player.document("Written pieces", "docx"), now)
    _add(entry, "peers-goal", player.document("PEERS goal", "pdf"), now)
    _add(entry, "identify-conversation", player.video("Identify conversation", seconds=_CLIP_SECONDS), now)


def _add(entry: Entry, slot_key: str, path: Path, now: datetime) -> None:
    with path.open("rb") as file:
        portfolio.add_evidence(
            entry_id=entry.pk,
            slot_key=slot_key,
            by=entry.candidacy.account,
            file=File(file, name=path.name),
            name=path.name,
            now=now,
        )
