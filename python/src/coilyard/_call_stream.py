"""Requests as frames on one stream: each costs a fraction of a gRPC call, and those of many tasks share a message."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from typing import TYPE_CHECKING

import grpc
from google.protobuf.message import DecodeError

from coilyard._carrier import Metadata, UnaryCarrier
from coilyard._errors import (
    ClientClosed,
    CoilyardError,
    ConnectionLost,
    Execution,
    InternalError,
    PayloadTooLarge,
    TransportError,
    TransportTimeout,
)
from coilyard._methods import Method, Reply, Request
from coilyard._proto import calls_pb2
from coilyard._wire_errors import error_from_detail, error_from_rpc

if TYPE_CHECKING:
    RawStream = grpc.aio.StreamStreamCall[bytes, bytes]

PATH = "/coilyard.v1.Calls/Carry"

#: Frames are packed into one message up to this size; a larger request travels in pieces of it.
PACK_BYTES = 1024 * 1024

#: In the initial metadata of a stream that was accepted: how many bytes a request may have, and a message.
MAX_BYTES = "coilyard-max-bytes"
MAX_MESSAGE_BYTES = "coilyard-max-message-bytes"

#: Room in a message for what surrounds a piece.
_HEADROOM = 64

#: Numbers of calls start again here: they are 32 bits on the wire.
_CALL_IDS = 2**32

_BROKEN_WRITE = "Internal error from Core"

_log = logging.getLogger("coilyard.calls")


class StreamCarrier:
    """Carries every request of a client on one stream, which is opened with the first and again after it was lost.

    A gateway that has no such stream is asked with a gRPC call for each request.

    Args:
        channel: Stays the caller's.
        metadata: Sent when the stream is opened.
    """

    def __init__(self, channel: grpc.aio.Channel, metadata: Metadata = ()) -> None:
        self.metadata = metadata
        self._channel = channel
        self._unary = UnaryCarrier(channel, metadata)
        self._is_served = True
        self._stream: CallStream | None = None

    async def send(
        self, method: Method[Request, Reply], request: Request, timeout_s: float, calling_session: str | None
    ) -> Reply:
        """See `Carrier`."""
        if self._is_served:
            try:
                content = await self._open().carry(
                    method.path, request.SerializeToString(), timeout_s, calling_session or ""
                )
                return method.reply.FromString(content)
            except _NotServed:
                return await self._send_alone(method, request, timeout_s, calling_session)
        return await self._unary.send(method, request, timeout_s, calling_session)

    async def _send_alone(
        self, method: Method[Request, Reply], request: Request, timeout_s: float, calling_session: str | None
    ) -> Reply:
        """Sends what no stream took. Only an answer says that there is a gateway, and that it knows no stream."""
        try:
            reply = await self._unary.send(method, request, timeout_s, calling_session)
        except TransportError:
            raise
        except CoilyardError:
            self._give_up_stream()
            raise
        self._give_up_stream()
        return reply

    def _give_up_stream(self) -> None:
        if self._is_served:
            _log.info("the gateway carries no calls on a stream: each is a call of its own")
            self._is_served = False

    async def close(self) -> None:
        """Frees the stream; requests in hand fail. The next request opens another."""
        stream, self._stream = self._stream, None
        if stream is not None:
            await stream.aclose()

    def _open(self) -> CallStream:
        stream = self._stream
        if stream is None or stream.is_over:
            try:
                opened: RawStream = self._channel.stream_stream(PATH)(metadata=self.metadata)
            except grpc.aio.UsageError as cause:
                raise ClientClosed("the client is closed") from cause
            stream = self._stream = CallStream(opened)
        return stream

    def __del__(self) -> None:
        # The collector may run in any thread, and after the loop has ended.
        stream = self._stream
        if stream is not None and not stream.loop.is_closed():
            stream.loop.call_soon_threadsafe(stream.close)


class _NotServed(Exception):
    """The gateway does not know the method; nothing was executed."""


class _Call:
    """One request.

    Attributes:
        is_sent: Whether the gateway may have heard of it.
        is_over: Whether nobody waits for its answer any more.
    """

    __slots__ = ("answer", "id", "is_over", "is_sent", "timer")

    def __init__(self, call_id: int, answer: asyncio.Future[bytes], timer: asyncio.TimerHandle) -> None:
        self.id = call_id
        self.answer = answer
        self.timer = timer
        self.is_sent = False
        self.is_over = False


class CallStream:
    """One stream, from its opening to its end. Belongs to the running loop.

    Attributes:
        loop: The loop that it belongs to.
        is_over: Whether it takes no more requests.
    """

    def __init__(self, stream: RawStream) -> None:
        self.loop = asyncio.get_running_loop()
        self.is_over = False
        self._stream = stream
        self._calls: dict[int, _Call] = {}
        self._last_id = 0
        self._max_bytes: int | None = None
        self._pack_bytes = PACK_BYTES
        self._waiting: deque[tuple[_Call, calls_pb2.CallRequest]] = deque()
        self._large: deque[tuple[_Call, memoryview]] = deque()
        self._cancelled: list[calls_pb2.CallerFrame] = []
        self._idle_writer: asyncio.Future[None] | None = None
        self._pieces: dict[int, list[bytes]] = {}
        self._tasks = [self.loop.create_task(self._read()), self.loop.create_task(self._serve_writes())]

    async def carry(self, path: str, message: bytes, timeout_s: float, calling_session: str) -> bytes:
        """Sends one encoded request and returns the encoded answer.

        Raises:
            CoilyardError: The gateway refused it, the stream was lost, or the time is over.
        """
        if self._max_bytes is not None and len(message) > self._max_bytes:
            details = {"limit": self._max_bytes, "actual": len(message)}
            raise PayloadTooLarge(f"a request of {len(message)} bytes is too large for the gateway", details=details)
        call_id = self._last_id = (self._last_id + 1) % _CALL_IDS
        call = _Call(call_id, self.loop.create_future(), self.loop.call_later(timeout_s, self._expire, call_id))
        self._calls[call_id] = call
        request = calls_pb2.CallRequest(
            call_id=call_id,
            method=path,
            message=message,
            timeout_ms=min(_CALL_IDS - 1, max(1, round(timeout_s * 1000))),
            calling_session=calling_session,
        )
        self._waiting.append((call, request))
        self._wake_writer()
        try:
            return await call.answer
        finally:
            call.timer.cancel()
            call.is_over = True  # what of it was not sent is left out
            is_unanswered = self._calls.pop(call_id, None) is not None
            if call.is_sent and not self.is_over and (is_unanswered or any(call is large for large, _ in self._large)):
                self._cancelled.append(calls_pb2.CallerFrame(cancel=calls_pb2.CallCancel(call_id=call_id)))
                self._wake_writer()

    def _expire(self, call_id: int) -> None:
        call = self._calls.get(call_id)
        if call is not None and not call.answer.done():
            execution: Execution = "unknown" if call.is_sent else "not_started"
            call.answer.set_exception(TransportTimeout("Deadline Exceeded", execution=execution))

    # Writing

    def _wake_writer(self) -> None:
        if self._idle_writer is not None and not self._idle_writer.done():
            self._idle_writer.set_result(None)

    async def _serve_writes(self) -> None:
        try:
            await self._write()
        except (grpc.RpcError, grpc.aio.UsageError, asyncio.InvalidStateError):
            pass  # whoever reads hears why
        except Exception as error:  # nothing would be written any more, and nobody must wait for that
            self._end(error)

    async def _write(self) -> None:
        # A write to a stream that is refused would hide the reason: grpc.aio then reports the write and nothing else.
        # Its pairs: the keys of this mapping are pairs, too, before grpcio 1.80.
        accepted = {key: value for key, value in await self._stream.initial_metadata()}  # noqa: C416
        if MAX_BYTES not in accepted:
            return  # whoever reads hears why
        self._max_bytes = int(accepted[MAX_BYTES])
        self._pack_bytes = max(1, min(PACK_BYTES, int(accepted[MAX_MESSAGE_BYTES]) // 2 - _HEADROOM))
        while True:
            message = self._pack()
            if not message:
                self._idle_writer = self.loop.create_future()
                await self._idle_writer
                continue
            await self._stream.write(message)

    def _pack(self) -> bytes:
        """What waits as one message, empty when nothing does.

        Messages of one list of frames can be strung together: that is their sum.
        """
        packed: list[bytes] = []
        room = self._pack_bytes
        while self._waiting:
            call, request = self._waiting[0]
            if not call.is_over:
                size = request.ByteSize()
                if size > self._pack_bytes:
                    self._large.append((call, memoryview(request.SerializeToString())))
                elif size > room:
                    break
                else:
                    packed.append(_message(calls_pb2.CallerFrame(request=request)))
                    room -= size + _HEADROOM
                call.is_sent = True
            self._waiting.popleft()
        piece = self._next_piece()
        if piece is not None:
            packed.append(_message(calls_pb2.CallerFrame(piece=piece)))
        # Behind the pieces of what is cancelled.
        packed += map(_message, self._cancelled)
        self._cancelled.clear()
        return packed[0] if len(packed) == 1 else b"".join(packed)

    def _next_piece(self) -> calls_pb2.CallPiece | None:
        """Large requests take turns, and small ones pass them."""
        while self._large:
            call, rest = self._large.popleft()
            if call.is_over:
                continue
            is_last = len(rest) <= self._pack_bytes
            if not is_last:
                self._large.append((call, rest[self._pack_bytes :]))
            return calls_pb2.CallPiece(call_id=call.id, data=bytes(rest[: self._pack_bytes]), last=is_last)
        return None

    # Reading

    async def _read(self) -> None:
        failure: BaseException | None = None
        try:
            while isinstance(message := await self._stream.read(), bytes):
                for frame in calls_pb2.CarryResponse.FromString(message).frames:
                    self._take(frame)
        except (grpc.aio.AioRpcError, DecodeError) as error:
            failure = error
        except asyncio.CancelledError as error:  # closed here, or with its channel
            failure = error
        finally:
            self._end(failure)

    def _take(self, frame: calls_pb2.CalleeFrame) -> None:
        if frame.HasField("reply"):
            self._settle(frame.reply)
        elif frame.HasField("piece"):
            piece = frame.piece
            pieces = self._pieces.setdefault(piece.call_id, [])
            pieces.append(piece.data)
            if piece.last:
                del self._pieces[piece.call_id]
                self._settle(calls_pb2.CallReply.FromString(b"".join(pieces)))

    def _settle(self, reply: calls_pb2.CallReply) -> None:
        call = self._calls.pop(reply.call_id, None)
        if call is None or call.answer.done():
            return
        if reply.HasField("error"):
            call.answer.set_exception(error_from_detail(reply.error))
        else:
            call.answer.set_result(reply.message)

    # Ending

    def _end(self, failure: BaseException | None) -> None:
        self.is_over = True
        self._stream.cancel()
        for task in self._tasks:
            task.cancel()
        calls, self._calls = self._calls, {}
        for call in calls.values():
            if not call.answer.done():
                call.answer.set_exception(self._error_of(failure, call))

    def _error_of(self, failure: BaseException | None, call: _Call) -> Exception:
        """An exception of its own for each call: they are raised in different places."""
        error: CoilyardError
        execution: Execution = "unknown" if call.is_sent else "not_started"
        if isinstance(failure, grpc.aio.AioRpcError):
            if failure.code() is grpc.StatusCode.UNIMPLEMENTED:
                return _NotServed()
            # A write that was under way when the stream broke is reported by grpc.aio instead of why it broke.
            is_broken = failure.code() is grpc.StatusCode.INTERNAL and failure.details() == _BROKEN_WRITE
            broken = ConnectionLost("the stream of calls broke", execution=execution)
            error = broken if is_broken else error_from_rpc(failure, call.is_sent)
        elif isinstance(failure, asyncio.CancelledError):
            error = ClientClosed("the client is closed", execution=execution)
        elif failure is not None:
            error = InternalError(f"the gateway sent something that is no answer: {failure}", execution=execution)
        else:
            error = ConnectionLost("the gateway ended the stream of calls", execution=execution)
        error.__cause__ = failure
        return error

    def close(self) -> None:
        """Ends the stream; requests in hand fail."""
        if not self.is_over:
            self._end(asyncio.CancelledError())

    async def aclose(self) -> None:
        """Ends the stream and returns once nothing of it is left."""
        self.close()
        await asyncio.wait(self._tasks)


def _message(frame: calls_pb2.CallerFrame) -> bytes:
    return calls_pb2.CarryRequest(frames=[frame]).SerializeToString()
