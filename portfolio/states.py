"""States of entries, uploads, preparations and blindings, and the moves between them."""

from django.db import models


class EntryState(models.TextChoices):
    DRAFT = "draft", "In preparation"
    SUBMITTED = "submitted", "Submitted"
    SEALED = "sealed", "Being scored"
    RELEASED = "released", "Scored"
    UNUSED = "unused", "Not submitted"


ENTRY_ALLOWED: dict[str, frozenset[str]] = {
    EntryState.DRAFT: frozenset({EntryState.SUBMITTED, EntryState.UNUSED}),
    # Withdrawn by the candidate while the window is open, or sealed when it has closed.
    EntryState.SUBMITTED: frozenset({EntryState.DRAFT, EntryState.SEALED}),
    EntryState.SEALED: frozenset({EntryState.RELEASED}),
    EntryState.RELEASED: frozenset(),
    # Staff may extend one person's deadline after it passed; the entry opens again.
    EntryState.UNUSED: frozenset({EntryState.DRAFT}),
}
# States that count as "submitted" in a year.
ATTEMPTED_ENTRIES = frozenset({EntryState.SUBMITTED, EntryState.SEALED, EntryState.RELEASED})


class EvidenceKind(models.TextChoices):
    DOCUMENT = "document", "Document"
    VIDEO = "video", "Video"
    FORM = "form", "Form"


class UploadState(models.TextChoices):
    OPEN = "open", "Being sent"
    COMPLETING = "completing", "Being checked"
    TAKEN = "taken", "Added"
    REFUSED = "refused", "Not accepted"
    ABORTED = "aborted", "Cancelled"
    EXPIRED = "expired", "Given up"


UPLOAD_ALLOWED: dict[str, frozenset[str]] = {
    UploadState.OPEN: frozenset({UploadState.COMPLETING, UploadState.ABORTED, UploadState.EXPIRED}),
    # What has arrived whole is checked whatever happens next, so it can neither be cancelled nor expire.
    UploadState.COMPLETING: frozenset({UploadState.TAKEN, UploadState.REFUSED}),
    UploadState.TAKEN: frozenset(),
    UploadState.REFUSED: frozenset(),
    UploadState.ABORTED: frozenset(),
    UploadState.EXPIRED: frozenset(),
}
UNDER_WAY_UPLOADS = frozenset({UploadState.OPEN, UploadState.COMPLETING})


class PreparationState(models.TextChoices):
    RECEIVED = "received", "Received"
    CHECKING = "checking", "Being checked"
    READY = "ready", "Ready"
    REJECTED = "rejected", "Not usable"
    UNSCANNABLE = "unscannable", "Not scanned"


PREPARATION_ALLOWED: dict[str, frozenset[str]] = {
    PreparationState.RECEIVED: frozenset({PreparationState.CHECKING}),
    # Back to received when a worker died over it, or could not go on for now.
    PreparationState.CHECKING: frozenset(
        {
            PreparationState.READY,
            PreparationState.REJECTED,
            PreparationState.UNSCANNABLE,
            PreparationState.RECEIVED,
        }
    ),
    # Drawn anew when what names the candidate has changed, or when staff ask for it.
    PreparationState.READY: frozenset({PreparationState.RECEIVED}),
    PreparationState.REJECTED: frozenset({PreparationState.RECEIVED}),
    PreparationState.UNSCANNABLE: frozenset({PreparationState.RECEIVED}),
}
# States in which a worker still has something to do, in the order in which it does it.
PREPARING = (PreparationState.RECEIVED, PreparationState.CHECKING)
# States in which there is a rendition to show.
PREPARED = frozenset({PreparationState.READY, PreparationState.UNSCANNABLE})


class Scan(models.TextChoices):
    """What the virus scanner said; skipped is never the same as clean."""

    NOT_ASKED = "", "Not asked"
    CLEAN = "clean", "Nothing found"
    INFECTED = "infected", "Harmful"
    SKIPPED = "skipped", "The scanner did not look into it"


class BlindingState(models.TextChoices):
    WAITING = "waiting", "Waiting to be cleaned"
    CLEANED = "cleaned", "Waiting for the check"
    CHECKED = "checked", "Waiting for the second person"
    SIGNED_OFF = "signed_off", "Signed off"
    FAILED = "failed", "Could not be cleaned"


BLINDING_ALLOWED: dict[str, frozenset[str]] = {
    BlindingState.WAITING: frozenset({BlindingState.CLEANED, BlindingState.FAILED}),
    BlindingState.CLEANED: frozenset({BlindingState.CHECKED, BlindingState.WAITING}),
    BlindingState.CHECKED: frozenset(
        {BlindingState.SIGNED_OFF, BlindingState.CLEANED, BlindingState.WAITING}
    ),
    BlindingState.SIGNED_OFF: frozenset(),
    BlindingState.FAILED: frozenset({BlindingState.WAITING}),
}


class Outcome(models.TextChoices):
    """What a year's scores come to for one candidate."""

    CERTIFIED = "certified", "Certified"
    CONTINUING = "continuing", "Continuing"
    ENDED = "ended", "Ended"


# For what hangs on a piece of evidence: it changes with its entry, and with nothing else.
ONLY_WHILE_EVIDENCE_CHANGES = """
    SELECT entry.state INTO entry_state FROM portfolio_entry entry
        JOIN portfolio_evidence evidence ON evidence.entry_id = entry.id
        WHERE evidence.id = COALESCE(NEW.evidence_id, OLD.evidence_id) FOR SHARE OF entry;
    IF entry_state IS DISTINCT FROM 'draft' THEN
        RAISE EXCEPTION 'what belongs to evidence of an entry that is % cannot change', entry_state;
    END IF;
    RETURN COALESCE(NEW, OLD);
"""
