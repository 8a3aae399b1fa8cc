"""Calls in hand: streaming, stopping, draining."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any

import pytest

import coilyard
from coilyard._proto import workers_pb2
from coilyard._tools import ToolRequest
from coilyard._values import encode_value
from support.bench_worker import BenchWorker, a_tool_call
from support.manual_clock import settle, until

Build = Callable[..., BenchWorker]

pytestmark = pytest.mark.asyncio


def add(a: int, b: int = 2) -> int:
    return a + b


async def add_async(a: int, b: int = 2) -> int:
    await asyncio.sleep(0)
    return a + b


def count(to: int) -> Iterator[int]:
    yield from range(to)
    return "done"


async def count_async(to: int) -> AsyncIterator[int]:
    for number in range(to):
        yield number


@pytest.mark.parametrize("tool", [count, count_async])
async def test_a_generator_that_is_not_streamed_answers_with_the_list(build: Build, tool: Callable[..., Any]) -> None:
    assert await build(tool).tool(tool.__name__, {"to": 3}) == [0, 1, 2]


@pytest.mark.parametrize(("tool", "result"), [(count, "done"), (count_async, None)])
async def test_chunks_are_sent_as_far_as_credit_goes(build: Build, tool: Callable[..., Any], result: Any) -> None:
    worker = build(tool)
    call = worker.start(a_tool_call(tool.__name__, {"to": 5}, stream=True))
    await asyncio.sleep(0.02)
    assert worker.chunks(call) == []
    worker.executor.grant(call, 2)
    await until(lambda: worker.chunks(call) == [0, 1])
    await asyncio.sleep(0.02)
    assert worker.chunks(call) == [0, 1]
    worker.executor.grant(call, 10)
    assert await worker.answer(call) == result
    assert worker.chunks(call) == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("kind", ["plain", "asynchronous"])
async def test_a_cancelled_stream_closes_its_generator(build: Build, kind: str) -> None:
    closed = threading.Event()

    def plain() -> Iterator[int]:
        try:
            while True:
                yield 1
        finally:
            closed.set()

    async def asynchronous() -> AsyncIterator[int]:
        try:
            while True:
                yield 1
        finally:
            closed.set()

    worker = build(plain, asynchronous)
    call = worker.start(a_tool_call(kind, stream=True))
    worker.executor.grant(call, 3)
    await until(lambda: len(worker.chunks(call)) == 3)
    worker.executor.cancel(call, "nobody reads")
    with pytest.raises(asyncio.CancelledError):
        await worker.answer(call)
    assert closed.is_set()
    assert worker.executor.call_ids == []


async def test_a_generator_that_fails_in_the_middle_answers_with_its_error_after_its_chunks(build: Build) -> None:
    def broken() -> Iterator[int]:
        yield 1
        raise ValueError("in the middle")

    worker = build(broken)
    call = worker.start(a_tool_call("broken", stream=True))
    worker.executor.grant(call, 10)
    with pytest.raises(coilyard.PythonError, match="in the middle"):
        await worker.answer(call)
    assert worker.chunks(call) == [1]


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, BaseException])
@pytest.mark.parametrize("streamed", [True, False])
async def test_what_would_end_a_process_ends_a_generator_and_no_more(
    build: Build, kind: type[BaseException], streamed: bool
) -> None:
    def plain() -> Iterator[int]:
        yield 1
        raise kind("stop")

    async def asynchronous() -> AsyncIterator[int]:
        yield 1
        raise kind("stop")

    worker = build(plain, asynchronous, add)
    for tool in (plain, asynchronous):
        call = worker.start(a_tool_call(tool.__name__, stream=streamed))
        worker.executor.grant(call, 10)
        with pytest.raises(coilyard.PythonError, match=f"{kind.__name__}: stop") as failed:
            await worker.answer(call)
        assert failed.value.details["type"] == kind.__name__
        assert f"in {tool.__name__}" in failed.value.details["traceback"]
    assert await worker.tool("add", {"a": 1}) == 3


async def test_a_chunk_without_a_form_on_the_wire_ends_the_stream_with_the_reason(build: Build) -> None:
    def strange() -> Iterator[object]:
        yield object()

    worker = build(strange)
    call = worker.start(a_tool_call("strange", stream=True))
    worker.executor.grant(call, 10)
    with pytest.raises(coilyard.PythonError, match="no form on the wire"):
        await worker.answer(call)


async def test_a_cancelled_coroutine_is_answered_when_it_has_ended(build: Build) -> None:
    cleaned = asyncio.Event()

    async def wait() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.01)
            cleaned.set()

    worker = build(wait)
    call = worker.start(a_tool_call("wait"))
    await settle()
    worker.executor.cancel(call, "user left")
    with pytest.raises(asyncio.CancelledError, match="user left") as cancelled:
        await worker.answer(call)
    assert cancelled.value.execution == "unknown"
    assert cleaned.is_set()


async def test_a_call_that_is_cancelled_before_its_first_step_is_answered_as_not_started(build: Build) -> None:
    worker = build(add)
    call = worker.start(a_tool_call("add", {"a": 1}))
    worker.executor.cancel(call, "changed my mind")
    with pytest.raises(asyncio.CancelledError, match="changed my mind") as cancelled:
        await worker.answer(call)
    assert cancelled.value.execution == "not_started"
    assert worker.executor.call_ids == []


async def test_a_deadline_cancels_the_work_and_says_so(build: Build) -> None:
    async def wait() -> None:
        await asyncio.sleep(60)

    with pytest.raises(coilyard.DeadlineExceeded, match="20 ms") as late:
        await build(wait).tool("wait", timeout_ms=20)
    assert late.value.execution == "unknown"


async def test_a_cancellation_that_nobody_asked_for_is_an_error_of_user_code(build: Build) -> None:
    async def wait() -> None:
        task = asyncio.ensure_future(asyncio.sleep(60))
        await asyncio.sleep(0)
        task.cancel()
        await task

    def plain() -> None:
        raise asyncio.CancelledError("mine")

    worker = build(wait, plain)
    for name in ("wait", "plain"):
        with pytest.raises(coilyard.PythonError, match="CancelledError") as failed:
            await worker.tool(name)
        assert f"in {name}" in failed.value.details["traceback"]


def asking(build: Build, kind: str) -> BenchWorker:
    """A worker whose tool `ask` waits for TypeScript, on the loop or in a thread."""

    async def ask() -> Any:
        return await worker.asks.call_tool(ToolRequest("back", {}))

    def ask_plain() -> Any:
        return asyncio.run(worker.asks.call_tool(ToolRequest("back", {})))

    ask_plain.__name__ = "ask"
    worker = build(ask if kind == "coroutine" else ask_plain, add, concurrency=1)
    return worker


def asks_of(worker: BenchWorker) -> list[int]:
    return [frame.ask.ask_id for frame in worker.frames if frame.WhichOneof("frame") == "ask"]


@pytest.mark.parametrize("kind", ["coroutine", "plain"])
async def test_a_call_that_waits_for_typescript_makes_room_for_what_that_calls(build: Build, kind: str) -> None:
    worker = asking(build, kind)
    outer = [worker.start(a_tool_call("ask"))]
    for depth in range(1, 20):
        await until(lambda depth=depth: len(asks_of(worker)) == depth)
        outer.append(worker.start(a_tool_call("ask")))
    await until(lambda: len(asks_of(worker)) == len(outer))
    assert await worker.tool("add", {"a": 1}) == 3
    for call, ask_id in zip(reversed(outer), reversed(asks_of(worker)), strict=True):
        worker.asks.answered(workers_pb2.Answer(ask_id=ask_id, result=encode_value(call)))
        assert await worker.answer(call) == call
    assert worker.executor.call_ids == []


@pytest.mark.parametrize("kind", ["coroutine", "plain"])
async def test_a_cancelled_call_stops_waiting_for_typescript(build: Build, kind: str) -> None:
    worker = asking(build, kind)
    call = worker.start(a_tool_call("ask"))
    await until(lambda: asks_of(worker))
    worker.executor.cancel(call, "user left")
    with pytest.raises(asyncio.CancelledError):
        await worker.answer(call)
    assert [frame.WhichOneof("frame") for frame in worker.frames] == ["ask", "ask_cancel", "failure"]
    assert await worker.tool("add", {"a": 1}) == 3


async def test_a_function_in_a_thread_is_interrupted_between_two_steps(build: Build) -> None:
    def busy() -> None:
        while True:
            time.sleep(0.001)

    worker = build(busy, add, concurrency=1)
    with pytest.raises(coilyard.DeadlineExceeded):
        await worker.tool("busy", timeout_ms=20)
    assert [await worker.tool("add", {"a": number}) for number in range(20)] == list(range(2, 22))


async def test_a_function_that_does_not_stop_keeps_its_place(build: Build) -> None:
    begun, released = threading.Event(), threading.Event()

    def stubborn() -> str:
        begun.set()
        released.wait()
        return "after all"

    worker = build(stubborn, add, concurrency=1)
    call = worker.start(a_tool_call("stubborn"))
    await until(begun.is_set)
    worker.executor._running[call].stop("deadline", "as a timer does")
    await settle()
    assert worker.executor.call_ids == [call]
    with pytest.raises(coilyard.PoolSaturated) as full:
        await worker.tool("add", {"a": 1})
    assert full.value.execution == "not_started"
    released.set()
    with pytest.raises(coilyard.DeadlineExceeded):
        await worker.answer(call)
    assert await worker.tool("add", {"a": 1}) == 3


async def test_a_result_that_came_in_spite_of_the_cancellation_counts(build: Build) -> None:
    async def finish() -> str:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            return "finished"
        return "never"

    worker = build(finish)
    call = worker.start(a_tool_call("finish"))
    await settle()
    worker.executor.cancel(call, "stop")
    worker.executor.cancel(call, "again")
    worker.executor.cancel(999, "unknown")
    assert await worker.answer(call) == "finished"


async def test_while_it_drains_calls_are_handed_back_and_those_in_hand_finish(build: Build) -> None:
    gate = asyncio.Event()

    async def wait() -> str:
        await gate.wait()
        return "done"

    worker = build(wait, add)
    call = worker.start(a_tool_call("wait"))
    draining = asyncio.ensure_future(worker.executor.drain())
    await settle()
    with pytest.raises(coilyard.PoolUnavailable) as refused:
        await worker.tool("add", {"a": 1})
    assert refused.value.execution == "not_started"
    assert not draining.done()
    gate.set()
    await draining
    assert await worker.answer(call) == "done"


async def test_a_tool_that_works_on_a_session_needs_one(build: Build) -> None:
    async def touch(session: coilyard.SessionContext) -> str:
        return session.session_id

    worker = build(touch)
    with pytest.raises(coilyard.InvalidArgument, match="belongs to none"):
        await worker.tool("touch")
    assert await worker.tool("touch", session_id="s1") == "s1"
    with pytest.raises(coilyard.InvalidArgument, match="unexpected argument 'session'"):
        await worker.tool("touch", {"session": "mine"}, session_id="s1")


async def test_sessions_are_shared_by_their_calls_and_idle_ones_are_bounded(build: Build) -> None:
    seen: dict[str, set[int]] = {}

    async def touch(session: coilyard.SessionContext) -> None:
        seen.setdefault(session.session_id, set()).add(id(session))

    worker = build(touch)
    for number in range(50):
        for _ in range(2):
            await worker.tool("touch", session_id=f"s{number}")
    assert all(len(contexts) == 1 for contexts in seen.values())
    assert len(worker.sessions._contexts) == 32


async def test_a_thousand_calls_are_each_answered_once(build: Build) -> None:
    worker = build(add, add_async, concurrency=1000)
    calls = [worker.start(a_tool_call("add" if n % 2 else "add_async", {"a": n, "b": 0})) for n in range(1000)]
    assert await asyncio.gather(*(worker.answer(call) for call in calls)) == list(range(1000))
    assert worker.executor.call_ids == []
