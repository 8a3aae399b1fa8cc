"""The worker's end of the stream, against a scripted runtime."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import grpc
import numpy
import pytest
import pytest_asyncio

import coilyard
from coilyard._proto import workers_pb2
from coilyard._registry import Registry
from coilyard._values import decode_value
from coilyard._version import __version__
from coilyard._worker import attach
from coilyard._worker.attach import Attachment
from coilyard._worker.exits import Exit, WorkerExit
from coilyard._worker.options import WorkerOptions
from coilyard._worker.outbox import PACK_BYTES, Outbox
from coilyard._worker.results import chunk_frame, result_frame
from support.bench_worker import a_tool_call
from support.manual_clock import until
from support.scripted_gateway import ScriptedGateway
from support.scripted_runtime import LocalRuntime, Runtime

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture(params=["grpc", "local"])
async def runtime(request: Any, gateway: ScriptedGateway, tmp_path: Path) -> AsyncIterator[Runtime]:
    """The other end, over each carrier: what a worker does must not depend on it."""
    if request.param == "grpc":
        yield Runtime(gateway)
        return
    local = LocalRuntime(gateway, tmp_path)
    await local.listen()
    yield local
    await local.stop()


Start = Callable[..., "asyncio.Task[None]"]


@pytest_asyncio.fixture
async def start(runtime: Runtime) -> AsyncIterator[Start]:
    """Starts a worker; the task ends with it."""
    tasks: list[asyncio.Task[None]] = []

    def start(*tools: Callable[..., Any], concurrency: int = 4) -> asyncio.Task[None]:
        registry = Registry()
        for tool in tools:
            registry.add_tool(tool)
        registry.add_module(lambda max_demos: None, "Triage", ("max_demos",), "Sorts mail")
        options = WorkerOptions(
            runtime.gateway.address, "w", 3, "secret", concurrency=concurrency, socket=runtime.socket
        )
        attachment = Attachment(options, registry)
        task = asyncio.ensure_future(attachment.run())
        task.attachment = attachment
        tasks.append(task)
        return task

    yield start
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def add(a: int, b: int) -> int:
    """Adds."""
    return a + b


def count(to: int):
    yield from range(to)


async def test_the_hello_says_who_it_is_and_what_it_can_do(runtime: Runtime, start: Start) -> None:
    start(add, count)
    await until(lambda: runtime.of("hello"))
    (hello,) = runtime.of("hello")
    assert (hello.token, hello.worker_id, hello.incarnation, hello.concurrency) == ("secret", "w", 3, 4)
    assert hello.sdk_version == __version__
    assert [(tool.name, tool.streaming) for tool in hello.tools] == [("add", False), ("count", True)]
    assert '"required": ["a", "b"]' in hello.tools[0].parameters_schema
    modules = {module.name: list(module.variables) for module in hello.modules}
    assert modules == {
        "Triage": ["max_demos"], "Predict": [], "ChainOfThought": [], "ReAct": [], "ProgramOfThought": [],
    }  # fmt: skip


async def test_calls_are_executed_and_answered(runtime: Runtime, start: Start) -> None:
    start(add)
    runtime.tell(*(a_tool_call("add", {"a": n, "b": 1}, call_id=n) for n in range(1, 5)))
    await until(lambda: len(runtime.of("result")) == 4)
    assert {result.call_id: decode_value(result.value) for result in runtime.of("result")} == {1: 2, 2: 3, 3: 4, 4: 5}


async def test_frames_that_wait_are_packed_into_one_message(runtime: Runtime, start: Start) -> None:
    async def burst(to: int):
        for number in range(to):
            yield number

    start(burst)
    call = a_tool_call("burst", {"to": 200}, call_id=1, stream=True)
    runtime.tell(call, workers_pb2.Credit(call_id=1, chunks=1_000))
    await until(lambda: runtime.of("result"))
    assert [decode_value(chunk.value) for chunk in runtime.of("chunk")] == list(range(200))
    assert runtime.messages < 20


async def test_a_cancel_reaches_its_call(runtime: Runtime, start: Start) -> None:
    async def wait() -> None:
        await asyncio.sleep(60)

    start(wait)
    runtime.tell(a_tool_call("wait", call_id=1))
    runtime.tell(workers_pb2.Cancel(call_id=1, reason="enough"))
    await until(lambda: runtime.of("failure"))
    assert runtime.of("failure")[0].error.code == "cancelled"


async def test_the_heart_beats_as_the_welcome_says(runtime: Runtime, start: Start) -> None:
    async def wait() -> None:
        await asyncio.sleep(60)

    runtime.interval_ms = 20
    start(wait)
    runtime.tell(a_tool_call("wait", call_id=7))
    await until(lambda: [beat for beat in runtime.of("heartbeat") if list(beat.call_ids) == [7]])
    beat = runtime.of("heartbeat")[-1]
    assert beat.resident_bytes > 1_000_000
    assert beat.loop_lag_ms < 5_000


async def test_drain_finishes_what_is_in_hand_says_goodbye_and_ends_well(runtime: Runtime, start: Start) -> None:
    gate = asyncio.Event()

    async def wait() -> str:
        await gate.wait()
        return "done"

    task = start(wait, add)
    runtime.tell(a_tool_call("wait", call_id=1))
    runtime.tell(workers_pb2.Drain())
    await until(lambda: runtime.of("draining"))
    runtime.tell(a_tool_call("add", {"a": 1, "b": 1}, call_id=2))
    await until(lambda: runtime.of("failure"))
    assert runtime.of("failure")[0].error.code == "pool_unavailable"
    gate.set()
    await task
    assert decode_value(runtime.of("result")[0].value) == "done"
    assert runtime.goodbye.is_set()


async def test_a_refused_worker_ends_with_its_own_code(runtime: Runtime, start: Start) -> None:
    runtime.refusal = (grpc.StatusCode.UNAUTHENTICATED, coilyard.Unauthenticated("the token was used before"))
    with pytest.raises(WorkerExit, match="the token was used before") as ended:
        await start(add)
    assert ended.value.code == Exit.REFUSED


async def test_a_worker_that_reaches_nobody_ends_as_disconnected(runtime: Runtime, start: Start) -> None:
    await runtime.stop()
    with pytest.raises(WorkerExit) as ended:
        await start(add)
    assert ended.value.code == Exit.DISCONNECTED


async def test_a_runtime_that_says_nothing_is_not_waited_for_for_ever(
    runtime: Runtime, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(attach, "WELCOME_TIMEOUT_S", 0.1)
    runtime.say_nothing()
    with pytest.raises(WorkerExit, match="no welcome") as ended:
        await start(add)
    assert ended.value.code == Exit.DISCONNECTED


@pytest.mark.parametrize("orderly", [True, False])
async def test_the_end_of_the_stream_ends_the_worker_and_its_calls(
    runtime: Runtime, start: Start, orderly: bool
) -> None:
    cancelled = asyncio.Event()

    async def wait() -> None:
        try:
            await asyncio.sleep(60)
        finally:
            cancelled.set()

    task = start(wait)
    runtime.tell(a_tool_call("wait", call_id=1))
    await until(lambda: task.attachment._executor.call_ids)
    if orderly:
        runtime.told.put_nowait(None)
    else:
        await runtime.stop()
    with pytest.raises(WorkerExit) as ended:
        await task
    assert ended.value.code == Exit.DISCONNECTED


async def test_a_tool_reaches_its_session_with_the_token_of_the_worker(runtime: Runtime, start: Start) -> None:
    async def touch(session: coilyard.SessionContext) -> str:
        return (await session.info()).id

    start(touch)
    runtime.tell(a_tool_call("touch", call_id=1, session_id="s1"))
    await until(lambda: runtime.of("result"))
    assert decode_value(runtime.of("result")[0].value) == "s1"
    assert {metadata["authorization"] for metadata in runtime.gateway.metadata} == {"Bearer secret"}
    assert runtime.gateway.of("CreateSession") == [], "a worker never brings a session to life"


async def sent(outbox: Outbox) -> list[list[workers_pb2.WorkerFrame]]:
    """The frames of each message, until nothing waits any more."""
    outbox.close()
    messages = []
    while (message := await outbox.take()) is not None:
        assert len(message) < PACK_BYTES + 1024
        messages.append(list(workers_pb2.AttachRequest.FromString(message).frames))
    return messages


def put_together(messages: list[list[workers_pb2.WorkerFrame]]) -> list[workers_pb2.WorkerFrame]:
    """The frames in the order in which they are complete."""
    incomplete: dict[int, bytes] = {}
    whole = []
    for frame in (frame for message in messages for frame in message):
        if frame.WhichOneof("frame") != "piece":
            whole.append(frame)
            continue
        piece = frame.piece
        incomplete[piece.frame_id] = incomplete.get(piece.frame_id, b"") + piece.data
        if piece.last:
            whole.append(workers_pb2.WorkerFrame.FromString(incomplete.pop(piece.frame_id)))
    assert not incomplete
    return whole


def a_chunk(call_id: int, size: int) -> workers_pb2.WorkerFrame:
    return workers_pb2.WorkerFrame(chunk=workers_pb2.Chunk(call_id=call_id, value={"text": "x" * size}))


async def test_large_frames_travel_in_pieces_and_those_of_one_call_keep_their_order() -> None:
    outbox = Outbox()
    sizes = [10, 20, 900_000, 900_000, 900_000, 2_500_000, 5, 1_500_000, 7]
    for size in sizes:
        outbox.put(a_chunk(1, size))
    whole = put_together(await sent(outbox))
    assert [len(frame.chunk.value.text) for frame in whole] == sizes


async def test_nothing_is_sent_that_was_put_after_the_end() -> None:
    outbox = Outbox()
    outbox.put(a_chunk(1, 1))
    outbox.close()
    outbox.put(a_chunk(1, 2))
    assert [len(frame.chunk.value.text) for frame in put_together(await sent(outbox))] == [1]


async def test_other_calls_pass_a_large_frame() -> None:
    outbox = Outbox()
    outbox.put(a_chunk(1, 5_000_000))
    outbox.put(a_chunk(2, 3_000_000))
    outbox.put(a_chunk(3, 1))
    outbox.put(a_chunk(1, 2))
    outbox.put(workers_pb2.WorkerFrame(heartbeat=workers_pb2.Heartbeat(call_ids=[1, 2, 3])))
    messages = await sent(outbox)
    assert [len(messages[0]), messages[0][0].chunk.call_id, messages[0][1].WhichOneof("frame")] == [2, 3, "heartbeat"]
    whole = put_together(messages)
    assert [(frame.chunk.call_id, len(frame.chunk.value.text)) for frame in whole if frame.HasField("chunk")] == [
        (3, 1), (2, 3_000_000), (1, 5_000_000), (1, 2),
    ]  # fmt: skip


async def test_no_more_is_incomplete_at_a_time_than_the_runtime_holds() -> None:
    outbox = Outbox()
    outbox.max_frame_bytes = 7_000_000
    for call_id in range(1, 6):
        outbox.put(a_chunk(call_id, 3_000_000))
    incomplete: dict[int, int] = {}
    most = 0
    messages = await sent(outbox)
    for piece in (frame.piece for message in messages for frame in message):
        incomplete[piece.frame_id] = incomplete.get(piece.frame_id, 0) + len(piece.data)
        most = max(most, sum(incomplete.values()))
        if piece.last:
            del incomplete[piece.frame_id]
    assert 3_100_000 < most <= 7_000_000
    assert len(put_together(messages)) == 5


async def test_small_frames_that_keep_coming_do_not_hold_up_a_large_one() -> None:
    outbox = Outbox()
    outbox.put(a_chunk(1, 3_000_000))
    kinds = []
    for _ in range(6):
        outbox.put(a_chunk(2, 900_000))
        message = await outbox.take()
        assert message is not None
        kinds += [frame.WhichOneof("frame") for frame in workers_pb2.AttachRequest.FromString(message).frames]
    assert kinds == ["chunk", "piece"] * 3


@pytest.mark.parametrize("dtype", ["float64", "float32", "bool", "int8"])
async def test_a_large_array_arrives_as_it_was_when_it_was_yielded(dtype: str) -> None:
    array = (numpy.arange(1_200_000).reshape(3, -1) % 7).astype(dtype)
    expected = array.copy()
    outbox = Outbox()
    outbox.put(chunk_frame(1, array))
    outbox.put(result_frame(2, array[:, ::2]))
    array[:] = 0
    chunk, result = sorted(put_together(await sent(outbox)), key=lambda frame: frame.WhichOneof("frame") or "")
    assert (chunk.chunk.call_id, result.result.call_id) == (1, 2)
    numpy.testing.assert_array_equal(decode_value(chunk.chunk.value), expected)
    numpy.testing.assert_array_equal(decode_value(result.result.value), expected[:, ::2])
