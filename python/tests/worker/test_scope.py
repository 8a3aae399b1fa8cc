"""What code can say and know of the call in which it runs: progress, logs, variables."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable
from typing import Any

import pytest

import coilyard
from coilyard._proto import workers_pb2
from coilyard._registry import Registry
from coilyard._values import encode_metadata
from coilyard._worker.call_logs import CallLogs
from coilyard._worker.outbox import MAX_WAITING, Outbox
from support.bench_worker import BenchWorker, a_tool_call

pytestmark = pytest.mark.asyncio


async def told(kind: str, tool: Callable[..., Any], **fields: Any) -> list[Any]:
    """The frames of that kind from one call of a tool."""
    registry = Registry()
    registry.add_tool(tool)
    worker = BenchWorker(registry)
    try:
        await worker.answer(worker.start(a_tool_call(tool.__name__, **fields)))
        await asyncio.sleep(0)
        return [getattr(frame, kind) for frame in worker.frames if frame.WhichOneof("frame") == kind]
    finally:
        await worker.close()


async def test_progress_is_told_from_a_coroutine_and_from_a_thread() -> None:
    async def asynchronous() -> None:
        coilyard.progress(0.5, "half")

    def plain() -> None:
        coilyard.progress(None, "somewhere")

    (half,) = await told("progress", asynchronous)
    assert (half.call_id, half.fraction, half.message) == (1, 0.5, "half")
    (somewhere,) = await told("progress", plain)
    assert not somewhere.HasField("fraction")


async def test_progress_outside_of_a_call_does_nothing_and_nonsense_is_refused() -> None:
    coilyard.progress(1.0)
    for fraction in (-0.1, 1.1, float("nan")):
        with pytest.raises(coilyard.InvalidArgument):
            coilyard.progress(fraction)


async def test_what_a_call_logs_is_told_and_what_others_log_is_not() -> None:
    logger = logging.getLogger("test_scope")
    logger.setLevel(logging.INFO)
    handler = CallLogs()
    logger.addHandler(handler)

    def talk() -> None:
        logger.info("at %d", 1)
        logger.debug("not this")
        thread = threading.Thread(target=logger.info, args=("of no call",))
        thread.start()
        thread.join()

    try:
        (entry,) = await told("log", talk)
    finally:
        logger.removeHandler(handler)
    assert (entry.level, entry.logger, entry.message) == ("info", "test_scope", "at 1")


async def test_variables_fill_in_what_the_caller_left_out() -> None:
    def sample(prompt: str, temperature: float, style: str = "plain") -> list[Any]:
        return [prompt, temperature, style]

    registry = Registry()
    registry.add_tool(sample, variables=("temperature", "style"))
    worker = BenchWorker(registry)
    try:
        variables = encode_metadata({"temperature": 0.5})
        assert await worker.tool("sample", {"prompt": "a"}, variables=variables) == ["a", 0.5, "plain"]
        given = {"prompt": "a", "temperature": 0.1}
        assert await worker.tool("sample", given, variables=variables) == ["a", 0.1, "plain"]
        with pytest.raises(coilyard.VariableNotFound, match="temperature"):
            await worker.tool("sample", {"prompt": "a"})
    finally:
        await worker.close()
    schema = registry.tools.all()[0].schema
    assert list(schema["properties"]) == ["prompt"]
    assert schema["required"] == ["prompt"]


async def test_a_variable_without_a_parameter_is_refused_when_it_is_declared() -> None:
    def tool(a: int) -> int:
        return a

    with pytest.raises(ValueError, match="no parameter for the variable 'b'"):
        Registry().add_tool(tool, variables=("b",))
    with pytest.raises(TypeError, match="tuple of names"):
        Registry().add_tool(tool, variables="a")


async def test_frames_that_can_be_spared_are_dropped_before_they_pile_up() -> None:
    outbox = Outbox()
    for _ in range(MAX_WAITING + 10):
        outbox.offer(workers_pb2.WorkerFrame(progress=workers_pb2.Progress(call_id=1)))
    outbox.put(workers_pb2.WorkerFrame(result=workers_pb2.Result(call_id=1)))
    outbox.close()
    frames: list[Any] = []
    while (message := await outbox.take()) is not None:
        frames.extend(workers_pb2.AttachRequest.FromString(message).frames)
    assert len(frames) == MAX_WAITING + 1
    assert frames[-1].WhichOneof("frame") == "result"
