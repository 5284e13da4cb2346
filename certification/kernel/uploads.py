"""What becomes of files sent to the site's pages."""

from __future__ import annotations

from typing import Any

from django.core.files.uploadhandler import (
    FileUploadHandler,
    MemoryFileUploadHandler,
    SkipFile,
    StopUpload,
)
from django.core.files.uploadhandler import TemporaryFileUploadHandler as OnDisk
from django.http import HttpRequest


class NoFiles(FileUploadHandler):
    """Reads files past and keeps nothing; the rest of the form arrives as if they had not been sent."""

    def new_file(self, *args: Any, **kwargs: Any) -> None:
        raise SkipFile

    def receive_data_chunk(self, raw_data: bytes, start: int) -> bytes | None:
        return None

    def file_complete(self, file_size: int) -> None:
        return None


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


def take_files(request: HttpRequest, *first: FileUploadHandler) -> None:
    """Let this request bring files: small ones in memory, others on disk, after the handlers in `first`.

    Must be called before anything reads the body.
    """
    request.upload_handlers = [*first, MemoryFileUploadHandler(request), OnDisk(request)]
