"""The runtime at the other end of a worker's connection, over each carrier."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc

import coilyard
from coilyard._proto import workers_pb2
from coilyard._wire_errors import detail_from_error
from support.manual_clock import until
from support.scripted_gateway import ScriptedGateway, refuse


class Runtime:
    """The other end, over gRPC: what the worker said, and what it is told."""

    #: Where its frames travel; empty: to the gateway.
    socket = ""

    def __init__(self, gateway: ScriptedGateway) -> None:
        self.gateway = gateway
        self.heard: list[workers_pb2.WorkerFrame] = []
        self.messages = 0
        self.told: asyncio.Queue[Any] = asyncio.Queue()
        self.goodbye = asyncio.Event()
        self.refusal: tuple[grpc.StatusCode, coilyard.CoilyardError] | None = None
        self.interval_ms = 60_000
        self.lease_ms = 0
        gateway.attach = self._attach

    async def _attach(self, requests: Any, context: Any) -> AsyncIterator[workers_pb2.AttachResponse]:
        hearing = asyncio.ensure_future(self._hear(requests))
        try:
            await until(lambda: self.heard)
            if self.refusal is not None:
                await refuse(context, self.refusal[1], self.refusal[0])
            yield self._welcome()
            while (frames := await self.told.get()) is not None:
                yield workers_pb2.AttachResponse(frames=frames)
        finally:
            hearing.cancel()

    async def _hear(self, requests: Any) -> None:
        async for request in requests:
            self._take(request)
        self._bid_farewell()

    def _take(self, request: workers_pb2.AttachRequest) -> None:
        self.messages += 1
        self.heard.extend(request.frames)

    def _bid_farewell(self) -> None:
        self.goodbye.set()
        self.told.put_nowait(None)

    async def stop(self) -> None:
        """Breaks off, and is not there any more."""
        await self.gateway.stop()

    def say_nothing(self) -> None:
        """Welcomes nobody from here on."""

        async def silent(requests: Any, context: Any) -> AsyncIterator[Any]:
            await asyncio.sleep(60)
            yield None

        self.gateway.attach = silent

    def _welcome(self) -> workers_pb2.AttachResponse:
        welcome = workers_pb2.Welcome(worker_id="w", heartbeat_interval_ms=self.interval_ms, lease_ms=self.lease_ms)
        return workers_pb2.AttachResponse(frames=[workers_pb2.RuntimeFrame(welcome=welcome)])

    def tell(self, *frames: Any) -> None:
        kinds = {workers_pb2.Call: "call", workers_pb2.Cancel: "cancel", workers_pb2.Credit: "credit",
                 workers_pb2.Pulse: "pulse"}  # fmt: skip
        wrapped = [workers_pb2.RuntimeFrame(**{kinds.get(type(frame), "drain"): frame}) for frame in frames]
        self.told.put_nowait(wrapped)

    def of(self, kind: str) -> list[Any]:
        return [getattr(frame, kind) for frame in self.heard if frame.WhichOneof("frame") == kind]


class LocalRuntime(Runtime):
    """The other end, over a socket of this machine."""

    def __init__(self, gateway: ScriptedGateway, directory: Path) -> None:
        super().__init__(gateway)
        self.socket = str(directory / "socket")
        self._silent = False
        self._server: asyncio.Server | None = None
        self._writers: list[asyncio.StreamWriter] = []

    async def listen(self) -> None:
        self._server = await asyncio.start_unix_server(self._serve, self.socket)

    async def stop(self) -> None:
        if self._server is not None:
            self._server.close()
        for writer in self._writers:
            writer.transport.abort()

    def say_nothing(self) -> None:
        self._silent = True

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.append(writer)
        hearing = asyncio.ensure_future(self._hear_messages(reader))
        try:
            await until(lambda: self.heard)
            if self._silent:
                await asyncio.sleep(60)
            if self.refusal is not None:
                detail = detail_from_error(self.refusal[1]).SerializeToString()
                writer.write((len(detail) | 1 << 31).to_bytes(4, "big") + detail)
                return
            writer.write(framed(self._welcome()))
            while (frames := await self.told.get()) is not None:
                writer.write(framed(workers_pb2.AttachResponse(frames=frames)))
            writer.write(bytes(4))
        finally:
            hearing.cancel()
            writer.close()

    async def _hear_messages(self, reader: asyncio.StreamReader) -> None:
        with contextlib.suppress(asyncio.IncompleteReadError, ConnectionError):
            while (length := int.from_bytes(await reader.readexactly(4), "big")) > 0:
                self._take(workers_pb2.AttachRequest.FromString(await reader.readexactly(length)))
            self._bid_farewell()


def framed(message: workers_pb2.AttachResponse) -> bytes:
    """As it travels over a socket."""
    content = message.SerializeToString()
    return len(content).to_bytes(4, "big") + content
