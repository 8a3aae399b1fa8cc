"""Frames that came in pieces, put together again."""

from __future__ import annotations

from typing import cast

from coilyard._proto import workers_pb2


class PieceAssembler:
    """Keeps the pieces of frames that are not complete. The runtime is trusted with their size."""

    def __init__(self) -> None:
        self._incomplete: dict[int, bytearray] = {}

    def take(self, piece: workers_pb2.Piece) -> workers_pb2.RuntimeFrame | None:
        """The whole frame with its last piece, else None."""
        # Grows in place: pieces that are kept until the last would be copied once more.
        frame = self._incomplete.setdefault(piece.frame_id, bytearray())
        frame += piece.data
        if not piece.last:
            return None
        # The stubs know of `bytes` alone.
        return workers_pb2.RuntimeFrame.FromString(cast("bytes", self._incomplete.pop(piece.frame_id)))
