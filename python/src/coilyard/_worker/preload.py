"""Modules that are imported when there is nothing else to do, so that no call has to wait for them."""

from __future__ import annotations

import asyncio
import importlib
import logging
import threading
from collections.abc import Callable, Sequence

_log = logging.getLogger("coilyard.worker")

#: Seconds without a call after which a worker counts as idle.
IDLE_S = 0.05


async def preload(names: Sequence[str], is_idle: Callable[[], bool]) -> None:
    """Imports modules, each at a moment without a call; one that cannot be imported is left to whoever needs it."""
    for name in names:
        await _idleness(is_idle)
        done = asyncio.Event()
        loop = asyncio.get_running_loop()
        # A thread of its own: an import cannot be cancelled, and the end of the worker does not wait for it.
        threading.Thread(target=_import, args=(name, loop, done), name=f"coilyard-preload-{name}", daemon=True).start()
        await done.wait()


async def _idleness(is_idle: Callable[[], bool]) -> None:
    idle = False
    while not idle:
        before = is_idle()
        await asyncio.sleep(IDLE_S)
        idle = before and is_idle()


def _import(name: str, loop: asyncio.AbstractEventLoop, done: asyncio.Event) -> None:
    try:
        importlib.import_module(name)
    except Exception:
        _log.warning("cannot preload %s", name, exc_info=True)
    finally:
        if not loop.is_closed():
            loop.call_soon_threadsafe(done.set)
