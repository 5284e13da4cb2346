"""Stop reading an upload at the slot's limit, while it still arrives."""

from __future__ import annotations

from django.core.files.uploadhandler import FileUploadHandler, StopUpload


class LimitHandler(FileUploadHandler):
    """Counts the bytes of a request's files and gives up beyond `max_bytes`.

    It stands first in line, so that a file too large fills neither memory nor disk.  The rest of the
    request is read and thrown away: only then does the browser show our sentence and not its own.
    """

    def __init__(self, max_bytes: int) -> None:
        super().__init__()
        self.max_bytes = max_bytes
        self.seen = 0

    @property
    def exceeded(self) -> bool:
        return self.seen > self.max_bytes

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes:
        self.seen += len(raw_data)
        if self.exceeded:
            raise StopUpload(connection_reset=False)
        return raw_data

    def file_complete(self, file_size: int) -> None:
        return None
