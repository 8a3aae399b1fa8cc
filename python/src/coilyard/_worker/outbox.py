"""Frames on their way to the runtime, packed into messages while they wait."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Iterator

from coilyard._proto import workers_pb2

#: The largest frame before the runtime has said what it takes: what fits in one message of 16 MiB with its envelope.
MAX_FRAME_BYTES = 16 * 1024 * 1024 - 1024
#: Frames are packed into one message up to this size; a larger frame travels in pieces of it.
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
        self._last_frame_id = 0
        #: The largest frame that the runtime takes.
        self.max_frame_bytes = MAX_FRAME_BYTES

    def put(self, frame: workers_pb2.WorkerFrame) -> None:
        """Queues a frame; one that is put after `close` is dropped, there is nobody to read it."""
        if self._closed:
            return
        if frame.ByteSize() <= PACK_BYTES:
            self._frames.append(frame)
        else:
            self._frames.extend(self._pieces_of(frame.SerializeToString()))
        self._changed.set()

    def _pieces_of(self, content: bytes) -> Iterator[workers_pb2.WorkerFrame]:
        self._last_frame_id += 1
        for start in range(0, len(content), PACK_BYTES):
            piece = workers_pb2.Piece(
                frame_id=self._last_frame_id,
                data=content[start : start + PACK_BYTES],
                last=start + PACK_BYTES >= len(content),
            )
            yield workers_pb2.WorkerFrame(piece=piece)

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
