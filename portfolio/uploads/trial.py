"""Where a rehearsal's bytes go: the same way as the parts of a file, and kept by nobody.

In a bucket they take the place of one another under a name like an upload's.  No upload has it, so the
sweep frees it with whatever else belongs to none.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.core.files.storage import FileSystemStorage

from .parts import FOLDER, key_of
from .storing import originals


def address(trial_id: UUID, begun_at: datetime, *, length: int, seconds: int) -> str | None:
    """An address in the bucket that takes just `length` bytes for so long; None when the site takes them."""
    kept_in = originals()
    if isinstance(kept_in, FileSystemStorage):
        return None
    client = kept_in.connection.meta.client  # type: ignore[attr-defined]
    wanted = {
        "Bucket": kept_in.bucket_name,  # type: ignore[attr-defined]
        "Key": f"{FOLDER}/{key_of(trial_id, begun_at)}",
        # Signed with the rest, so that the address cannot be used to fill the bucket.
        "ContentLength": length,
    }
    return str(client.generate_presigned_url("put_object", Params=wanted, ExpiresIn=seconds))
