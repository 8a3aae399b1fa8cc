"""The process of a zygote: it imports, proves that it may fork, and forks workers until the runtime ends."""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import gc
import importlib
import importlib.util
import os
import platform
import select
import signal
import socket
import sys
import time
import traceback
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from coilyard._guardian import guard
from coilyard._worker.exits import Exit
from coilyard._worker.lifeline import die_with_parent
from coilyard._worker.local_carrier import socket_address
from coilyard._worker.main import ENVIRONMENT, run_forked, search_first, write_logs_to_stderr
from coilyard._worker.options import TOKEN_VARIABLE
from coilyard._worker.signals import heed_signals
from coilyard._zygote.channel import Channel
from coilyard._zygote.child import THREAD_VARIABLES, become, lend_threads
from coilyard._zygote.children import Children
from coilyard._zygote.randomness import Randomness
from coilyard._zygote.safety import Safety

_PR_SET_CHILD_SUBREAPER = 36
_CHANNEL_FD = 3
_CHUNK = 4096


def main(arguments: Sequence[str] | None = None) -> None:
    """Runs a zygote; returns in a forked worker only after that has ended, by `SystemExit`."""
    parser = argparse.ArgumentParser(prog="python -m coilyard.zygote", description="Started by the runtime.")
    parser.add_argument("--import", dest="imports", action="append", default=[], metavar="MODULE")
    parser.add_argument("--path", dest="paths", action="append", default=[], metavar="DIR")
    parser.add_argument("--preload", action="append", default=[], metavar="MODULE")
    options = parser.parse_args(arguments)
    guard()
    channel = Channel(socket.socket(fileno=_CHANNEL_FD))
    os.set_inheritable(_CHANNEL_FD, False)
    die_with_parent()
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    write_logs_to_stderr("zygote")
    zygote = _Zygote(channel)
    zygote.prepare(options.imports, options.paths, options.preload)
    worker = zygote.serve()
    # A worker from here on. Nothing of the zygote is on the stack but this.
    lend_threads(zygote.own_threads)
    run_forked(worker)


class _Zygote:
    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._children = Children(self._ended)
        self._safety = Safety()
        self._randomness: Randomness
        self.own_threads: Mapping[str, str] = {}

    def prepare(self, imports: Sequence[str], paths: Sequence[str], preload: Sequence[str]) -> None:
        """Imports, and tells the runtime how that went. Ends the process when it cannot serve."""
        started = time.monotonic()
        for name, value in ENVIRONMENT.items():
            os.environ.setdefault(name, value)
        self.own_threads = {name: os.environ[name] for name in THREAD_VARIABLES if name in os.environ}
        os.environ.update(dict.fromkeys(THREAD_VARIABLES, "1"))
        search_first(paths)
        for name in imports:
            try:
                self._safety.watch(name, partial(importlib.import_module, name))
            except BaseException as error:
                traceback.print_exc()
                sys.stderr.flush()
                reason = f"cannot import {name}: {type(error).__name__}: {error}"
                self._channel.send({"type": "import_failed", "module": name, "reason": reason})
                os._exit(Exit.IMPORT_FAILED)
        for name in preload:
            try:
                self._safety.watch(name, partial(importlib.import_module, name))
            except Exception:
                traceback.print_exc()  # left to whoever needs it
        _warm_up()
        heed_signals()
        self._safety.settle()
        gc.collect()
        self._randomness = Randomness()
        gc.disable()
        gc.freeze()
        objections = self._safety.objections()
        took_ms = round((time.monotonic() - started) * 1000)
        self._channel.send({"type": "ready", "pid": os.getpid(), "objections": objections, "importMs": took_ms})
        if objections:
            os._exit(Exit.DRAINED)

    def serve(self) -> Sequence[str]:
        """Forks on request and reports deaths.

        Returns:
            In a forked worker only: its command line.
        """
        wakes, wake = os.pipe()
        os.set_blocking(wakes, False)
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        poll = select.poll()
        poll.register(self._channel, select.POLLIN)
        poll.register(wakes, select.POLLIN)
        while self._channel.open:
            ready = {fd for fd, _ in poll.poll()}
            if wakes in ready:
                os.read(wakes, _CHUNK)
                self._children.reap()
            if self._channel.fileno() in ready:
                for frame in self._channel.receive():
                    if frame["type"] == "fork" and self._fork(frame):
                        os.close(wakes)
                        os.close(wake)
                        return list(frame["arguments"])
        self._children.kill_all()
        os._exit(Exit.DISCONNECTED)

    def _fork(self, order: Mapping[str, Any]) -> bool:
        """Returns True in the child."""
        number = order["id"]
        objections = self._safety.objections()
        if objections:
            self._channel.send({"type": "refused", "id": number, "objections": objections})
            return False
        try:
            with contextlib.ExitStack() as lines:
                output, errors = (lines.enter_context(_dial(order["lines"], key)) for key in order["keys"])
                pid = os.fork()
                if pid == 0:
                    self._channel.close()
                    self._safety.release()
                    become(order["worker"], order["mark"], output, errors, self._randomness)
                    os.environ[TOKEN_VARIABLE] = order["token"]  # taken out again when the worker reads its options
                    return True
        except OSError as error:
            self._channel.send({"type": "failed", "id": number, "reason": f"cannot fork: {error}"})
            return False
        self._children.add(pid, order["mark"])
        self._channel.send({"type": "forked", "id": number, "pid": pid})
        return False

    def _ended(self, pid: int, code: int | None, number: str | None) -> None:
        self._channel.send({"type": "exited", "pid": pid, "code": code, "signal": number})


def _dial(name: str, key: str) -> socket.socket:
    """Opens a line to the runtime and says whose it is."""
    line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        line.connect(socket_address(f"@{name}"))
        line.sendall(f"{key}\n".encode())
    except OSError:
        line.close()
        raise
    return line


def _warm_up() -> None:
    """Loads what every worker would load for itself, and shares it."""
    platform.python_version()
    importlib.util.find_spec("dspy")
    for name in ("encodings.idna", "concurrent.futures.thread", "asyncio.runners"):
        importlib.import_module(name)
