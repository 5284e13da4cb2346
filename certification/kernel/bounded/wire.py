"""What a site process, its server of bounded jobs and a job tell each other: one message, one meaning.

The socket keeps messages apart, so a process killed in the middle of a sentence leaves no half of one.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator

# What a message says, in its first byte.
PIECE, WHOLE = b"c", b"d"  # a part of a request or a result; nothing more of it follows
STARTED, TOLD = b"s", b"p"  # the job runs; how far it is
REFUSED, BEYOND, FAILED = b"r", b"o", b"f"  # BadInput; beyond a bound, and which; any other exception
SHORT = b"a"  # the machine lacks room, or its disk fails: nobody's file is to blame
ENDED = b"x"  # from the server: the process is gone, and this was its exit code

MOST_BYTES = 64 * 1024
# Each job's address is sent with what the server must know before it can start the job.
MOST_HEADER_BYTES = 4096


def pair() -> tuple[socket.socket, socket.socket]:
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


def send(channel: socket.socket, kind: bytes, content: bytes = b"") -> None:
    channel.sendall(kind + content[: MOST_BYTES - 1])


def send_whole(channel: socket.socket, content: bytes) -> None:
    """Send content of any length."""
    for at in range(0, len(content), MOST_BYTES - 1):
        send(channel, PIECE, content[at : at + MOST_BYTES - 1])
    send(channel, WHOLE)


def receive(channel: socket.socket) -> tuple[bytes, bytes]:
    """The next message's kind and content; no kind means that the other side is gone."""
    message = channel.recv(MOST_BYTES)
    return message[:1], message[1:]


def receive_whole(channel: socket.socket) -> bytes:
    """What `send_whole` sent.

    Raises:
        EOFError: the other side is gone.
    """
    return b"".join(_pieces(channel))


def _pieces(channel: socket.socket) -> Iterator[bytes]:
    while True:
        kind, content = receive(channel)
        if kind == WHOLE:
            return
        if kind != PIECE:
            raise EOFError
        yield content
