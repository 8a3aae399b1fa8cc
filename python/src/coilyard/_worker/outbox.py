"""Frames on their way to the runtime, packed into messages while they wait."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence

from coilyard._proto import workers_pb2
from coilyard._worker.ropes import Part, Rope, cut, field, size_of

#: The largest frame before the runtime has said what it takes: what fits in one message of 16 MiB with its envelope.
MAX_FRAME_BYTES = 16 * 1024 * 1024 - 1024
#: Frames are packed into one message up to this size; a larger frame travels in pieces of it.
PACK_BYTES = 1024 * 1024

#: Frames that may wait before those that can be spared are dropped.
MAX_WAITING = 1_000

_FRAMES = workers_pb2.AttachRequest.FRAMES_FIELD_NUMBER
_PIECE = workers_pb2.WorkerFrame.PIECE_FIELD_NUMBER
_DATA = workers_pb2.Piece.DATA_FIELD_NUMBER


class _Lane:
    """A large frame of a call that is being sent, and what the call sends after it."""

    def __init__(self, pieces: Iterator[tuple[Sequence[Part], bool]], size: int, after: int) -> None:
        self.pieces = pieces
        self.size = size
        self.begun = False
        #: How many small frames have to have gone before it.
        self.after = after
        self.behind: deque[bytes | Rope] = deque()


class Outbox:
    """Messages in order of sending, but for large frames: other calls pass them, the frames of one call never do.

    What fills it is bounded: one answer per call, and chunks by credit.
    """

    def __init__(self) -> None:
        self._small: deque[bytes] = deque()
        #: By call, the one whose turn it is first.
        self._lanes: dict[int, _Lane] = {}
        #: Small frames that were queued, and that went, so far.
        self._queued = self._gone = 0
        self._is_turn_of_small = False
        #: Of the large frames that were begun.
        self._bytes_begun = 0
        self._loop = asyncio.get_running_loop()
        self._waiter: asyncio.Future[None] | None = None
        self._listener: Callable[[], None] | None = None
        self._closed = False
        self._last_frame_id = 0
        #: The largest frame that the runtime takes.
        self.max_frame_bytes = MAX_FRAME_BYTES

    def put(self, frame: workers_pb2.WorkerFrame | Rope) -> None:
        """Queues a frame; one that is put after `close` is dropped, there is nobody to read it."""
        if self._closed:
            return
        if isinstance(frame, Rope):
            self._queue(frame, frame.call_id)
        else:
            encoded = frame.SerializeToString()
            # Whose it is matters only next to large frames.
            self._queue(encoded, _call_of(frame) if self._lanes or len(encoded) > PACK_BYTES else 0)
        self._wake()

    def offer(self, frame: workers_pb2.WorkerFrame) -> None:
        """Queues a frame that nobody waits for, unless too many wait already."""
        if len(self._small) < MAX_WAITING:
            self.put(frame)

    def close(self) -> None:
        """Nothing more is coming: `take` hands out what is left, then None."""
        self._closed = True
        self._wake()

    async def take(self) -> bytes | None:
        """Waits for the next `AttachRequest`, encoded; None once closed and empty."""
        while (parts := self.next()) is None:
            if self._closed:
                return None
            self._waiter = self._loop.create_future()
            await self._waiter
        return b"".join(parts)

    def next(self) -> Sequence[Part] | None:
        """The next `AttachRequest`, encoded, in parts; None when nothing waits."""
        if not self._small and not self._lanes:
            return None
        self._is_turn_of_small = bool(self._small) and not (self._is_turn_of_small and self._lanes)
        return self._pack() if self._is_turn_of_small else self._next_piece() or self._pack()

    @property
    def waiting(self) -> int:
        """How many small frames wait."""
        return len(self._small)

    def listen(self, listener: Callable[[], None]) -> None:
        """Has `listener` called whenever something was put, instead of waiting for it with `take`."""
        self._listener = listener

    def _wake(self) -> None:
        if self._listener is not None:
            self._listener()
        elif self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def _queue(self, frame: bytes | Rope, call_id: int) -> None:
        lane = self._lanes.get(call_id)
        if lane is not None:
            lane.behind.append(frame)
        elif isinstance(frame, Rope):
            self._lanes[call_id] = _Lane(self._pieces_of(frame), frame.size(), self._queued)
        elif len(frame) > PACK_BYTES:
            self._queue(Rope(call_id, [frame]), call_id)
        else:
            self._small.append(frame)
            self._queued += 1

    def _pack(self) -> Sequence[Part]:
        parts, size = list[Part](), 0
        while self._small and (size == 0 or size + len(self._small[0]) <= PACK_BYTES):
            frame = self._small.popleft()
            parts += field(_FRAMES, (frame,))
            size += len(frame)
            self._gone += 1
        return parts

    def _next_piece(self) -> Sequence[Part] | None:
        """Large frames take turns."""
        call_id = next((call_id for call_id, lane in self._lanes.items() if lane.begun or self._may_begin(lane)), None)
        if call_id is None:
            return None
        lane = self._lanes.pop(call_id)
        if not lane.begun:
            lane.begun = True
            self._bytes_begun += lane.size
        message, last = next(lane.pieces)
        if not last:
            self._lanes[call_id] = lane
        else:
            self._bytes_begun -= lane.size
            for frame in lane.behind:
                self._queue(frame, call_id)
        return message

    def _may_begin(self, lane: _Lane) -> bool:
        """Not before what its call has sent earlier, nor beyond what the runtime holds of incomplete frames."""
        fits = self._bytes_begun == 0 or self._bytes_begun + lane.size <= self.max_frame_bytes
        return fits and lane.after <= self._gone

    def _pieces_of(self, rope: Rope) -> Iterator[tuple[Sequence[Part], bool]]:
        """The messages that carry it, each made when its turn has come, and whether it is the last."""
        self._last_frame_id += 1
        frame_id, left = self._last_frame_id, rope.size()
        for views in cut(rope.parts, PACK_BYTES):
            left -= size_of(views)
            head = workers_pb2.Piece(frame_id=frame_id, last=left == 0).SerializeToString()
            yield field(_FRAMES, field(_PIECE, [head, *field(_DATA, views)])), left == 0


def _call_of(frame: workers_pb2.WorkerFrame) -> int:
    """The same for all frames whose order counts: those of one call, those of one ask."""
    about = getattr(frame, frame.WhichOneof("frame") or "heartbeat")
    return -about.ask_id if hasattr(about, "ask_id") else getattr(about, "call_id", 0)
