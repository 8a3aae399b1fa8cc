"""Signals of this process, which user code may have blocked, and of the processes that user code forks from it."""

from __future__ import annotations

import os
import signal
import threading


def heed_signals() -> None:
    """Unblocks every signal. An import that blocked some would keep the runtime from being heard, children too."""
    if hasattr(signal, "pthread_sigmask"):
        signal.pthread_sigmask(signal.SIG_SETMASK, ())


def keep_signals_from_forks() -> None:
    """Has every process that is forked from this one, by `multiprocessing` for one, get signals of its own.

    The handlers of the event loop come along with a fork, and write into a pipe that both share: a SIGTERM for the
    fork, with which a pool of `multiprocessing` ends its processes, would drain the worker.
    """
    if not hasattr(os, "register_at_fork"):
        return
    forking = _Forking()
    os.register_at_fork(before=forking.begin, after_in_parent=forking.end, after_in_child=forking.end_in_child)


class _Forking(threading.local):
    """A fork in this thread: what comes before the fork has handlers of its own waits."""

    _mask: frozenset[signal.Signals | int] = frozenset()

    def begin(self) -> None:
        self._mask = frozenset(signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT}))

    def end(self) -> None:
        signal.pthread_sigmask(signal.SIG_SETMASK, self._mask)

    def end_in_child(self) -> None:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        self.end()
