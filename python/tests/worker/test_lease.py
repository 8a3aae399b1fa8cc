"""The lease of a worker whose process nobody watches over."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from test_attach import Runtime, Start, add, runtime, start  # noqa: F401 - fixtures
from test_process import command, ended, spawn

from coilyard._proto import workers_pb2
from coilyard._worker.exits import Exit, WorkerExit
from coilyard._worker.lease import Lease, LeaseWatch
from coilyard._worker.outbox import MAX_WAITING, Outbox
from support.bench_worker import a_tool_call
from support.manual_clock import ManualClock, PassingClock, until
from support.scripted_gateway import ScriptedGateway


def looks(clock: ManualClock, lease: Lease, count: int, each: Callable[[], None] = lambda: None) -> list[float]:
    """Looks so many times, when it is due; what the looks told."""
    told = []
    for _ in range(count):
        clock.move(lease.look_s)
        each()
        silent = lease.look()
        if silent is not None:
            told.append(silent)
    return told


def punctual(lease_s: float) -> Callable[[], float]:
    """The time of a machine on which every look comes when it is due."""
    return PassingClock(lease_s / 10).now


def test_silence_that_is_longer_than_the_lease_is_told() -> None:
    clock = ManualClock()
    lease = Lease(10.0, clock.now)
    assert looks(clock, lease, 10) == []
    assert looks(clock, lease, 1) == [pytest.approx(11.0)]


def test_a_sign_of_life_renews_the_lease() -> None:
    clock = ManualClock()
    lease = Lease(10.0, clock.now)
    for _ in range(5):
        assert looks(clock, lease, 10) == []
        lease.sign()
    assert looks(clock, lease, 11) != []


def test_the_runtime_is_not_blamed_for_the_time_in_which_this_process_stood_still() -> None:
    clock = ManualClock()
    lease = Lease(10.0, clock.now)
    clock.move(3_600)
    assert lease.look() is None
    assert looks(clock, lease, 10) == []
    assert looks(clock, lease, 1) == [pytest.approx(11.0)]


def test_the_end_of_a_lease_is_told_once_and_in_its_own_thread() -> None:
    told: list[tuple[float, str]] = []
    over = threading.Event()

    def tell(silent: float) -> None:
        told.append((silent, threading.current_thread().name))
        over.set()

    LeaseWatch(Lease(0.05, punctual(0.05)), tell)
    assert over.wait(60)
    time.sleep(0.2)
    assert [name for _, name in told] == ["coilyard-lease"]
    assert told[0][0] > 0.05


def test_a_lease_that_is_not_needed_any_more_tells_nothing() -> None:
    told: list[float] = []
    clock, before = ManualClock(), set(threading.enumerate())
    lease = Lease(0.05, clock.now)
    watch = LeaseWatch(lease, told.append)
    (thread,) = set(threading.enumerate()) - before
    watch.stop()
    looks(clock, lease, 20)
    thread.join(60)
    assert (told, thread.is_alive()) == ([], False)


@pytest.mark.asyncio
async def test_a_worker_whose_lease_is_over_ends_and_says_why(
    runtime: Runtime, start: Start, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:  # fmt: skip
    cut_off: list[Exit] = []
    monkeypatch.setattr("coilyard._worker.attach.cut_off_soon", lambda code, _words: cut_off.append(code))
    monkeypatch.setattr("coilyard._worker.attach.Lease", lambda lease_s: Lease(lease_s, punctual(lease_s)))
    runtime.lease_ms = 500
    with pytest.raises(WorkerExit, match=r"nothing came from the runtime for \d+\.\d s") as ended:
        await start(add)
    assert ended.value.code == Exit.LEASE_OVER
    assert cut_off == [Exit.LEASE_OVER]


@pytest.mark.asyncio
async def test_frames_of_any_kind_keep_a_worker_alive(
    runtime: Runtime, start: Start, monkeypatch: pytest.MonkeyPatch  # noqa: F811
) -> None:  # fmt: skip
    clock = ManualClock()
    monkeypatch.setattr("coilyard._worker.attach.Lease", lambda lease_s: Lease(lease_s, clock.now))
    runtime.lease_ms = 3_600_000  # nobody looks but the test
    task = start(add)
    await until(lambda: task.attachment._lease)
    lease = task.attachment._lease
    for n in range(1, 11):
        assert looks(clock, lease, 10) == []
        runtime.tell(a_tool_call("add", {"a": n, "b": 1}, call_id=n) if n % 2 else workers_pb2.Pulse())
        await until(lambda: lease._heard == clock.now(), "the frame has come")
    await until(lambda: len(runtime.of("result")) == 5)
    assert not task.done()
    assert looks(clock, lease, 11) != []


@pytest.mark.asyncio
async def test_without_a_lease_a_worker_waits_for_ever(runtime: Runtime, start: Start) -> None:  # noqa: F811
    task = start(add)
    await until(lambda: runtime.of("hello"))
    await asyncio.sleep(0.3)
    assert not task.done()
    assert task.attachment._lease is None


@pytest.mark.asyncio
@pytest.mark.parametrize("tool", ["block", "hang"])
async def test_the_process_of_a_worker_ends_with_its_lease_even_when_its_loop_hangs(
    gateway: ScriptedGateway, tmp_path: Path, tool: str
) -> None:
    silent = Runtime(gateway)
    silent.lease_ms = 1_000
    process = spawn(command(gateway, tmp_path))
    silent.tell(a_tool_call(tool, {"seconds": 600}, call_id=1))
    code, errors = await ended(process)  # which takes ten minutes when the call holds it up
    assert code == Exit.LEASE_OVER, errors
    assert "nothing came from the runtime for 1." in errors


@pytest.mark.asyncio
async def test_signs_of_life_that_nobody_reads_take_no_memory() -> None:
    outbox = Outbox()
    for _ in range(MAX_WAITING + 500):
        outbox.offer(workers_pb2.WorkerFrame(heartbeat=workers_pb2.Heartbeat()))
    message = await outbox.take()
    assert message is not None
    assert len(workers_pb2.AttachRequest.FromString(message).frames) == MAX_WAITING
