"""Tools that tell how a worker came to be."""

import os
import random
import signal
import subprocess
import sys
import threading
from pathlib import Path

from coilyard import tool

IMPORTED_BY = os.getpid()


@tool
def birth() -> dict:
    """Who imported this module, and who runs it."""
    return {"importedBy": IMPORTED_BY, "pid": os.getpid(), "parent": os.getppid(), "group": os.getpgrp()}


@tool
def draw() -> list:
    """Numbers that no other worker draws."""
    numbers = [random.random()]
    if "numpy" in sys.modules:
        import numpy

        numbers.append(float(numpy.random.random()))
    return numbers


@tool
def surroundings() -> dict:
    """What a fresh process finds."""
    return {
        "signals": {name: str(signal.getsignal(getattr(signal, name))) for name in ("SIGCHLD", "SIGPIPE")},
        "omp": os.environ.get("OMP_NUM_THREADS"),
        "token": [name for name in os.environ if "TOKEN" in name],
        "modules": [name for name in ("dspy", "numpy", "torch") if name in sys.modules],
        "main": threading.main_thread().name,
        "descriptors": sorted(os.readlink(f"/proc/self/fd/{fd}").split(":")[0] for fd in os.listdir("/proc/self/fd")[:3]),
    }


@tool
def loaded(name: str) -> bool:
    """Whether a module was imported by somebody."""
    return name in sys.modules


@tool
def multiply(size: int) -> float:
    """Uses BLAS."""
    import numpy

    return float((numpy.ones((size, size)) @ numpy.ones((size, size)))[0, 0])


@tool
def renegade() -> int:
    """Starts a process in a session of its own."""
    return subprocess.Popen(["sleep", "1000"], start_new_session=True).pid


@tool
def relative() -> int:
    """Starts a process in the worker's own group."""
    return subprocess.Popen(["sleep", "1000"]).pid


@tool
def cmdline(pid: int) -> str:
    """What anybody on this machine may read of a process."""
    return Path(f"/proc/{pid}/cmdline").read_text(errors="replace")
