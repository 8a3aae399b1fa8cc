"""The real gateway as a process, and a wire to it that can be cut."""

from __future__ import annotations

import asyncio
import subprocess
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
MAIN = ROOT / "dist" / "src" / "cli" / "main.js"
READY = "coilyard: gateway listening on "


class GatewayProcess:
    """`coilyard start`, from its line of readiness to its end."""

    def __init__(self, *options: str) -> None:
        self._talk = tempfile.TemporaryFile("w+")  # noqa: SIM115 - closed with the process
        self._process = subprocess.Popen(
            ["node", str(MAIN), "start", "--host", "127.0.0.1", "--port", "0", *options],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=self._talk, text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        line = self._process.stdout.readline()
        if not line.startswith(READY):
            self._talk.seek(0)
            talk = self._talk.read()
            code = self.kill()
            raise RuntimeError(f"the gateway did not start (code {code}), it said {line!r} and:\n{talk}")
        self.address = line.removeprefix(READY).strip()

    def stop(self) -> int:
        """Asks it to stop, and returns its exit code."""
        self._process.terminate()
        return self._end()

    def kill(self) -> int:
        self._process.kill()
        return self._end()

    def _end(self) -> int:
        assert self._process.stdout is not None
        code = self._process.wait(timeout=60)
        self._process.stdout.close()
        self._talk.close()
        return code


class Wire:
    """A proxy on the way to the gateway; cutting it breaks every connection in the middle of whatever goes on."""

    def __init__(self, target: str) -> None:
        host, _, port = target.rpartition(":")
        self._target = (host, int(port))
        self._connections: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None
        self.address = ""
        self.cuts = 0
        self.opened = 0

    async def open(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        host, port = self._server.sockets[0].getsockname()
        self.address = f"{host}:{port}"

    async def close(self) -> None:
        assert self._server is not None
        self._server.close()
        self.cut()
        await asyncio.gather(*self._connections, return_exceptions=True)
        await self._server.wait_closed()

    def cut(self) -> None:
        self.cuts += 1
        for connection in self._connections:
            connection.cancel()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._connections.add(task)
        self.opened += 1
        try:
            far_reader, far_writer = await asyncio.open_connection(*self._target)
            try:
                await asyncio.gather(_copy(reader, far_writer), _copy(far_reader, writer))
            finally:
                far_writer.transport.abort()
        except (OSError, asyncio.CancelledError):
            pass
        finally:
            writer.transport.abort()
            self._connections.discard(task)


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await reader.read(65536):
        writer.write(data)
        await writer.drain()
    writer.transport.abort()
