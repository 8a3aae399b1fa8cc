"""Why a worker's process ended, as its exit code."""

from __future__ import annotations

from enum import IntEnum


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


class WorkerExit(Exception):
    """Ends the process with a code and one line that says why."""

    def __init__(self, code: Exit, reason: str) -> None:
        super().__init__(reason)
        self.code = code
