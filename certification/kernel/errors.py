"""Refusals: the one way a service says no to a person.

A refusal is not a bug.  Its message is a whole sentence for the person who asked:
what happened, to what, and what to do next.  Views show it beside the form that caused it;
everything the person typed stays.
"""

from __future__ import annotations

from collections.abc import Sequence


class Refusal(Exception):
    """The programme's rules do not allow what was asked.

    Attributes:
        message: the sentence shown to the person.
        details: further sentences, one per separate problem (may be empty).
    """

    def __init__(self, message: str, details: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        self.details = tuple(details)

    def __str__(self) -> str:
        return " ".join((self.message, *self.details))


class WindowClosed(Refusal):
    """The clock stands outside the window at the moment of writing."""


class Incomplete(Refusal):
    """Something required is missing; `details` lists every missing piece, not the first."""


class NotAllowed(Refusal):
    """The thing is not in a state from which this can be done."""


class BadInput(Refusal):
    """What was given cannot be used: a file that is not what it claims, a number out of range."""
