"""What a fresh fork does before it is a worker: it lets go of all that belongs to its parent."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import gc
import os
import signal
import socket
import sys
from collections.abc import Mapping
from pathlib import Path

from coilyard._zygote.children import MARK_VARIABLE
from coilyard._zygote.randomness import Randomness

_PR_SET_NAME = 15
_NAME_BYTES = 15

#: What libraries of linear algebra read how many threads they may start from.
THREAD_VARIABLES = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "BLIS_NUM_THREADS",
)


def become(worker: str, mark: str, output: socket.socket, errors: socket.socket, randomness: Randomness) -> None:
    """Makes this process one of its own.

    Args:
        worker: What people see it called.
        mark: Goes into the environment of what it starts.
        output: Its stdout; its stdin too, which ends when the runtime does.
        errors: Its stderr.
        randomness: Must not be that of its siblings.
    """
    with contextlib.suppress(OSError):
        os.setpgid(0, 0)
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    sys.stdout.flush()
    sys.stderr.flush()
    for target, source in ((0, output), (1, output), (2, errors)):
        os.dup2(source.fileno(), target)
    output.close()
    errors.close()
    os.environ[MARK_VARIABLE] = mark
    randomness.draw_anew()
    with contextlib.suppress(RuntimeError):
        asyncio.set_event_loop(None)
    _set_names(worker)
    gc.enable()


def lend_threads(own: Mapping[str, str]) -> None:
    """Gives libraries the numbers of threads that the user asked for; where nobody asked, one is enough.

    Libraries that read them when they are loaded are told again through `threadpoolctl`, if that is installed.
    """
    os.environ.update(own)
    if set(own.values()) <= {"1"}:
        return
    with contextlib.suppress(ImportError, ValueError):
        from threadpoolctl import threadpool_limits  # noqa: PLC0415 - only where somebody asks for threads

        threadpool_limits(int(own.get("OMP_NUM_THREADS") or next(iter(own.values()))))


def _set_names(worker: str) -> None:
    """Names the process for `ps`, `top` and their like; a name that cannot be set is no reason to fail."""
    ctypes.CDLL(None).prctl(_PR_SET_NAME, f"coilyard:{worker}".encode()[:_NAME_BYTES], 0, 0, 0)
    with contextlib.suppress(OSError, ValueError, IndexError):
        stat = Path("/proc/self/stat").read_bytes()
        fields = stat[stat.rindex(b")") + 2 :].split()
        start, end = int(fields[45]), int(fields[46])
        if 0 < start < end:
            title = f"coilyard.worker {worker} (forked)".encode()[: end - start - 1]
            ctypes.memmove(start, title.ljust(end - start, b"\0"), end - start)
