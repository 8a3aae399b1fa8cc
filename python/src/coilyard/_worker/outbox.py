"""Frames on their way to the runtime, packed into messages while they wait."""

from __future__ import annotations

import asyncio
from collections import deque

from coilyard._proto import workers_pb2

#: The gateway takes messages of 16 MiB; a frame has to leave room for its envelope.
MAX_FRAME_BYTES = 16 * 1024 * 1024 - 1024
#: Frames are packed into one message up to this size; a larger frame has a message of its own.
PACK_BYTES = 1024 * 1024

#: Frames that may wait before those that can be spared are dropped.
MAX_WAITING = 1_000


class Outbox:
    """A queue in order of sending. What fills it is bounded: one answer per call, and chunks by credit."""

    def __init__(self) -> None:
        self._frames: deque[workers_pb2.WorkerFrame] = deque()
        self._changed = asyncio.Event()
        self._taken = 0
        self._closed = False

    def put(self, frame: workers_pb2.WorkerFrame) -> None:
        """Queues a frame; one that is put after `close` is dropped, there is nobody to read it."""
        if not self._closed:
            self._frames.append(frame)
            self._changed.set()

    def offer(self, frame: workers_pb2.WorkerFrame) -> None:
        """Queues a frame that nobody waits for, unless too many wait already."""
        if len(self._frames) < MAX_WAITING:
            self.put(frame)

    def close(self) -> None:
        """Nothing more is coming: `take` hands out what is left, then None."""
        self._closed = True
        self._changed.set()

    async def take(self) -> workers_pb2.AttachRequest | None:
        """The frames that wait, as one message; None once closed and empty."""
        while not self._frames:
            if self._closed:
                return None
            self._changed.clear()
            await self._changed.wait()
        packed, size = [self._frames.popleft()], 0
        size = packed[0].ByteSize()
        while self._frames and size + self._frames[0].ByteSize() <= PACK_BYTES:
            frame = self._frames.popleft()
            size += frame.ByteSize()
            packed.append(frame)
        return workers_pb2.AttachRequest(frames=packed)
