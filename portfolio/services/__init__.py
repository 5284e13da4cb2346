"""Changes to entries and their evidence, and the few questions that are answered by the same rules.

Named here is what other modules call for entries, evidence and uploads.  Captions, the self-assessment and
the taking in of what has arrived are called by their own modules' names.
"""

from ..openness import open_entries_for
from .arranging import Direction, move_evidence
from .entries import start_entry, waited_for
from .evidence import add_evidence, open_original, remove_evidence
from .submission import (
    AtClose,
    carry_out_wish,
    submit_entry,
    take_back_wish,
    what_is_missing,
    wish_submission_at_close,
    withdraw_entry,
)
from .uploading import (
    abort_upload,
    address_of_part,
    complete_upload,
    create_upload,
    list_parts,
    receive_part,
)

__all__ = [
    "AtClose",
    "Direction",
    "abort_upload",
    "add_evidence",
    "address_of_part",
    "carry_out_wish",
    "complete_upload",
    "create_upload",
    "list_parts",
    "move_evidence",
    "open_entries_for",
    "open_original",
    "receive_part",
    "remove_evidence",
    "start_entry",
    "submit_entry",
    "take_back_wish",
    "waited_for",
    "what_is_missing",
    "wish_submission_at_close",
    "withdraw_entry",
]
