"""Ties the life of this process to the process that started it."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading

_PR_SET_PDEATHSIG = 1
_CHUNK = 4096


def die_with_parent() -> None:
    """Has the kernel kill this process when its parent dies (Linux; elsewhere stdin is the lifeline).

    Must be called early: a parent that died before was replaced by another one, which is looked for.
    """
    if not sys.platform.startswith("linux"):
        return
    parent = os.getppid()
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    if os.getppid() != parent:
        end_now()


def die_with_stdin() -> None:
    """Ends this process group when stdin ends, which it does when the parent dies, however it dies.

    User code finds an empty stdin from here on: what comes through the real one belongs to nobody else.
    """
    lifeline = os.dup(0)
    os.set_inheritable(lifeline, False)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    threading.Thread(target=_read_to_end, args=(lifeline,), name="coilyard-lifeline", daemon=True).start()


def _read_to_end(lifeline: int) -> None:
    try:
        while os.read(lifeline, _CHUNK):
            pass
    finally:
        end_now()


def end_now() -> None:
    """Ends this process without another word, and what it started where it leads a group of its own."""
    if hasattr(os, "killpg") and os.getpgrp() == os.getpid():
        os.killpg(os.getpid(), signal.SIGKILL)
    os._exit(1)
