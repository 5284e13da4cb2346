"""Run a function in a process of its own, within bounds: what opens strangers' files ends at worst itself.

A few thousand bytes can unfold to gigabytes or keep a reader busy for hours, and a reader in C can end
its whole process.  `run_bounded` gives a function so much memory, work, time and disk and no more; the
kernel holds to that whatever the function does.  See docs/adr/0016.
"""

from __future__ import annotations

import io
import json
import os
import pickle
import pickletools
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TypeVar

from certification.kernel.errors import BadInput

from . import wire
from .job import is_the_machines, tell

__all__ = ["Failed", "Interrupted", "Limits", "OutOfBounds", "is_the_machines", "run_bounded", "tell"]

T = TypeVar("T")

MIB = 1024**2
_PROJECT = Path(__file__).resolve().parents[3]
# What a process needs to find its libraries, fonts and room; no secret is among it.
_ENVIRONMENT = ("PATH", "HOME", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR", "TZ", "XDG_CACHE_HOME")
_PROGRAM = (
    "import sys; sys.path.insert(0, sys.argv[2]); "
    "from certification.kernel.bounded.server import main; main()"
)
_STARTS = 3
# Two, whatever each may take, leave room for those who only read pages; a third waits, but not for long.
AT_ONCE = 2
PATIENCE_SECONDS = 30
# What a function returns is a list of files and what was found in them; more would fill this process.
MOST_RESULT_BYTES = 64 * MIB
# Nobody writes these any more, and a few bytes of them make their reader set gigabytes aside.
_PLACED = {"PUT", "BINPUT", "LONG_BINPUT"}
_BOUNDS = ("memory", "time", "size", "depth")
# A job's own alarm comes first; this is for one whose server is stuck.
_GRACE_SECONDS = 15
_ENDED_BY = {signal.SIGXCPU: "time", signal.SIGALRM: "time", signal.SIGXFSZ: "size"}
# Somebody else's doing: the machine's, an administrator's, or a deployment's.
_FROM_OUTSIDE = {signal.SIGKILL, signal.SIGTERM, signal.SIGHUP, signal.SIGINT}


class OutOfBounds(Exception):
    """The function went beyond a bound: `reason` is memory, time, size, depth, or crash.

    The size is that of a file or of the result; a crash is also an answer that makes no sense.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"a bounded function ended by {reason}")
        self.reason = reason


class Interrupted(Exception):
    """Somebody else ended the function's process: nothing is known of its input, so try again later."""


class Failed(RuntimeError):
    """The function raised something else than BadInput: a mistake of ours, with its traceback as text."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What a function may use.

    memory_bytes: on top of what its libraries take.  cpu_seconds: of work, None for as much as the time
    allows.  wall_seconds: until it must be over.  file_bytes: the largest file it may write, 0 for none;
    only a function that may write has a temporary folder, which is removed after it.  nice: how much it
    stands back behind other work (0 to 19).
    """

    memory_bytes: int
    cpu_seconds: int | None
    wall_seconds: float
    file_bytes: int = 0
    nice: int = 0


def run_bounded(
    function: Callable[..., T],
    *args: object,
    limits: Limits,
    results: Sequence[type] = (),
    on_progress: Callable[[str, int], None] | None = None,
) -> T:
    """What `function(*args)` returns, run in a process of its own within `limits`.

    `function` is a module's own (or a class's static) function, in a module that needs no settings and
    no database: it is imported by name, in a process that has neither.  `args` are pickled.  Its result
    is made of plain values and of the classes in `results` (dataclasses, enums, Decimal, PosixPath),
    and nothing else is let in: whatever opened a hostile file is not trusted with more.

    The function may call `bounded.tell(step, percent)`, which calls `on_progress` here; what that
    raises ends the function, as does whatever else ends the wait.  When this process dies, the
    function's dies at once.  Every temporary file it made in `tempfile`'s folder goes with it; what it
    wrote elsewhere is its caller's to remove.  It costs a few milliseconds once its module is loaded.

    Raises:
        BadInput: as the function raised it.
        OutOfBounds: the function went beyond a bound, a library in C crashed, or its answer makes no sense.
        Interrupted: its process was ended from outside or could not be started, the machine has no
            room left or a failing disk, or other functions of this process were at it for too long.
        Failed: the function raised anything else.
    """
    request = pickle.dumps((function.__module__, function.__qualname__, args, asdict(limits)))
    with _a_place():
        return _run(function.__module__, request, limits, results, on_progress)


def _run(
    module: str,
    request: bytes,
    limits: Limits,
    results: Sequence[type],
    on_progress: Callable[[str, int], None] | None,
) -> Any:
    for _ in range(_STARTS):
        ours, theirs = wire.pair()
        with ours:
            try:
                with theirs:
                    _hand_over(theirs, module, may_write=limits.file_bytes > 0)
                return _followed(ours, request, limits, results, on_progress)
            except _NotStarted:
                continue
    raise Interrupted("No process for a bounded function could be started.")


@contextmanager
def _a_place() -> Iterator[None]:
    places = _places
    if not places.acquire(timeout=PATIENCE_SECONDS):
        raise Interrupted("Other bounded functions of this process did not end in time.")
    try:
        yield
    finally:
        places.release()


class _NotStarted(Exception):
    """The server was gone before the function began, so that it can begin anew."""


def _followed(
    channel: socket.socket,
    request: bytes,
    limits: Limits,
    results: Sequence[type],
    on_progress: Callable[[str, int], None] | None,
) -> Any:
    deadline = time.monotonic() + limits.wall_seconds + _GRACE_SECONDS
    channel.settimeout(limits.wall_seconds + _GRACE_SECONDS)
    content = bytearray()
    started = False
    try:
        wire.send_whole(channel, request)
        while True:
            kind, said = _next(channel, deadline)
            if kind == wire.STARTED:
                started = True
            elif kind == wire.TOLD:
                step, percent = _progress(said)
                if on_progress is not None:
                    on_progress(step, percent)
            elif kind == wire.PIECE:
                if len(content) + len(said) > MOST_RESULT_BYTES:
                    raise OutOfBounds("size")
                content += said
            else:
                break
        _await_end(channel, kind, deadline)
    except TimeoutError:
        raise OutOfBounds("time") from None
    except (BrokenPipeError, ConnectionResetError):
        kind, said = b"", b""
    if kind != wire.WHOLE:
        raise _ending(kind, said, started=started)
    return _loaded(bytes(content), results)


def _next(channel: socket.socket, deadline: float) -> tuple[bytes, bytes]:
    """The next message, if it comes in time; a function that never stops talking has none either."""
    remaining = deadline - time.monotonic()
    if remaining <= 0:
        raise TimeoutError
    channel.settimeout(remaining)
    return wire.receive(channel)


def _await_end(channel: socket.socket, kind: bytes, deadline: float) -> None:
    """Once it is over nothing of it is left: the server has removed its files and says so."""
    while kind and kind != wire.ENDED:
        kind, _ = _next(channel, deadline)


def _progress(said: bytes) -> tuple[str, int]:
    try:
        step, percent = json.loads(said)
        return str(step), int(percent)
    except (ValueError, TypeError, OverflowError, RecursionError):
        raise OutOfBounds("crash") from None


def _ending(kind: bytes, said: bytes, *, started: bool) -> Exception:
    """What to raise for a function that did not return; one that speaks nonsense was taken over."""
    try:
        if kind == wire.REFUSED:
            return _refusal(said)
        if kind == wire.BEYOND:
            reason = said.decode("utf-8", "replace")
            return OutOfBounds(reason if reason in _BOUNDS else "crash")
        if kind == wire.SHORT:
            return Interrupted(said.decode("utf-8", "replace"))
        if kind == wire.FAILED:
            return Failed(said.decode("utf-8", "replace"))
        if not started:
            return _NotStarted()
        code = int(said) if kind == wire.ENDED else -signal.SIGKILL
        if -code in _FROM_OUTSIDE:
            return Interrupted("The process of a bounded function was ended from outside.")
        return OutOfBounds(_ENDED_BY.get(signal.Signals(-code), "crash") if code < 0 else "crash")
    except (ValueError, TypeError, RecursionError):
        return OutOfBounds("crash")


def _refusal(said: bytes) -> BadInput:
    message, *details = json.loads(said)
    if not all(isinstance(sentence, str) for sentence in (message, *details)):
        raise TypeError("A refusal is made of sentences.")
    return BadInput(message, details)


def _loaded(content: bytes, results: Sequence[type]) -> Any:
    try:
        if any(operation.name in _PLACED for operation, _, _ in pickletools.genops(content)):
            raise OutOfBounds("crash")
        return _Results(content, results).load()
    except (Failed, OutOfBounds):
        raise
    except Exception:  # each kind of nonsense raises its own kind
        raise OutOfBounds("crash") from None


class _Results(pickle.Unpickler):
    """Reads plain values and the classes named, and calls nothing else."""

    def __init__(self, content: bytes, results: Sequence[type]) -> None:
        super().__init__(io.BytesIO(content))
        self._known = {(each.__module__, each.__qualname__): each for each in results}

    def find_class(self, module: str, name: str) -> Any:
        try:
            return self._known[module, name]
        except KeyError:
            raise Failed(
                f"A bounded function returned a {module}.{name}, which is not in `results`."
            ) from None


@dataclass(frozen=True, slots=True)
class _Running:
    process: subprocess.Popen[bytes]
    control: socket.socket


_places = threading.BoundedSemaphore(AT_ONCE)
_lock = threading.Lock()
_running: _Running | None = None


def _hand_over(channel: socket.socket, module: str, *, may_write: bool) -> None:
    """Give a job's end of the channel to this process's server, which is started when there is none."""
    header = f"{module}{' scratch' if may_write else ''}".encode()
    with _lock:
        server = _server()
        try:
            socket.send_fds(server.control, [header], [channel.fileno()])
        except (BrokenPipeError, ConnectionResetError):
            _forget()
            raise _NotStarted from None


def _server() -> _Running:
    global _running
    if _running is not None and _running.process.poll() is not None:
        _forget()
    if _running is None:
        ours, theirs = wire.pair()
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-I", "-c", _PROGRAM, str(theirs.fileno()), str(_PROJECT)],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=_environment(),
                pass_fds=[theirs.fileno()],
                # Ctrl-C and a closed terminal are the site's to answer; the server ends with it.
                start_new_session=True,
            )
        _running = _Running(process, ours)
    return _running


def _environment() -> dict[str, str]:
    kept = {name: os.environ[name] for name in _ENVIRONMENT if name in os.environ}
    # Each thread's arena counts as memory taken, though it is only set aside.
    return kept | {"MALLOC_ARENA_MAX": "2", "LC_CTYPE": "C.UTF-8"}


def _forget() -> None:
    global _running
    if _running is not None:
        _running.control.close()
        with suppress(subprocess.TimeoutExpired):
            _running.process.wait(5)
    _running = None


def _leave_it_to_the_parent() -> None:
    """After a fork: the server is the other process's, and holding its socket would keep it alive."""
    global _running, _lock, _places
    _lock = threading.Lock()
    _places = threading.BoundedSemaphore(AT_ONCE)
    if _running is not None:
        _running.control.close()
        _running.process.returncode = 0  # not ours to wait for
    _running = None


os.register_at_fork(after_in_child=_leave_it_to_the_parent)
