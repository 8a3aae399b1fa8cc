"""Calls of TypeScript functions, over the worker's own stream."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from coilyard._errors import CoilyardError, InvalidArgument, PayloadTooLarge, WorkerLost
from coilyard._proto import workers_pb2
from coilyard._scope import CURRENT
from coilyard._tools import ToolRequest
from coilyard._values import decode_value, encode_metadata
from coilyard._wire_errors import error_from_detail
from coilyard._worker.hops import Hops
from coilyard._worker.outbox import MAX_FRAME_BYTES
from coilyard._worker.results import bytes_as_array


@dataclass(frozen=True)
class _Open:
    call_id: int
    answered: asyncio.Future[Any]


class Asks:
    """Asks under way; each ends once: with its answer, its cancellation, or the end of the stream.

    Args:
        put: Takes the frames.
        limit: Says how large a frame may be.
        hops: How code in threads gets here.
    """

    def __init__(
        self,
        put: Callable[[workers_pb2.WorkerFrame], None],
        limit: Callable[[], int] = lambda: MAX_FRAME_BYTES,
        hops: Hops | None = None,
    ) -> None:
        self._hops = hops or Hops()
        self._put = put
        self._limit = limit
        self._loop = asyncio.get_running_loop()
        self._open: dict[int, _Open] = {}
        self._last = 0

    @property
    def size(self) -> int:
        """How many are not answered yet."""
        return len(self._open)

    async def call_tool(self, request: ToolRequest) -> Any:
        """Calls a TypeScript function. Code with a loop of its own, in a thread, may call it too.

        Raises:
            CoilyardError: What the function raised, or why it was not called.
        """
        return await self._hops.run(lambda: self._ask(request))

    def waits(self, call_id: int) -> bool:
        """Whether code of this call waits for TypeScript."""
        return any(ask.call_id == call_id for ask in self._open.values())

    async def _ask(self, request: ToolRequest) -> Any:
        if request.pool is not None:
            raise InvalidArgument("pool: a worker calls TypeScript functions, which belong to no pool")
        arguments = request.arguments
        if isinstance(arguments, Mapping):  # anything else is refused
            arguments = {name: bytes_as_array(value) for name, value in arguments.items()}
        self._last += 1
        ask_id, scope = self._last, CURRENT.get()
        ask = workers_pb2.Ask(
            ask_id=ask_id,
            call_id=0 if scope is None else scope.call_id,
            session_id=request.session_id,
            name=request.name,
            arguments=encode_metadata(arguments, "arguments"),
            timeout_ms=None if request.timeout_s is None else max(1, round(request.timeout_s * 1000)),
        )
        frame = workers_pb2.WorkerFrame(ask=ask)
        if frame.ByteSize() > self._limit():
            raise PayloadTooLarge(f"arguments of {frame.ByteSize()} bytes; {self._limit()} fit")
        answered: asyncio.Future[Any] = self._loop.create_future()
        self._open[ask_id] = _Open(ask.call_id, answered)
        self._put(frame)
        try:
            return await answered
        except asyncio.CancelledError:
            if not answered.done() or answered.cancelled():
                self._put(workers_pb2.WorkerFrame(ask_cancel=workers_pb2.AskCancel(ask_id=ask_id)))
            raise
        finally:
            del self._open[ask_id]

    def answered(self, answer: workers_pb2.Answer) -> None:
        """Takes an answer; one that nobody waits for any more is dropped."""
        ask = self._open.get(answer.ask_id)
        if ask is None or ask.answered.done():
            return
        waiting = ask.answered
        if answer.WhichOneof("outcome") == "error":
            waiting.set_exception(error_from_detail(answer.error))
            return
        try:
            waiting.set_result(decode_value(answer.result))
        except CoilyardError as error:
            waiting.set_exception(error)

    def close(self) -> None:
        """The stream is gone: nothing is answered any more."""
        for ask in self._open.values():
            if not ask.answered.done():
                ask.answered.set_exception(WorkerLost("the connection to the runtime ended", execution="unknown"))
