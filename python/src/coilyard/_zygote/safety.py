"""Whether this process may fork: it has one thread, and nothing of gRPC exists that a fork would break.

A fork takes along the thread that forks and no other: locks that the others hold stay locked for ever. gRPC's core runs
threads of its own from its first channel or server on; importing it is harmless.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc

_TASKS = Path("/proc/self/task")
_STEP_S = 0.01

#: Seconds for a thread that an import started to end by itself.
SETTLE_S = 0.5

#: Where everything of gRPC that must not be there is made.
_MAKERS = (
    ("grpc._channel", "Channel", "a channel"),
    ("grpc._server", "_Server", "a server"),
    ("grpc.aio._channel", "Channel", "an asyncio channel"),
    ("grpc.aio._server", "Server", "an asyncio server"),
)


class Safety:
    """Knows what was started since it was made, and by which import."""

    def __init__(self) -> None:
        self._starters: dict[int, str] = {}
        self._made: list[str] = []
        self._makers: list[tuple[Any, Any]] = []
        for module, name, what in _MAKERS:
            # Of a version of gRPC that has it elsewhere the threads tell.
            with contextlib.suppress(ImportError, AttributeError):
                self._record(getattr(importlib.import_module(module), name), what)

    def _record(self, kind: Any, what: str) -> None:
        make: Callable[..., None] = kind.__init__
        made = self._made

        def recorded(self: Any, *args: Any, **kwargs: Any) -> None:
            made.append(f"{what} of gRPC, made in {_caller()}")
            make(self, *args, **kwargs)

        self._makers.append((kind, make))
        kind.__init__ = recorded

    def release(self) -> None:
        """Stops watching: a fork may make of gRPC what it likes."""
        for kind, make in self._makers:
            kind.__init__ = make

    def watch(self, what: str, work: Callable[[], Any]) -> None:
        """Does something; the threads that it leaves behind are its threads."""
        before = _tasks()
        work()
        for task in _tasks() - before:
            self._starters.setdefault(task, what)

    def settle(self) -> None:
        """Waits a moment for threads that are about to end."""
        # By steps, not by the clock: where this process stands still, so do the threads that it waits for.
        for _ in range(round(SETTLE_S / _STEP_S)):
            if len(_tasks()) == 1:
                return
            time.sleep(_STEP_S)

    def objections(self) -> list[str]:
        """Why a fork would be unsafe, each as words for people; empty when it is safe."""
        names = {thread.native_id: thread.name for thread in threading.enumerate()}
        threads = [
            f"thread {names.get(task) or _task_name(task)!r}"
            + (f", started by the import of {self._starters[task]}" if task in self._starters else "")
            for task in sorted(_tasks() - {os.getpid()})
        ]
        return threads + self._made


def _tasks() -> set[int]:
    """All threads, those included that Python knows nothing of."""
    return {int(task.name) for task in _TASKS.iterdir()}


def _task_name(task: int) -> str:
    try:
        return (_TASKS / str(task) / "comm").read_text(encoding="utf-8", errors="replace").strip()
    except OSError:
        return str(task)


def _caller() -> str:
    """The file outside gRPC from which something of gRPC is being made."""
    frame = sys._getframe(2)  # noqa: SLF001 - the stack of the maker, which no public name gives as cheaply
    inside = str(Path(grpc.__file__).parent)
    while frame.f_back is not None and frame.f_code.co_filename.startswith(inside):
        frame = frame.f_back
    return f"{frame.f_code.co_filename}:{frame.f_lineno}"
