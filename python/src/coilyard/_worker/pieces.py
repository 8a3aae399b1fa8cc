"""Frames that came in pieces, put together again."""

from __future__ import annotations

from coilyard._proto import workers_pb2


class PieceAssembler:
    """Keeps the pieces of frames that are not complete. The runtime is trusted with their size."""

    def __init__(self) -> None:
        self._incomplete: dict[int, list[bytes]] = {}

    def take(self, piece: workers_pb2.Piece) -> workers_pb2.RuntimeFrame | None:
        """The whole frame with its last piece, else None."""
        self._incomplete.setdefault(piece.frame_id, []).append(piece.data)
        if not piece.last:
            return None
        return workers_pb2.RuntimeFrame.FromString(b"".join(self._incomplete.pop(piece.frame_id)))
