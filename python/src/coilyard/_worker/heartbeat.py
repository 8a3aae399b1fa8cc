"""Signs of life: that the loop turns, how late, with which calls, in how much memory."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from pathlib import Path

from coilyard._clock import Clock
from coilyard._proto import workers_pb2

_STATM = Path("/proc/self/statm")


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
    """The resident memory of this process, 0 where the system does not say."""
    try:
        pages = int(_STATM.read_text(encoding="ascii").split()[1])
    except (OSError, ValueError, IndexError):
        return 0
    return pages * os.sysconf("SC_PAGE_SIZE")
