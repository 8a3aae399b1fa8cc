"""A wire to the gateway with the faults of real ones: late, in fragments, silent, and delivering what was given up."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable


class Line:
    """One connection through the wire."""

    def __init__(self, client: asyncio.StreamWriter, gateway: asyncio.StreamWriter) -> None:
        self._client = client
        self._gateway = gateway
        self._open = asyncio.Event()
        self._open.set()
        self._held: list[bytes] = []
        self.is_silent = False

    @property
    def held_bytes(self) -> int:
        """Of what the client sent and the gateway has not seen."""
        return sum(map(len, self._held))

    def silence(self) -> None:
        """Nothing passes any more, and nobody is told: what the client sends is held."""
        self.is_silent = True

    def drop_client(self) -> None:
        """Breaks the client's side; the gateway still believes in the connection."""
        self._client.transport.abort()

    async def deliver(self) -> None:
        """Has the gateway read what was held, as a network does that was stuck for a while."""
        held, self._held = self._held, []
        for data in held:
            self._gateway.write(data)
        await self._gateway.drain()

    def hang_up(self) -> None:
        """Breaks both sides."""
        self._client.transport.abort()
        self._gateway.transport.abort()

    def to_gateway(self, data: bytes) -> None:
        if self.is_silent:
            self._held.append(data)
        else:
            self._gateway.write(data)

    def to_client(self, data: bytes) -> None:
        if not self.is_silent:
            self._client.write(data)


class FaultyWire:
    """A proxy whose bytes come late and in fragments, by seeded chance, and whose lines can be silenced.

    Attributes:
        lines: Every connection, in order.
        delay_s: The longest that a fragment is late.
        fragment: The most bytes of a fragment; None: as they come.
    """

    def __init__(self, target: str, seed: int = 0) -> None:
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self._chance = random.Random(seed)
        self._tasks: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.lines: list[Line] = []
        self.delay_s = 0.0
        self.fragment: int | None = None
        self.address = ""

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()
        self.address = f"{host}:{port}"

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        for line in self.lines:
            line.hang_up()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._server.wait_closed()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        far_reader, far_writer = await asyncio.open_connection(*self._target)
        line = Line(writer, far_writer)
        self.lines.append(line)
        try:
            copies = [
                asyncio.ensure_future(self._copy(reader, line.to_gateway)),
                asyncio.ensure_future(self._copy(far_reader, line.to_client)),
            ]
            await asyncio.wait(copies, return_when=asyncio.FIRST_COMPLETED)
            # A client that was dropped leaves the other side as it is: what is held may still be delivered.
            if not line.is_silent:
                line.hang_up()
            await asyncio.wait(copies)
        finally:
            for copy in copies:
                copy.cancel()

    async def _copy(self, reader: asyncio.StreamReader, forward: Callable[[bytes], None]) -> None:
        try:
            while data := await reader.read(65536):
                size = self.fragment or len(data)
                for start in range(0, len(data), size):
                    if self.delay_s:
                        await asyncio.sleep(self._chance.random() * self.delay_s)
                    forward(data[start : start + size])
        except OSError:
            return
