"""The chunks of a streaming call, as many as the runtime has room for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

from coilyard._errors import PayloadTooLarge
from coilyard._proto import workers_pb2
from coilyard._worker.outbox import MAX_FRAME_BYTES
from coilyard._worker.results import chunk_frame, frame_size
from coilyard._worker.ropes import Rope


class ChunkSender:
    """Sends chunks of one call; `send` waits for credit."""

    def __init__(
        self,
        call_id: int,
        put: Callable[[workers_pb2.WorkerFrame | Rope], None],
        limit: Callable[[], int] = lambda: MAX_FRAME_BYTES,
    ) -> None:
        self._limit = limit
        self._call_id = call_id
        self._put = put
        self._credit = 0
        self._granted = asyncio.Event()

    def grant(self, chunks: int) -> None:
        """Allows that many more chunks."""
        self._credit += chunks
        self._granted.set()

    async def send(self, value: object) -> None:
        """Sends a chunk once there is credit for it; returns once there is credit for the next.

        So its generator makes no more chunks than the runtime has given credit for.

        Raises:
            ValidationFailed: The value has no form on the wire.
            PayloadTooLarge: Its form is too large for one message.
        """
        frame = chunk_frame(self._call_id, value)
        size, limit = frame_size(frame), self._limit()
        if size > limit:
            raise PayloadTooLarge(f"a chunk of {size} bytes; {limit} fit", execution="unknown")
        await self._room()
        self._credit -= 1
        self._put(frame)
        await self._room()

    async def _room(self) -> None:
        while self._credit == 0:
            self._granted.clear()
            await self._granted.wait()
