"""What carries the frames of a worker to its runtime and back: a port with two adapters."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Protocol

from coilyard._proto import workers_pb2
from coilyard._worker.outbox import Outbox

#: Takes the frames of one message, in order.
Take = Callable[[Sequence[workers_pb2.RuntimeFrame]], None]


class Carrier(Protocol):
    """One connection to the runtime, from the hello to its end. Used once."""

    async def greet(self, hello: workers_pb2.AttachRequest, timeout_s: float) -> Sequence[workers_pb2.RuntimeFrame]:
        """Connects, sends the hello, and waits for what the runtime answers.

        Returns:
            The frames of its first message; empty when it ended the connection instead.

        Raises:
            WorkerExit: It refused this worker, or cannot be reached.
        """
        ...

    def serve(self, outbox: Outbox, take: Take) -> asyncio.Future[None]:
        """Sends what is put into the outbox, and hands on what the runtime sends.

        Returns:
            Ends with the connection: well when the runtime ended it, else with a `WorkerExit` or with what `take`
            raised.
        """
        ...

    async def part(self, timeout_s: float) -> None:
        """Sends what waits in the outbox, which was closed, and says that nothing more comes.

        Returns once the runtime has ended the connection. Waits for each of the two no longer than that.
        """
        ...

    async def close(self) -> None:
        """Ends the connection now, if it has not ended."""
        ...
