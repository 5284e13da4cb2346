"""Two foreign S3 servers, as peers of the site's own client: `rclone serve s3` and moto.

rclone checks every signature as AWS does, and answers with many small differences.  moto checks none.
"""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
from botocore.config import Config

BUCKET = "originals"
_STARTS_WITHIN_SECONDS = 30
_KEY, _SECRET = "peer-key", "peer-secret"


@dataclass(frozen=True, slots=True)
class Peer:
    """A running S3 server with one empty bucket."""

    endpoint: str

    @property
    def storage(self) -> dict[str, Any]:
        """What STORAGES says of a store in its bucket."""
        return {
            "BACKEND": "storages.backends.s3.S3Storage",
            "OPTIONS": {
                "bucket_name": BUCKET,
                "access_key": _KEY,
                "secret_key": _SECRET,
                "endpoint_url": self.endpoint,
                "region_name": "us-east-1",
                "default_acl": None,
                "file_overwrite": False,
                "querystring_auth": True,
                "querystring_expire": 300,
                "signature_version": "s3v4",
                "max_memory_size": 2 * 1024 * 1024,
            },
        }

    @property
    def client(self) -> Any:
        """A client of the test's own."""
        return boto3.client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=_KEY,
            aws_secret_access_key=_SECRET,
            region_name="us-east-1",
            config=Config(signature_version="s3v4", s3={"addressing_style": "path"}),
        )

    def empty(self) -> None:
        """Forget every object and every upload that was begun."""
        client = self.client
        for upload in self._uploads():
            client.abort_multipart_upload(Bucket=BUCKET, Key=upload["Key"], UploadId=upload["UploadId"])
        for key in self.keys():
            client.delete_object(Bucket=BUCKET, Key=key)

    def keys(self, prefix: str = "") -> list[str]:
        """The names of all objects."""
        pages = self.client.get_paginator("list_objects_v2").paginate(Bucket=BUCKET, Prefix=prefix)
        return sorted(row["Key"] for page in pages for row in page.get("Contents", []))

    def begun(self) -> list[str]:
        """The keys of the uploads in parts that are neither completed nor aborted."""
        return [upload["Key"] for upload in self._uploads()]

    def _uploads(self) -> list[dict[str, Any]]:
        client = self.client
        try:
            return list(client.list_multipart_uploads(Bucket=BUCKET).get("Uploads", []))
        except client.exceptions.NoSuchUpload:  # as rclone says when there is none
            return []


@contextmanager
def rclone(folder: Path) -> Iterator[Peer]:
    """`rclone serve s3` over a folder of local disk; the first level of folders are its buckets."""
    (folder / BUCKET).mkdir(parents=True)
    port = _free_port()
    command = [str(_tool("rclone")), "serve", "s3", str(folder), "--addr", f"127.0.0.1:{port}"]
    command += ["--auth-key", f"{_KEY},{_SECRET}", "--config", os.devnull, "--log-file", os.devnull]
    with _running(command, port) as peer:
        yield peer


@contextmanager
def moto() -> Iterator[Peer]:
    """moto's server, with its state in memory."""
    port = _free_port()
    with _running([str(_tool("moto_server")), "-H", "127.0.0.1", "-p", str(port)], port) as peer:
        peer.client.create_bucket(Bucket=BUCKET)
        yield peer


@contextmanager
def _running(command: Sequence[str], port: int) -> Iterator[Peer]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        _wait_for(port)
        yield Peer(f"http://127.0.0.1:{port}")
    finally:
        process.kill()
        process.wait()


def _wait_for(port: int) -> None:
    until = time.monotonic() + _STARTS_WITHIN_SECONDS
    while time.monotonic() < until:
        with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
            return
        time.sleep(0.05)
    raise RuntimeError(f"The S3 server did not open port {port} within {_STARTS_WITHIN_SECONDS} s.")


def _tool(name: str) -> Path:
    return Path(sys.executable).parent / name


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
