"""The process of one bounded job: put the bounds on, run the function, tell how it went."""

from __future__ import annotations

import ctypes
import errno
import json
import os
import pickle
import resource
import signal
import socket
import tempfile
import traceback
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Any, NoReturn

from . import wire

_PR_SET_PDEATHSIG = 1
_MACHINES = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EMFILE, errno.ENFILE, errno.EROFS}
_libc = ctypes.CDLL(None, use_errno=True)

# Set in the process of a job alone.
_listener: socket.socket | None = None


def tell(step: str, percent: int) -> None:
    """From inside a bounded function: what is being done, and how far it is.  Elsewhere it does nothing."""
    if _listener is not None:
        wire.send(_listener, wire.TOLD, json.dumps([step, percent]).encode())


def is_the_machines(problem: BaseException) -> bool:
    """Whether a full or failing disk, or too many open files, made this, and no input of the function."""
    return isinstance(problem, OSError) and problem.errno in _MACHINES


def run(channel: socket.socket, server_pid: int, scratch: str | None) -> NoReturn:
    """Run the job that comes through `channel`, and end."""
    code = 1
    try:
        _die_with(server_pid)
        _hold_apart(scratch)
        kind, content = _outcome(channel)
        if kind == wire.WHOLE:
            wire.send_whole(channel, content)
        else:
            wire.send(channel, kind, content)
        code = 0
    except (OSError, MemoryError):
        pass  # nobody listens any more, or there is no memory left to speak with: the code says it
    finally:
        os._exit(code)


def _outcome(channel: socket.socket) -> tuple[bytes, bytes]:
    from certification.kernel.errors import BadInput

    try:
        return wire.WHOLE, pickle.dumps(_run(channel), protocol=5)
    except BadInput as refusal:
        return wire.REFUSED, json.dumps([refusal.message, *refusal.details]).encode()
    except MemoryError:
        return wire.BEYOND, b"memory"
    except RecursionError:
        return wire.BEYOND, b"depth"
    except OSError as problem:
        if is_the_machines(problem):
            return wire.SHORT, str(problem).encode()
        if beyond := {errno.ENOMEM: b"memory", errno.EFBIG: b"size"}.get(problem.errno or 0):
            return wire.BEYOND, beyond
        return wire.FAILED, traceback.format_exc().encode()
    except Exception:
        return wire.FAILED, traceback.format_exc().encode()


def _run(channel: socket.socket) -> object:
    global _listener
    module, name, args, limits = pickle.loads(wire.receive_whole(channel))  # noqa: S301 - our own
    function = _named(module, name)
    _bind(limits)
    wire.send(channel, wire.STARTED)
    _listener = channel
    result: object = function(*args)
    return result


def _named(module: str, name: str) -> Any:
    found: Any = import_module(module)
    for part in name.split("."):
        found = getattr(found, part)
    return found


def _die_with(server_pid: int) -> None:
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != server_pid:  # it was gone before it could take this one along
        os._exit(1)
    with suppress(OSError):  # when memory runs out, this process goes before the site does
        Path("/proc/self/oom_score_adj").write_text("500")


def _hold_apart(scratch: str | None) -> None:
    """Its libraries print nothing, and its temporary files lie where the server removes them."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    os.close(nowhere)
    if scratch:
        os.environ["TMPDIR"] = tempfile.tempdir = scratch


def _bind(limits: dict[str, Any]) -> None:
    """Put the bounds on; the kernel holds to them whatever a library in C is busy with."""
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    memory = pages * resource.getpagesize() + limits["memory_bytes"]
    bounds = {
        resource.RLIMIT_AS: memory,
        resource.RLIMIT_FSIZE: limits["file_bytes"],
        resource.RLIMIT_CORE: 0,
    }
    if limits["cpu_seconds"] is not None:
        bounds[resource.RLIMIT_CPU] = limits["cpu_seconds"]
    for which, most in bounds.items():
        hard = resource.getrlimit(which)[1]
        least = most if hard == resource.RLIM_INFINITY else min(most, hard)
        # The soft bound on work is a signal that tells what ended the process; the hard one is not.
        spare = which == resource.RLIMIT_CPU and hard == resource.RLIM_INFINITY
        resource.setrlimit(which, (least, least + spare))
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    signal.setitimer(signal.ITIMER_REAL, limits["wall_seconds"])
    if limits["nice"]:
        os.nice(limits["nice"])
