"""What a rehearsal signs opens what it was signed for, as long as it was signed for, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from certification.kernel import ids
from certification.kernel.errors import BadInput, NotAllowed
from portfolio.rehearsal import tickets
from portfolio.uploads import signing

NOW = datetime(2027, 4, 20, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
LENGTH = 65_536


def test_an_address_takes_pieces_for_five_minutes_and_then_says_that_they_are_over() -> None:
    trial = ids.uuid()
    token = tickets.for_piece(trial, LENGTH, NOW)

    tickets.require_piece(token, trial, LENGTH, NOW + timedelta(minutes=5) - SECOND)
    with pytest.raises(NotAllowed, match="good for 5 minutes, which are over"):
        tickets.require_piece(token, trial, LENGTH, NOW + timedelta(minutes=5))


def test_an_address_is_of_one_measurement_and_one_length() -> None:
    trial = ids.uuid()
    token = tickets.for_piece(trial, LENGTH, NOW)

    for other, length in ((ids.uuid(), LENGTH), (trial, 2 * LENGTH)):
        with pytest.raises(NotAllowed, match="takes no piece of a rehearsal"):
            tickets.require_piece(token, other, length, NOW)


def test_a_ticket_holds_for_its_owner_for_fifteen_minutes() -> None:
    trial, owner = ids.uuid(), ids.uuid()
    ticket = tickets.ticket(trial, owner, NOW)

    assert tickets.trial_of(ticket, owner, NOW + timedelta(minutes=15) - SECOND) == trial
    with pytest.raises(BadInput, match="more than 15 minutes after it began"):
        tickets.trial_of(ticket, owner, NOW + timedelta(minutes=15))
    with pytest.raises(BadInput, match="did not arrive whole"):
        tickets.trial_of(ticket, ids.uuid(), NOW)


def test_the_address_of_a_part_opens_no_rehearsal() -> None:
    trial, owner = ids.uuid(), ids.uuid()
    of_a_part = signing.signature(trial, LENGTH, owner, NOW + timedelta(minutes=15))

    with pytest.raises(NotAllowed, match="takes no piece of a rehearsal"):
        tickets.require_piece(of_a_part, trial, LENGTH, NOW)
    for as_ticket in (of_a_part, of_a_part.partition(":")[2]):
        with pytest.raises(BadInput, match="did not arrive whole"):
            tickets.trial_of(f"{trial}/{as_ticket}", owner, NOW)


def test_what_a_rehearsal_signs_takes_no_part_of_evidence() -> None:
    upload, owner = ids.uuid(), ids.uuid()
    of_a_piece = tickets.for_piece(upload, 1, NOW)
    of_a_ticket = tickets.ticket(upload, owner, NOW).partition("/")[2]

    for token in (of_a_piece, of_a_ticket, f"{owner}:{of_a_piece}", f"{owner}:{of_a_ticket}"):
        with pytest.raises(signing.Unsigned, match="takes no part of a file"):
            signing.owner_of(token, upload, 1, NOW)


def test_a_ticket_and_an_address_of_one_measurement_do_not_open_one_another() -> None:
    trial, owner = ids.uuid(), ids.uuid()
    address = tickets.for_piece(trial, LENGTH, NOW)
    ticket = tickets.ticket(trial, owner, NOW)

    with pytest.raises(NotAllowed, match="takes no piece of a rehearsal"):
        tickets.require_piece(ticket.partition("/")[2], trial, LENGTH, NOW)
    with pytest.raises(BadInput, match="did not arrive whole"):
        tickets.trial_of(f"{trial}/{address}", owner, NOW)
