"""The workers that a zygote forked, from the fork to the report of their end."""

from __future__ import annotations

import contextlib
import os
import signal
from collections.abc import Callable
from pathlib import Path

from coilyard._guardian import children

#: Tells what a worker started from what others did; also where a process left its group and its session.
MARK_VARIABLE = "COILYARD_WORKER_MARK"


class Children:
    """Knows which process is which worker.

    Args:
        report: Hears of each end: the process, its exit code, and the signal that ended it; one of them is None.
    """

    def __init__(self, report: Callable[[int, int | None, str | None], None]) -> None:
        self._report = report
        self._marks: dict[int, str] = {}

    def add(self, pid: int, mark: str) -> None:
        """A worker was forked; what it starts carries its mark in its environment."""
        # The child does the same; whoever comes first, a signal to the group finds it.
        with contextlib.suppress(OSError):
            os.setpgid(pid, pid)
        self._marks[pid] = mark

    def reap(self) -> None:
        """Buries the dead, and kills what they left behind."""
        while True:
            try:
                # Looked at before it is buried: until then nobody else can be given its number.
                found = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            except ChildProcessError:
                return
            if found is None:
                return
            pid = found.si_pid
            mark = self._marks.pop(pid, None)
            if mark is not None:
                _kill_group(pid)
                self._kill_abandoned(mark)
            _, status = os.waitpid(pid, 0)
            if mark is not None:
                self._report(pid, *_ending(status))

    def kill_all(self) -> None:
        """Kills every worker and its group."""
        for pid in self._marks:
            _kill_group(pid)

    def _kill_abandoned(self, mark: str) -> None:
        """Kills what the dead worker started outside its group. It has become a child of this process."""
        for pid in children():
            if pid not in self._marks and mark in _environment(pid):
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)


def _environment(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/environ").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""


def _ending(status: int) -> tuple[int | None, str | None]:
    if not os.WIFSIGNALED(status):
        return os.waitstatus_to_exitcode(status), None
    number = os.WTERMSIG(status)
    try:
        return None, signal.Signals(number).name
    except ValueError:
        return None, f"SIG{number}"
