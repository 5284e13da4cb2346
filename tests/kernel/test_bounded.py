"""A bounded function ends at worst itself, leaves nothing behind, and says why."""

from __future__ import annotations

import errno
import multiprocessing
import os
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import psutil
import pytest

from certification.kernel import bounded
from certification.kernel.bounded import Failed, Interrupted, Limits, OutOfBounds, run_bounded, wire
from certification.kernel.bounded.server import Server, _Job
from certification.kernel.errors import BadInput
from tests.kernel import bounded_work as work

MIB = 1024**2
ROOM = Limits(memory_bytes=256 * MIB, cpu_seconds=5, wall_seconds=30)
PROJECT = Path(__file__).resolve().parents[2]


def _rubbish() -> set[str]:
    return {path.name for path in Path(tempfile.gettempdir()).glob("icg-bounded-*")}


def _until(true: Callable[[], bool], within: float = 10) -> None:
    end = time.monotonic() + within
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


@pytest.fixture(autouse=True)
def _nothing_is_left() -> Iterator[None]:
    before = _rubbish()
    yield
    _until(lambda: _rubbish() <= before)


def test_a_function_runs_elsewhere_and_its_result_comes_back() -> None:
    *echoed, pid = run_bounded(work.echo, 1, "ä", b"\0", [None], limits=ROOM)
    assert echoed == [1, "ä", b"\0", [None]]
    assert pid != os.getpid()


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EMFILE])
def test_a_machine_that_cannot_go_on_blames_nobodys_file(number: int) -> None:
    with pytest.raises(Interrupted, match=os.strerror(number)):
        run_bounded(work.run_out, number, limits=ROOM)


def test_long_arguments_and_results_pass_whole() -> None:
    long = os.urandom(3 * MIB)
    assert run_bounded(work.echo, long, limits=ROOM)[0] == long


def test_named_classes_come_back_as_they_are() -> None:
    found = run_bounded(work.measure, limits=ROOM, results=(work.Measure, Decimal, type(Path())))
    assert found == work.Measure(Decimal("1.5"), Path("/tmp/a"))


def test_a_result_can_make_this_process_call_nothing(tmp_path: Path) -> None:
    """What came through a hostile file is data, whatever it says it is."""
    with pytest.raises(Failed, match="not in `results`"):
        run_bounded(work.measure, limits=ROOM)
    with pytest.raises(Failed, match="not in `results`"):
        run_bounded(work.dishonest, str(tmp_path / "owned"), limits=ROOM)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "messages",
    [
        [(wire.REFUSED, b"")],
        [(wire.REFUSED, b"[]")],
        [(wire.REFUSED, b"7")],
        [(wire.REFUSED, b'["a", {}]')],
        [(wire.REFUSED, b"[" * 60_000)],
        [(wire.BEYOND, b"\xff")],
        [(wire.BEYOND, b"good manners")],
        [(wire.ENDED, b"soon")],
        [(wire.ENDED, b"-4000")],
        [(wire.ENDED, b"9" * 5000)],
        [(wire.TOLD, b"7")],
        [(wire.TOLD, b'["a"]')],
        [(wire.TOLD, b'["a", Infinity]')],
        [(wire.WHOLE, b"")],
        [(wire.PIECE, b"no pickle"), (wire.WHOLE, b"")],
        [(wire.PIECE, b"\x80\x05K\x07r\xe8\x03\x00\x00."), (wire.WHOLE, b"")],
    ],
    ids=repr,
)
def test_an_answer_that_makes_no_sense_is_a_crash(messages: list[tuple[bytes, bytes]]) -> None:
    with pytest.raises(OutOfBounds) as ending:
        run_bounded(work.answer, *messages, limits=ROOM)
    assert ending.value.reason == "crash"


def test_a_result_without_an_end_fills_nobodys_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "MOST_RESULT_BYTES", 4 * MIB)
    with pytest.raises(OutOfBounds) as ending:
        run_bounded(work.talk_on, True, limits=ROOM)
    assert ending.value.reason == "size"
    assert run_bounded(work.echo, bytes(3 * MIB), limits=ROOM)[0] == bytes(3 * MIB)


def test_who_never_stops_talking_is_not_listened_to_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "_GRACE_SECONDS", 0)
    with pytest.raises(OutOfBounds) as ending:
        run_bounded(work.talk_on, False, limits=Limits(64 * MIB, None, 0.5))
    assert ending.value.reason == "time"


def test_a_refusal_comes_back_with_all_its_sentences() -> None:
    with pytest.raises(BadInput) as refusal:
        run_bounded(work.refuse, limits=ROOM)
    assert str(refusal.value) == "The file is broken. Mend it. Page 2 too. Überall."


def test_a_mistake_of_ours_comes_back_with_its_traceback() -> None:
    with pytest.raises(Failed, match=r"in fail(.|\n)*NotAllowed: not for a job to say"):
        run_bounded(work.fail, limits=ROOM)


@pytest.mark.parametrize(
    ("function", "args", "limits", "reason"),
    [
        (work.take, (300 * MIB,), ROOM, "memory"),
        (work.work_on, (), Limits(64 * MIB, 1, 30), "time"),
        (work.wait_for, (20,), Limits(64 * MIB, 5, 0.2), "time"),
        (work.ignore_alarms, (), Limits(64 * MIB, 5, 0.2), "time"),
        (work.sink, (), ROOM, "depth"),
        (work.crash, (), ROOM, "crash"),
        (work.leave, (), ROOM, "crash"),
        (work.end_by, (signal.SIGABRT,), ROOM, "crash"),
    ],
)
def test_beyond_a_bound_only_the_function_ends(
    function: Callable[..., object], args: tuple[object, ...], limits: Limits, reason: str
) -> None:
    began = time.monotonic()
    with pytest.raises(OutOfBounds) as ending:
        run_bounded(function, *args, limits=limits)
    assert ending.value.reason == reason
    assert time.monotonic() - began < 5
    assert run_bounded(work.take, 200 * MIB, limits=ROOM) == 200 * MIB


def test_a_function_that_may_not_write_writes_nothing(tmp_path: Path) -> None:
    target = tmp_path / "a"
    for limits in (ROOM, Limits(64 * MIB, 5, 30, file_bytes=999)):
        with pytest.raises(OutOfBounds) as ending:
            run_bounded(work.write, str(target), 1000, limits=limits)
        assert ending.value.reason == "size"
    assert run_bounded(work.write, str(target), 1000, limits=Limits(64 * MIB, 5, 30, file_bytes=1000)) == 1000


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_an_end_from_outside_says_nothing_about_the_input(number: int) -> None:
    with pytest.raises(Interrupted):
        run_bounded(work.end_by, number, limits=ROOM)


@pytest.mark.parametrize("then", ["return", "crash"])
def test_temporary_files_go_with_the_function(then: str) -> None:
    limits = Limits(64 * MIB, 5, 30, file_bytes=MIB)
    try:
        left = run_bounded(work.leave_rubbish, then, limits=limits)
        assert not Path(left).exists()
    except OutOfBounds:
        assert then == "crash"


def test_it_tells_how_far_it_is() -> None:
    told: list[tuple[str, int]] = []
    result = run_bounded(
        work.steps, limits=ROOM, on_progress=lambda step, percent: told.append((step, percent))
    )
    assert result == "done"
    assert told == [("Step 0", 0), ("Step 50", 50), ("Step 100", 100)]
    assert work.steps() == "done"  # outside a bounded function nobody is told


def test_a_listener_that_gives_up_ends_the_function() -> None:
    pids: list[int] = []

    def give_up(step: str, percent: int) -> None:
        pids.append(int(step))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        run_bounded(work.announce_and_wait, limits=ROOM, on_progress=give_up)
    _until(lambda: not psutil.pid_exists(pids[0]))


def test_a_server_that_is_gone_is_replaced() -> None:
    before = run_bounded(work.echo, limits=ROOM)
    assert bounded._running is not None
    first = bounded._running.process.pid
    os.kill(first, signal.SIGKILL)
    assert run_bounded(work.echo, limits=ROOM) != before
    assert bounded._running.process.pid != first


def test_a_server_that_dies_takes_its_functions_along() -> None:
    pids: list[int] = []

    def kill(step: str, percent: int) -> None:
        pids.append(int(step))
        assert bounded._running is not None
        os.kill(bounded._running.process.pid, signal.SIGKILL)

    began = time.monotonic()
    with pytest.raises(Interrupted):
        run_bounded(work.announce_and_wait, limits=ROOM, on_progress=kill)
    _until(lambda: not psutil.pid_exists(pids[0]))
    assert time.monotonic() - began < ROOM.wall_seconds / 2, "at once, and not when its time is up"


def test_many_threads_share_one_server() -> None:
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda number: run_bounded(work.echo, number, limits=ROOM), range(100)))
    assert [number for number, _pid in results] == list(range(100))


def test_no_more_run_at_once_than_the_machine_bears_and_nobody_waits_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(bounded, "PATIENCE_SECONDS", 0.5)
    started = threading.Semaphore(0)
    may_end = threading.Event()

    def hold(step: str, percent: int) -> None:
        started.release()
        may_end.wait(30)

    with ThreadPoolExecutor(bounded.AT_ONCE) as pool:
        busy = [
            pool.submit(run_bounded, work.steps, limits=ROOM, on_progress=hold)
            for _ in range(bounded.AT_ONCE)
        ]
        for _ in busy:
            assert started.acquire(timeout=30)
        with pytest.raises(Interrupted, match="did not end in time"):
            run_bounded(work.echo, limits=ROOM)
        may_end.set()
        for one in busy:
            one.result()
    assert run_bounded(work.echo, "now", limits=ROOM)[0] == "now"


def test_a_thread_that_ends_takes_no_server_along() -> None:
    """The kernel's own tie between parent and child is one to the parent's thread."""
    bounded._forget()
    thread = threading.Thread(target=run_bounded, args=(work.echo,), kwargs={"limits": ROOM})
    thread.start()
    thread.join()
    assert bounded._running is not None
    assert bounded._running.process.poll() is None


def _in_a_fork(answer: multiprocessing.Queue[object]) -> None:
    answer.put(run_bounded(work.echo, "forked", limits=ROOM)[0])
    assert bounded._running is not None
    answer.put(bounded._running.process.pid)


def test_a_forked_process_has_a_server_of_its_own() -> None:
    """Celery's children are daemonic, so they may have no children by way of multiprocessing."""
    run_bounded(work.echo, limits=ROOM)
    assert bounded._running is not None
    ours = bounded._running.process.pid
    fork = multiprocessing.get_context("fork")
    answer = fork.Queue()
    child = fork.Process(target=_in_a_fork, args=(answer,), daemon=True)
    child.start()
    assert answer.get(timeout=20) == "forked"
    # Of its own: the other one ends with the process that began it, and is held by nobody else.
    assert answer.get(timeout=20) != ours
    child.join(20)
    assert bounded._running.process.pid == ours
    assert run_bounded(work.echo, 1, limits=ROOM)[0] == 1


def test_a_forked_process_keeps_nobody_elses_server_alive() -> None:
    run_bounded(work.echo, limits=ROOM)
    assert bounded._running is not None
    child = multiprocessing.get_context("fork").Process(target=time.sleep, args=(60,), daemon=True)
    child.start()
    try:
        bounded._running.control.close()
        assert bounded._running.process.wait(5) == 0
    finally:
        child.kill()
        child.join()


def test_nothing_survives_a_site_process_that_is_killed() -> None:
    code = (
        "from certification.kernel import bounded; from tests.kernel import bounded_work as work\n"
        "bounded.run_bounded(work.leave_rubbish, 'wait',"
        " limits=bounded.Limits(1 << 26, 5, 60, file_bytes=1 << 20),"
        " on_progress=lambda step, _: print(step, flush=True))"
    )
    site = subprocess.Popen(
        [sys.executable, "-c", code], cwd=PROJECT, stdout=subprocess.PIPE, text=True, env=dict(os.environ)
    )
    assert site.stdout is not None
    left = Path(site.stdout.readline().strip())
    assert left.exists()
    family = psutil.Process(site.pid).children(recursive=True)
    assert len(family) == 2  # the server and the function
    site.kill()
    site.wait()
    site.stdout.close()
    _until(lambda: not any(one.is_running() for one in family))
    _until(lambda: not left.exists())


def test_a_server_that_ends_removes_every_folder_also_of_jobs_that_nobody_listens_to(tmp_path: Path) -> None:
    control, _ours = wire.pair()
    server = Server(control)
    folders = [tmp_path / name for name in ("a", "b", "c")]
    for folder in folders:
        folder.mkdir()
        (folder / "copy").write_bytes(b"secret")
        pid = os.posix_spawn("/bin/sleep", ["sleep", "60"], {})
        channel, listener = wire.pair()
        job = _Job(pid, os.pidfd_open(pid), channel, str(folder))
        server._by_end[job.ended] = server._by_channel[channel.fileno()] = job
        server._poll.register(job.ended)
        server._poll.register(channel, 0)
        listener.close()
    server._abandon(next(iter(server._by_end.values())))
    server._end_all()
    assert not any(folder.exists() for folder in folders)


def test_the_function_knows_no_secret_and_no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("IDENTITY_SECRET_ACCESS_KEY", "secret")
    bounded._forget()
    found = run_bounded(work.surroundings, limits=Limits(64 * MIB, 5, 30, nice=5))
    environment, descriptors = found["environment"], found["descriptors"]
    assert isinstance(environment, list)
    assert isinstance(descriptors, list)
    # The name of the settings is there, but they are not loaded.
    assert set(environment) <= {
        *bounded._ENVIRONMENT, "MALLOC_ARENA_MAX", "LC_CTYPE", "DJANGO_SETTINGS_MODULE"
    }  # fmt: skip
    assert len(descriptors) <= 7, descriptors
    assert found["django"] is False
    assert found["nice"] == os.nice(0) + 5


def test_it_starts_within_milliseconds() -> None:
    run_bounded(work.echo, limits=ROOM)
    began = time.monotonic()
    for _ in range(10):
        run_bounded(work.echo, limits=ROOM)
    assert (time.monotonic() - began) / 10 < 0.1
