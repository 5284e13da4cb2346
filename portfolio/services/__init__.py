"""Every change to entries and their evidence goes through one of these functions."""

from ..openness import open_entries_for
from .entries import start_entry
from .evidence import add_evidence, open_original, remove_evidence
from .submission import submit_entry, withdraw_entry

__all__ = [
    "add_evidence",
    "open_entries_for",
    "open_original",
    "remove_evidence",
    "start_entry",
    "submit_entry",
    "withdraw_entry",
]
