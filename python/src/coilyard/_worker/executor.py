"""The calls in hand: each is answered exactly once, when its work has truly ended."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Coroutine
from typing import Any, Literal

from coilyard._errors import (
    CoilyardError,
    DeadlineExceeded,
    Execution,
    OperationCancelled,
    PayloadTooLarge,
    PoolSaturated,
    PoolUnavailable,
    ValidationFailed,
)
from coilyard._proto import workers_pb2
from coilyard._scope import CURRENT, CallScope
from coilyard._values import decode_metadata
from coilyard._worker.asks import Asks
from coilyard._worker.chunks import ChunkSender
from coilyard._worker.failures import detail_of, python_error
from coilyard._worker.module_calls import ModuleCalls
from coilyard._worker.outbox import MAX_FRAME_BYTES
from coilyard._worker.results import frame_size, result_frame
from coilyard._worker.ropes import Rope
from coilyard._worker.tool_calls import ToolCalls

_log = logging.getLogger("coilyard.worker")

Stop = Literal["cancelled", "deadline"]


class _Running:
    """One call in hand."""

    def __init__(self, chunks: ChunkSender | None) -> None:
        #: Of a call that streams.
        self.chunks = chunks
        self.task: asyncio.Task[None] | None = None
        self.begun = False
        self.stopped: Stop | None = None
        self.reason = ""

    def stop(self, stop: Stop, reason: str) -> None:
        """Cancels the work; the first reason counts."""
        if self.stopped is not None:
            return
        self.stopped, self.reason = stop, reason
        # A task that is cancelled before its first step never takes one, and could not answer.
        if self.begun and self.task is not None:
            self.task.cancel()


class Executor:
    """Starts calls, stops them, and answers them.

    Args:
        tools: Runs tools.
        modules: Runs modules.
        concurrency: How many calls run at the same time; one more is handed back. Those that wait for TypeScript do not
            count: what TypeScript waits for may be a call that comes here.
        put: Takes the frames of the answers.
        offer: Takes frames that may be dropped when too many wait; `put` when left out.
        limit: Says how large a frame may be.
        asks: What the code of calls asks of TypeScript.
    """

    def __init__(
        self,
        tools: ToolCalls,
        modules: ModuleCalls,
        concurrency: int,
        put: Callable[[workers_pb2.WorkerFrame | Rope], None],
        offer: Callable[[workers_pb2.WorkerFrame], None] | None = None,
        limit: Callable[[], int] = lambda: MAX_FRAME_BYTES,
        asks: Asks | None = None,
    ) -> None:
        self._asks = asks
        self._tools = tools
        self._modules = modules
        self._concurrency = concurrency
        self._put = put
        self._limit = limit
        self._offer = offer or put
        # To ask for it is a system call, until Python 3.12.
        self._loop = asyncio.get_running_loop()
        self._running: dict[int, _Running] = {}
        self._draining = False
        self._idle = asyncio.Event()
        self._idle.set()

    @property
    def call_ids(self) -> list[int]:
        """The calls in hand, those included that were cancelled and have not ended yet."""
        return list(self._running)

    def start(self, call: workers_pb2.Call) -> None:
        """Takes a call, or hands it back untouched."""
        if self._draining:
            self._fail(call.call_id, PoolUnavailable("the worker is draining", execution="not_started"))
        elif len(self._running) >= self._concurrency and self._at_work() >= self._concurrency:
            self._fail(call.call_id, PoolSaturated(f"the worker has its {self._concurrency} calls"))
        else:
            call_id = call.call_id
            running = _Running(ChunkSender(call_id, self._put, self._limit) if call.stream else None)
            self._running[call_id] = running
            self._idle.clear()
            running.task = self._loop.create_task(self._run(call_id, running, call), name=f"coilyard-call-{call_id}")

    def _at_work(self) -> int:
        return sum(self._asks is None or not self._asks.waits(call_id) for call_id in self._running)

    def cancel(self, call_id: int, reason: str) -> None:
        """Cancels a call; one that is no longer in hand was answered already."""
        running = self._running.get(call_id)
        if running is not None:
            running.stop("cancelled", reason)

    def grant(self, call_id: int, chunks: int) -> None:
        """Allows more chunks of a call."""
        running = self._running.get(call_id)
        if running is not None and running.chunks is not None:
            running.chunks.grant(chunks)

    async def drain(self) -> None:
        """Takes no more calls; returns when those in hand have ended."""
        self._draining = True
        await self._idle.wait()

    async def _run(self, call_id: int, running: _Running, call: workers_pb2.Call) -> None:
        timer = None
        CURRENT.set(CallScope(call_id, call.session_id, call.variables or {}, self._loop, self._offer))
        if call.HasField("timeout_ms"):
            late = f"the call did not end within {call.timeout_ms} ms"
            timer = self._loop.call_later(call.timeout_ms / 1000, running.stop, "deadline", late)
        try:
            if running.stopped is None:
                running.begun = True
                work = self._work_of(call, running.chunks)
                # What was read of it is enough, and its arguments may be large.
                del call
                self._answer(call_id, await work)
            else:
                self._fail(call_id, _stop_error(running))
        except asyncio.CancelledError as error:
            if isinstance(error, CoilyardError):
                self._fail(call_id, error)
            else:  # nobody cancelled the call: then something that it waited for was
                self._fail(call_id, python_error(error) if running.stopped is None else _stop_error(running))
        except Exception as error:
            if not isinstance(error, CoilyardError):
                _log.debug("call %s failed", call_id, exc_info=error)
            self._fail(call_id, error)
        finally:
            if timer is not None:
                timer.cancel()
            del self._running[call_id]
            if not self._running:
                self._idle.set()

    def _work_of(self, call: workers_pb2.Call, chunks: ChunkSender | None) -> Coroutine[Any, Any, Any]:
        arguments = decode_metadata(call.arguments)
        if call.WhichOneof("target") == "module":
            return self._modules.run(call, arguments)
        return self._tools.run(call.tool, arguments, call.session_id, chunks.send if chunks else None)

    def _answer(self, call_id: int, value: Any) -> None:
        try:
            frame = result_frame(call_id, value)
        except ValidationFailed as error:
            raise ValidationFailed(f"the result cannot be sent: {error}", execution="done") from error
        size, limit = frame_size(frame), self._limit()
        if size > limit:
            raise PayloadTooLarge(f"a result of {size} bytes; {limit} fit", execution="done")
        self._put(frame)

    def _fail(self, call_id: int, error: BaseException) -> None:
        failure = workers_pb2.Failure(call_id=call_id, error=detail_of(error))
        self._put(workers_pb2.WorkerFrame(failure=failure))


def _stop_error(running: _Running) -> CoilyardError:
    execution: Execution = "unknown" if running.begun else "not_started"
    if running.stopped == "deadline":
        return DeadlineExceeded(running.reason, execution=execution)
    return OperationCancelled(running.reason or "the call was cancelled", execution=execution)
