"""A guardian: the process above a worker or a zygote, which leaves nothing behind when that ends or the runtime does.

It is forked off before anything is imported, waits, and does nothing else, so no user code can make it hang. Everything
that its charge starts and abandons, process groups and sessions of their own included, becomes its child (Linux: a
subreaper), so that all of it can be killed without knowing any of it by name.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import select
import signal
import sys
from pathlib import Path
from types import FrameType
from typing import NoReturn

_PR_SET_PDEATHSIG = 1
_PR_SET_CHILD_SUBREAPER = 36
_CHUNK = 4096


def guard(lifeline: int = 0) -> None:
    """Goes on as a child of a guardian, which stays behind and ends as the child does.

    Does nothing where it cannot work: elsewhere than on Linux, and in a process that has threads already.

    Args:
        lifeline: A file descriptor that ends when the runtime does.
    """
    if not sys.platform.startswith("linux") or len(os.listdir("/proc/self/task")) > 1:  # noqa: PTH208 - names suffice
        return
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    if prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        return
    sys.stdout.flush()
    sys.stderr.flush()
    # Both live until the child has taken over: a signal that comes between them waits.
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM, signal.SIGINT})
    charge = os.fork()
    if charge == 0:
        prctl(_PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT})
        return
    # The runtime's death wakes a guardian that was stopped; the end of the lifeline tells it why.
    prctl(_PR_SET_PDEATHSIG, signal.SIGCONT, 0, 0, 0)
    try:
        _Guardian(charge, lifeline).watch()
    finally:
        os._exit(1)


class _Guardian:
    def __init__(self, charge: int, lifeline: int) -> None:
        self._charge = charge
        self._lifeline = lifeline
        self._status: int | None = None

    def watch(self) -> NoReturn:
        """Waits for the end of either, kills what is left, and ends as the charge did."""
        lifeline = os.dup2(self._lifeline, 0)
        # Whatever it held open would look alive to the runtime.
        os.closerange(3, os.sysconf("SC_OPEN_MAX"))
        wakes, wake = os.pipe()
        os.set_blocking(wakes, False)
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        for number in (signal.SIGTERM, signal.SIGINT, signal.SIGABRT):
            signal.signal(number, self._forward)
        # What else may come to the group is for the charge; this one stays.
        for number in (signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGUSR2):
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM, signal.SIGINT})
        poll = select.poll()
        poll.register(lifeline, select.POLLIN)
        poll.register(wakes, select.POLLIN)
        self._reap()
        while self._status is None:
            ready = {fd for fd, _ in poll.poll()}
            if lifeline in ready and not os.read(lifeline, _CHUNK):
                break
            if wakes in ready:
                os.read(wakes, _CHUNK)
            self._reap()
        self._kill_all()
        self._end()

    def _forward(self, number: int, _frame: FrameType | None) -> None:
        if self._status is None:
            os.kill(self._charge, number)

    def _reap(self) -> None:
        with contextlib.suppress(ChildProcessError):
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                self._note(pid, status)

    def _kill_all(self) -> None:
        """The children of a killed process become children of this one, until there are none."""
        while True:
            for child in children():
                _kill(child)
            try:
                pid, status = os.waitpid(-1, 0)
            except ChildProcessError:
                return
            self._note(pid, status)

    def _note(self, pid: int, status: int) -> None:
        if pid == self._charge:
            self._status = status

    def _end(self) -> NoReturn:
        status = self._status or 0
        if os.WIFSIGNALED(status):
            import resource  # noqa: PLC0415 - there is none on Windows

            resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # the charge wrote one already, if it was to
            number = os.WTERMSIG(status)
            if number != signal.SIGKILL:
                signal.signal(number, signal.SIG_DFL)
                signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
            os.kill(os.getpid(), number)
        os._exit(os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 1)


def children() -> list[int]:
    """The children of this process, dead ones included."""
    own = os.getpid()
    return [pid for pid in _processes() if _parent(pid) == own]


def _processes() -> list[int]:
    return [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]


def _parent(pid: int) -> int | None:
    try:
        stat = Path(f"/proc/{pid}/stat").read_bytes()
    except OSError:
        return None
    # The name of the program may contain anything, parentheses included.
    return int(stat[stat.rindex(b")") + 2 :].split()[1])


def _kill(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)
