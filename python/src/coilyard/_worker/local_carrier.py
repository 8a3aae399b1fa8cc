"""Frames over a socket of this machine. Each message comes after its length, four bytes, highest first.

A length of zero is the orderly end: its sender says nothing more. With the highest bit set it is that of an
`ErrorDetail`, why the runtime ends the connection.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from struct import Struct
from typing import Any, cast

from coilyard._proto import errors_pb2, workers_pb2
from coilyard._wire_errors import error_from_detail
from coilyard._worker.carrier import Take
from coilyard._worker.exits import Exit, WorkerExit
from coilyard._worker.outbox import Outbox
from coilyard._worker.ropes import size_of

_LENGTH = Struct(">I")
_FAILURE = 1 << 31
_REFUSALS = {"unauthenticated", "permission_denied", "invalid_argument"}

#: What is read at once.
_CHUNK_BYTES = 256 * 1024

#: So many frames are sent before the turn of the loop is over: the runtime reads them while others are made here.
_MUCH = 24

#: Every abstract name of this length is the same whether zeros count as part of it or not, on which systems disagree.
_ABSTRACT_NAME_BYTES = 107


def socket_address(name: str) -> str:
    """The address that a name stands for: a path, or `@` and the name of an abstract socket."""
    return "\0" + name[1:].ljust(_ABSTRACT_NAME_BYTES, "-") if name.startswith("@") else name


class LocalCarrier:
    """See `Carrier`.

    Args:
        name: A path, or `@` and the name of an abstract socket.
    """

    def __init__(self, name: str) -> None:
        self._address = socket_address(name)
        self._line = _Line(asyncio.get_running_loop())

    async def greet(self, hello: workers_pb2.AttachRequest, timeout_s: float) -> Sequence[workers_pb2.RuntimeFrame]:
        """See `Carrier`."""
        line = self._line
        answered: asyncio.Future[Sequence[workers_pb2.RuntimeFrame]] = asyncio.get_running_loop().create_future()

        def take(frames: Sequence[workers_pb2.RuntimeFrame]) -> None:
            # What comes right behind the welcome waits until that was read.
            line.hold()
            answered.set_result(frames)

        line.take = take
        await asyncio.wait_for(self._connect(), timeout_s)
        line.send([hello.SerializeToString()])
        ends: list[asyncio.Future[Any]] = [answered, line.ended]
        await asyncio.wait(ends, timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED)
        if answered.done():
            return answered.result()
        if not line.ended.done():
            raise asyncio.TimeoutError
        line.ended.result()
        return ()

    def serve(self, outbox: Outbox, take: Take) -> asyncio.Future[None]:
        """See `Carrier`."""
        self._line.serve(outbox, take)
        return self._line.ended

    async def part(self, timeout_s: float) -> None:
        """See `Carrier`."""
        self._line.part()
        await asyncio.wait([self._line.ended], timeout=timeout_s)

    async def close(self) -> None:
        """See `Carrier`."""
        self._line.close()
        await self._line.lost.wait()

    async def _connect(self) -> None:
        try:
            await asyncio.get_running_loop().create_unix_connection(lambda: self._line, self._address)
        except OSError as error:
            raise WorkerExit(Exit.DISCONNECTED, f"the runtime cannot be reached: {error}") from error


class _Line(asyncio.BufferedProtocol):
    """The connection. What is read is handed on at once; what is put is sent once the loop has run what is ready.

    Args:
        loop: Runs it.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        #: Ends with the connection.
        self.ended: asyncio.Future[None] = loop.create_future()
        # Also when nobody asks any more.
        self.ended.add_done_callback(lambda ended: ended.cancelled() or ended.exception())
        self.take: Take = lambda _frames: None
        #: Nothing is left of the connection, or it was never made.
        self.lost = asyncio.Event()
        self.lost.set()
        self._transport: asyncio.Transport | None = None
        self._view = memoryview(bytearray(_CHUNK_BYTES))
        #: How much of it was read into.
        self._filled = 0
        self._is_held = False
        self._outbox: Outbox | None = None
        self._is_full = False
        self._is_flush_due = False
        self._is_parting = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Called once, first."""
        self._transport = cast("asyncio.Transport", transport)
        self.lost.clear()

    def connection_lost(self, exc: Exception | None) -> None:
        """Called once, last."""
        self._lose(str(exc) if exc is not None else "it was closed")
        self.lost.set()

    def eof_received(self) -> None:
        """The runtime says nothing more."""
        self._lose("the runtime broke it off")

    def get_buffer(self, sizehint: int) -> memoryview:
        """Where to read to; there is always room."""
        del sizehint
        return self._view[self._filled :]

    def buffer_updated(self, nbytes: int) -> None:
        """So much was read."""
        self._filled += nbytes
        self._hand_on()

    def pause_writing(self) -> None:
        """The socket is full: what is put waits in the outbox, where small frames pass large ones."""
        self._is_full = True

    def resume_writing(self) -> None:
        """There is room again."""
        self._is_full = False
        self._flush()

    def hold(self) -> None:
        """Hands on nothing more until `serve`."""
        self._is_held = True
        if self._transport is not None:
            self._transport.pause_reading()

    def serve(self, outbox: Outbox, take: Take) -> None:
        """See `Carrier`."""
        self.take, self._outbox, self._is_held = take, outbox, False
        outbox.listen(self._put)
        if not self.ended.done() and self._transport is not None:
            self._transport.resume_reading()
            self._hand_on()
            self._flush()

    def send(self, parts: Sequence[bytes | memoryview]) -> None:
        """Writes a message."""
        if self._transport is not None and not self.ended.done():
            self._transport.write(b"".join((_LENGTH.pack(size_of(parts)), *parts)))

    def part(self) -> None:
        """Says that nothing more comes, once everything is sent."""
        self._is_parting = True
        self._flush()

    def close(self) -> None:
        """Ends the connection; what was not sent is dropped."""
        self._end(None)
        if self._transport is not None:
            self._transport.abort()

    def _put(self) -> None:
        """What is put in one turn of the loop goes together: at its end, or when there is much of it."""
        if not self._is_flush_due:
            self._is_flush_due = True
            self._loop.call_soon(self._flush)
        elif self._outbox is not None and self._outbox.waiting >= _MUCH:
            self._send_waiting()

    def _flush(self) -> None:
        self._is_flush_due = False
        self._send_waiting()
        if self._is_parting and not self._is_full and not self.ended.done():
            self._is_parting = False
            self.send(())
            with contextlib.suppress(OSError):  # it is being lost
                if self._transport is not None:
                    self._transport.write_eof()

    def _send_waiting(self) -> None:
        if self._outbox is None or self.ended.done():
            return
        while not self._is_full and (message := self._outbox.next()) is not None:
            self.send(message)

    def _hand_on(self) -> None:
        """Takes the messages that are whole out of what was read."""
        at = 0
        try:
            while not self._is_held and not self.ended.done() and (end := self._end_of_message(at)) <= self._filled:
                self._receive(self._length_at(at), self._view[at + _LENGTH.size : end])
                at = end
        except Exception as error:
            self._end(error)
        if self.ended.done():
            self.close()
            return
        self._make_room(at)

    def _end_of_message(self, at: int) -> int:
        """Beyond what was read, when even its length has not come."""
        begin = at + _LENGTH.size
        if begin > self._filled:
            return begin
        return begin + (self._length_at(at) & ~_FAILURE)

    def _length_at(self, at: int) -> int:
        length: int = _LENGTH.unpack_from(self._view, at)[0]
        return length

    def _receive(self, length: int, content: memoryview) -> None:
        if length == 0:
            self._end(None)
        elif length & _FAILURE:
            self._end(_exit_of(errors_pb2.ErrorDetail.FromString(_bytes_like(content))))
        else:
            self.take(workers_pb2.AttachResponse.FromString(_bytes_like(content)).frames)

    def _make_room(self, at: int) -> None:
        """Keeps what was read from there on, with room for the rest of its message."""
        rest, needed = self._filled - at, self._end_of_message(at) - at
        kept = self._view[at : self._filled]
        if needed > len(self._view):
            self._view = memoryview(bytearray(needed))
            self._view[:rest] = kept
        elif 0 < at < self._filled:
            self._view[:rest] = kept
        self._filled = rest

    def _lose(self, how: str) -> None:
        self._end(WorkerExit(Exit.DISCONNECTED, f"the connection to the runtime was lost: {how}"))

    def _end(self, error: BaseException | None) -> None:
        if self.ended.done():
            return
        if error is None:
            self.ended.set_result(None)
        else:
            self.ended.set_exception(error)


def _exit_of(detail: errors_pb2.ErrorDetail) -> WorkerExit:
    error = error_from_detail(detail)
    if error.code in _REFUSALS:
        return WorkerExit(Exit.REFUSED, f"the runtime refused this worker: {error}")
    return WorkerExit(Exit.DISCONNECTED, f"the connection to the runtime was lost: {error}")


def _bytes_like(content: memoryview) -> bytes:
    """Protobuf reads views as well, which its stubs do not know."""
    return cast("bytes", content)
