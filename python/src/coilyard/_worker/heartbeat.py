"""Signs of life: that the loop turns, how late, with which calls, in how much memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from coilyard._clock import Clock
from coilyard._proto import workers_pb2


async def beat(
    clock: Clock,
    interval_s: float,
    call_ids: Callable[[], Sequence[int]],
    put: Callable[[workers_pb2.WorkerFrame], None],
) -> None:
    """Sends a heartbeat in every interval, for ever."""
    while True:
        due = clock.now() + interval_s
        await clock.sleep(interval_s)
        heartbeat = workers_pb2.Heartbeat(
            loop_lag_ms=max(0, round((clock.now() - due) * 1000)),
            call_ids=call_ids(),
            resident_bytes=resident_bytes(),
        )
        put(workers_pb2.WorkerFrame(heartbeat=heartbeat))


def resident_bytes() -> int:
    """The resident memory of this process and of all that it started, 0 where the system does not say."""
    pages, waiting = 0, [os.getpid()]
    while waiting:
        pid = waiting.pop()
        try:
            pages += int(Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1])
            for children in Path(f"/proc/{pid}/task").glob("*/children"):
                waiting += [int(child) for child in children.read_text(encoding="ascii").split()]
        except (OSError, ValueError, IndexError):  # it has just ended
            continue
    return pages * os.sysconf("SC_PAGE_SIZE") if pages else 0
