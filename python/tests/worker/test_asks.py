"""Calls of TypeScript functions from a worker: each ends once, whichever side gives up first."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import numpy as np
import pytest

import coilyard
from coilyard._proto import workers_pb2
from coilyard._tools import ToolRequest
from coilyard._values import decode_metadata, encode_value
from coilyard._wire_errors import detail_from_error
from coilyard._worker.asks import Asks
from support.manual_clock import until

pytestmark = pytest.mark.asyncio


class Desk:
    """The other end."""

    def __init__(self, limit: int = 1_000_000) -> None:
        self.frames: list[workers_pb2.WorkerFrame] = []
        self.asks = Asks(self.frames.append, lambda: limit)

    def kinds(self) -> list[Any]:
        return [frame.WhichOneof("frame") for frame in self.frames]

    def answer(self, ask_id: int, value: Any) -> None:
        self.asks.answered(workers_pb2.Answer(ask_id=ask_id, result=encode_value(value)))


async def test_an_ask_says_who_asks_what_and_how_long_it_waits() -> None:
    desk = Desk()
    request = ToolRequest("lookup", {"key": "a", "data": b"\x07"}, session_id="s", timeout_s=1.5)
    asking = asyncio.ensure_future(desk.asks.call_tool(request))
    await until(lambda: desk.frames)
    ask = desk.frames[0].ask
    assert (ask.name, ask.session_id, ask.timeout_ms) == ("lookup", "s", 1500)
    assert decode_metadata(ask.arguments) == {"key": "a", "data": np.array([7], dtype="u1")}
    desk.answer(ask.ask_id, [1, 2])
    assert await asking == [1, 2]
    assert desk.asks.size == 0


async def test_an_error_is_raised_as_its_own_class_with_its_details() -> None:
    desk = Desk()
    asking = asyncio.ensure_future(desk.asks.call_tool(ToolRequest("lookup", {})))
    await until(lambda: desk.frames)
    error = coilyard.PermissionDenied("not you", details={"permission": "write"})
    desk.asks.answered(workers_pb2.Answer(ask_id=1, error=detail_from_error(error)))
    with pytest.raises(coilyard.PermissionDenied, match="not you") as caught:
        await asking
    assert caught.value.details == {"permission": "write"}


async def test_one_that_is_cancelled_says_so_and_drops_a_late_answer() -> None:
    desk = Desk()
    asking = asyncio.ensure_future(desk.asks.call_tool(ToolRequest("lookup", {})))
    await until(lambda: desk.frames)
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking
    assert desk.kinds() == ["ask", "ask_cancel"]
    desk.answer(1, "late")
    assert desk.asks.size == 0


async def test_the_end_of_the_stream_ends_them_all() -> None:
    desk = Desk()
    asking = [asyncio.ensure_future(desk.asks.call_tool(ToolRequest("lookup", {}))) for _ in range(3)]
    await until(lambda: len(desk.frames) == 3)
    desk.asks.close()
    for one in asking:
        with pytest.raises(coilyard.WorkerLost):
            await one


async def test_arguments_beyond_the_limit_are_refused_before_they_are_sent() -> None:
    desk = Desk(limit=100)
    with pytest.raises(coilyard.PayloadTooLarge):
        await desk.asks.call_tool(ToolRequest("lookup", {"text": "x" * 200}))
    assert desk.frames == []


async def test_a_thread_with_a_loop_of_its_own_asks_through_the_loop_of_the_worker() -> None:
    desk = Desk()
    results: list[Any] = []
    thread = threading.Thread(
        target=lambda: results.append(asyncio.run(desk.asks.call_tool(ToolRequest("lookup", {}))))
    )
    thread.start()
    await until(lambda: desk.frames)
    desk.answer(1, "from the loop")
    await until(lambda: results)
    thread.join()
    assert results == ["from the loop"]


async def test_a_name_or_a_time_that_makes_no_sense_is_refused() -> None:
    for name, timeout in (("", None), ("x", 0.0), ("x", -1.0)):
        with pytest.raises(coilyard.InvalidArgument):
            ToolRequest(name, {}, timeout_s=timeout)
