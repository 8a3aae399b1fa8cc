"""Frames over `Workers.Attach`, a stream of the gateway: the way for workers of other machines."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import grpc

from coilyard._proto import workers_pb2
from coilyard._wire_errors import error_from_rpc
from coilyard._worker.carrier import Take
from coilyard._worker.exits import Exit, WorkerExit
from coilyard._worker.outbox import Outbox

_STREAM_ERRORS = (grpc.aio.AioRpcError, grpc.aio.UsageError, asyncio.InvalidStateError)
_REFUSALS = {grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED, grpc.StatusCode.INVALID_ARGUMENT}

#: Requests are encoded by the outbox: the stub would do it once more.
_Call = grpc.aio.StreamStreamCall[bytes, workers_pb2.AttachResponse]
_ATTACH = "/coilyard.v1.Workers/Attach"

#: What grpc.aio says of a stream to which a write has failed until it has read why the stream has ended.
_UNEXPLAINED = "Internal error from Core"
_LOOK_S = 0.01
_LOOKS = 100


class GrpcCarrier:
    """See `Carrier`.

    Args:
        channel: Opens the channel on first use, or gives the one that is open; stays the maker's.
    """

    def __init__(self, channel: Callable[[], grpc.aio.Channel]) -> None:
        self._channel = channel
        self._opened: _Call | None = None
        self._reading: asyncio.Task[None] | None = None
        self._writing: asyncio.Task[None] | None = None
        self._serving: asyncio.Task[None] | None = None

    async def greet(self, hello: workers_pb2.AttachRequest, timeout_s: float) -> Sequence[workers_pb2.RuntimeFrame]:
        """See `Carrier`."""
        stream: _Call = self._channel().stream_stream(
            _ATTACH, response_deserializer=workers_pb2.AttachResponse.FromString
        )()
        self._opened = stream
        try:
            await stream.write(hello.SerializeToString())
            response = await asyncio.wait_for(stream.read(), timeout_s)
        except _STREAM_ERRORS as error:
            raise await _ended(stream, error, "the runtime cannot be reached") from error
        return response.frames if isinstance(response, workers_pb2.AttachResponse) else ()

    def serve(self, outbox: Outbox, take: Take) -> asyncio.Future[None]:
        """See `Carrier`."""
        loop, stream = asyncio.get_running_loop(), self._stream
        self._reading = loop.create_task(_read(stream, take))
        self._writing = loop.create_task(_write(stream, outbox))
        self._serving = loop.create_task(_serve(stream, self._reading, self._writing))
        return self._serving

    async def part(self, timeout_s: float) -> None:
        """See `Carrier`."""
        if self._writing is not None:
            await asyncio.wait([self._writing], timeout=timeout_s)
        await self._stream.done_writing()
        if self._reading is not None:
            await asyncio.wait([self._reading], timeout=timeout_s)

    async def close(self) -> None:
        """See `Carrier`."""
        tasks = [task for task in (self._serving, self._writing, self._reading) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        if self._opened is not None:
            self._opened.cancel()

    @property
    def _stream(self) -> _Call:
        if self._opened is None:
            raise RuntimeError("the greeting comes first")
        return self._opened


async def _read(stream: _Call, take: Take) -> None:
    while isinstance(response := await stream.read(), workers_pb2.AttachResponse):
        take(response.frames)


async def _write(stream: _Call, outbox: Outbox) -> None:
    while (message := await outbox.take()) is not None:
        await stream.write(message)


async def _serve(stream: _Call, reading: asyncio.Task[None], writing: asyncio.Task[None]) -> None:
    """Until there is nothing more to read, or what is to be sent cannot be."""
    await asyncio.wait([reading, writing], return_when=asyncio.FIRST_COMPLETED)
    if writing.done() and writing.exception() is None:  # everything was said
        await asyncio.wait([reading])
    for task in (reading, writing):
        error = task.exception() if task.done() else None
        if isinstance(error, _STREAM_ERRORS):
            raise await _ended(stream, error, "the connection to the runtime was lost") from error
        if error is not None:
            raise error


async def _ended(stream: _Call, error: BaseException, reason: str) -> WorkerExit:
    """The exit for a stream that broke; a write to one that is over says less than its status."""
    if not isinstance(error, grpc.aio.AioRpcError) or error.details() == _UNEXPLAINED:
        error = await _explained(stream)
    text = error_from_rpc(error)
    if error.code() in _REFUSALS:
        return WorkerExit(Exit.REFUSED, f"the runtime refused this worker: {text}")
    return WorkerExit(Exit.DISCONNECTED, f"{reason}: {text}")


async def _explained(stream: _Call) -> grpc.aio.AioRpcError:
    """Why the stream has ended, which comes right after the failure of a write; nobody tells when.

    A write that fails after that has come hides it for good: then the stream is one that broke.
    """
    for _ in range(_LOOKS):
        if await stream.details() != _UNEXPLAINED:
            break
        await asyncio.sleep(_LOOK_S)
    return grpc.aio.AioRpcError(
        await stream.code(),
        await stream.initial_metadata(),
        await stream.trailing_metadata(),
        details=await stream.details(),
    )
