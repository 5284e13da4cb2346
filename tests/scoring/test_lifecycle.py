"""Any order of a scorer's acts leaves an assignment that makes sense."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from django.db import transaction
from hypothesis import given, settings
from hypothesis import strategies as st

from certification.kernel.errors import Refusal
from scoring import outcomes, services
from scoring.models import Assignment, PacketResult, Reading
from scoring.states import AssignmentState, PacketState
from tests.factories import scoring as make

ACTS = ["open", "save", "submit", "submit_other", "submit_unscorable", "recuse", "close"]


def act(assignment: Assignment, what: str) -> None:
    whose: dict[str, Any] = {
        "scorer_id": assignment.scorer_id,
        "assignment_id": assignment.pk,
        "now": make.NOW,
    }
    if what == "open":
        services.open_assignment(**whose)
    elif what == "save":
        services.save_draft(**whose, ratings={"identify": Decimal(3)}, condition=None, note="")
    elif what == "recuse":
        services.recuse(**whose)
    elif what == "close":
        outcomes.close_packets(make.NOW)
    elif what == "submit_unscorable":
        make.read(assignment, condition="no_audio")
    else:
        make.read(assignment, "1" if what == "submit_other" else "4")


@pytest.mark.django_db(transaction=True)
@settings(max_examples=40, deadline=None)
@given(steps=st.lists(st.tuples(st.integers(0, 1), st.sampled_from(ACTS)), max_size=10))
def test_any_order_of_acts_leaves_what_makes_sense(steps: list[tuple[int, str]]) -> None:
    with transaction.atomic():
        packet = make.packet()
        held = [make.assignment(packet, make.scorer()) for _ in range(2)]
        ended: dict[object, str] = {}
        for who, what in steps:
            try:
                act(held[who], what)
            except Refusal:
                assert held[who].pk in ended or what == "close", "only what is over is refused"
            held[who].refresh_from_db()
            if held[who].state in (AssignmentState.SUBMITTED, AssignmentState.RECUSED):
                assert ended.setdefault(held[who].pk, held[who].state) == held[who].state
        outcomes.close_packets(make.NOW)
        assert not any(outcomes.close_packets(make.NOW).values())
        packet.refresh_from_db()
        states = [assignment.state for assignment in Assignment.objects.filter(packet=packet)]
        submitted = states.count(AssignmentState.SUBMITTED)
        assert Reading.objects.filter(assignment__packet=packet).count() == submitted
        assert (packet.state in (PacketState.CLOSED, PacketState.ADJUDICATION)) == (submitted == 2)
        assert PacketResult.objects.filter(packet=packet).exists() == (packet.state == PacketState.CLOSED)
        assert (packet.state == PacketState.READY) == (AssignmentState.RECUSED in states)
        transaction.set_rollback(True)
