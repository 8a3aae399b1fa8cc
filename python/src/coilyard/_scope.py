"""The call in whose course code runs, as far as that code has to do with it: inside a worker only."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass

from coilyard._errors import InvalidArgument
from coilyard._proto import value_pb2, workers_pb2

_LONGEST_MESSAGE = 4_096


@dataclass(frozen=True)
class CallScope:
    """One call in hand.

    Attributes:
        call_id: Its id.
        session_id: The session that it belongs to, empty when it belongs to none.
        variables: The committed values that travelled with it.
        loop: The loop of the worker.
        offer: Takes a frame that may be dropped when too many wait; belongs to the loop's thread.
    """

    call_id: int
    session_id: str
    variables: Mapping[str, value_pb2.Value]
    loop: asyncio.AbstractEventLoop
    offer: Callable[[workers_pb2.WorkerFrame], None]

    def tell(self, frame: workers_pb2.WorkerFrame) -> None:
        """Sends a frame about the call, from whichever thread."""
        try:
            self.loop.call_soon_threadsafe(self.offer, frame)
        except RuntimeError:  # the worker has ended, and nobody listens any more
            return


#: Set while a call runs, in its task and in the thread of a plain function.
CURRENT: ContextVar[CallScope | None] = ContextVar("coilyard_call", default=None)


def progress(fraction: float | None = None, message: str = "") -> None:
    """Tells the caller how far the running call has come. Outside a worker's call it does nothing.

    Args:
        fraction: From 0 to 1; None when nobody can tell.
        message: What is being done.

    Raises:
        InvalidArgument: The fraction is not from 0 to 1.

    Example:
        >>> @coilyard.tool
        ... def embed(texts: list[str]) -> list[list[float]]:
        ...     for done, text in enumerate(texts):
        ...         coilyard.progress(done / len(texts), text[:40])
    """
    if fraction is not None and not 0 <= fraction <= 1:
        raise InvalidArgument(f"fraction: expected a number from 0 to 1, got {fraction!r}")
    scope = CURRENT.get()
    if scope is not None:
        report = workers_pb2.Progress(call_id=scope.call_id, fraction=fraction, message=sendable(str(message)))
        scope.tell(workers_pb2.WorkerFrame(progress=report))


def sendable(text: str) -> str:
    """The head of a text, in a form that can travel."""
    return text[:_LONGEST_MESSAGE].encode("utf-8", "replace").decode("utf-8")
