"""Why a worker's process ended, as its exit code."""

from __future__ import annotations

import os
import sys
import threading
from enum import IntEnum

#: Seconds for the interpreter to end after the work has: threads and exit handlers of user code can hang.
EXIT_GRACE_S = 2.0


class Exit(IntEnum):
    """The exit codes. Death by its parent's death is a signal, and has none."""

    #: It was asked to drain, and finished what it had.
    DRAINED = 0
    #: A fault of the worker itself.
    FAULT = 1
    #: The command line was not understood.
    USAGE = 2
    #: A declared module could not be imported.
    IMPORT_FAILED = 3
    #: The runtime did not accept the hello.
    REFUSED = 4
    #: The connection ended while calls could still come.
    DISCONNECTED = 5
    #: Nothing came from the runtime for the time of the lease.
    LEASE_OVER = 6
    #: There was no memory for the worker itself; a call that gets none fails alone. The runtime tells it by this code,
    #: which is out of the way of those that user code ends a process with.
    OUT_OF_MEMORY = 112


class WorkerExit(Exception):
    """Ends the process with a code and one line that says why."""

    def __init__(self, code: Exit, reason: str) -> None:
        super().__init__(reason)
        self.code = code


def cut_off_soon(code: Exit, last_words: str = "") -> None:
    """Ends the process with `code` after a grace, whatever still runs in it.

    Args:
        code: What it ends with, unless it has ended by itself.
        last_words: Written to stderr then.
    """

    def cut_off() -> None:
        if last_words:
            sys.stderr.write(f"{last_words}\n")
        sys.stderr.flush()
        os._exit(code)

    watchdog = threading.Timer(EXIT_GRACE_S, cut_off)
    watchdog.daemon = True
    watchdog.start()
