"""A server that ends calls by HTTP/2 and nothing else, as one does that protects itself; then a way to another."""

from __future__ import annotations

import asyncio
import struct
from typing import Literal

from typing_extensions import Self

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY = 0, 1, 3, 4, 6, 7
ENHANCE_YOUR_CALM = 11


def frame(kind: int, flags: int, stream: int, payload: bytes = b"") -> bytes:
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


class CalmServer:
    """Ends every stream of its first `connections`, and passes what comes later on to `target`.

    Args:
        target: `host:port` of somebody who answers.
        how: Each stream for itself, or the whole connection.
        code: What HTTP/2 calls the reason.
        connections: How many of them end so.
        streams: How many streams of one connection are ended before it is closed.
        late_s: How long a connection that is passed on hears nothing at first.
    """

    def __init__(
        self,
        target: str,
        how: Literal["stream", "connection"] = "stream",
        code: int = ENHANCE_YOUR_CALM,
        connections: int = 1,
        streams: int = 2,
        late_s: float = 0.0,
    ) -> None:
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self._how, self._code, self._left, self._streams = how, code, connections, streams
        self._late_s = late_s
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.address = ""
        #: Streams that were ended.
        self.ended = 0
        self.reached = 0

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()
        self.address = f"{host}:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._server is not None
        self._server.close()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        try:
            if self._left > 0:
                self._left -= 1
                await self._refuse(reader, writer)
            else:
                self.reached += 1
                await self._pass_on(reader, writer)
        except (OSError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()
            self._tasks.discard(task)

    async def _refuse(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readexactly(24)  # the preface
        writer.write(frame(SETTINGS, 0, 0))
        for _ in range(self._streams):
            stream = await self._next_stream(reader, writer)
            self.ended += 1
            if self._how == "connection":
                writer.write(frame(GOAWAY, 0, 0, struct.pack(">II", stream, self._code) + b"calm"))
                break
            writer.write(frame(RST_STREAM, 0, stream, struct.pack(">I", self._code)))
        await writer.drain()
        writer.close()
        await writer.wait_closed()

    async def _next_stream(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> int:
        while True:
            head = await reader.readexactly(9)
            await reader.readexactly(int.from_bytes(head[:3], "big"))
            kind, is_answer = head[3], head[4] & 1
            if kind == HEADERS:
                return int.from_bytes(head[5:9], "big")
            if kind == SETTINGS and not is_answer:
                writer.write(frame(SETTINGS, 1, 0))
            if kind == PING and not is_answer:
                writer.write(frame(PING, 1, 0, bytes(8)))

    async def _pass_on(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(self._late_s)
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        try:
            await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))
        finally:
            far_writer.transport.abort()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.transport.abort()
