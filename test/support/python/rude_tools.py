"""Tools whose code does what a worker would rather that it did not, and which a worker has to survive."""

import multiprocessing
import os
import signal
import time

from coilyard import tool

# As libraries with threads of their own do.
signal.pthread_sigmask(
    signal.SIG_BLOCK, {signal.SIGCHLD, signal.SIGTERM, signal.SIGUSR2}
)


@tool
def pid() -> int:
    """The process that runs this."""
    return os.getpid()


@tool
def square_in_processes(numbers: list) -> dict:
    """Forks a pool of processes, which ends them by SIGTERM."""
    with multiprocessing.get_context("fork").Pool(2) as pool:
        squares = pool.map(_square, numbers)
    fork = multiprocessing.get_context("fork").Process(target=time.sleep, args=(600,))
    fork.start()
    fork.terminate()
    fork.join(5)
    return {
        "squares": squares,
        "ended_by": None if fork.exitcode is None else -fork.exitcode,
    }


@tool
def blocked_signals() -> list:
    """The numbers of the signals that are blocked in this thread."""
    return sorted(
        int(number) for number in signal.pthread_sigmask(signal.SIG_BLOCK, ())
    )


def _square(number: int) -> int:
    return number * number
