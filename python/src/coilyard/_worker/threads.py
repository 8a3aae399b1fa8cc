"""Plain functions in threads: context variables go along, and cancellation reaches into them."""

from __future__ import annotations

import asyncio
import contextvars
import ctypes
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, TypeVar

from coilyard._worker.hops import Hops

T = TypeVar("T")

#: Calls of Python and TypeScript within each other: as many as the runtime allows.
MOST_NESTED = 64


class CallInterrupted(BaseException):
    """Raised inside a plain function whose call was cancelled. Not an Exception, so that few handlers swallow it."""


class _Interruptible:
    """One run of a function in a thread, which another thread can interrupt between two bytecodes."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._thread: int | None = None

    def run(self, function: Callable[[], T]) -> T:
        self._thread = threading.get_ident()
        try:
            return function()
        except StopIteration as error:  # a future cannot carry it
            raise RuntimeError("a function raised StopIteration") from error
        finally:
            with self._lock:
                thread, self._thread = self._thread, None
                # An interrupt that came too late must not hit the next function on this thread.
                _raise_in(thread, None)

    def interrupt(self) -> None:
        """Raises `CallInterrupted` in the function if it is running; a blocking C call ends first."""
        with self._lock:
            if self._thread is not None:
                _raise_in(self._thread, CallInterrupted)


def _raise_in(thread: int | None, kind: type[BaseException] | None) -> None:
    if thread is not None:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(thread), None if kind is None else ctypes.py_object(kind)
        )


class Threads:
    """The threads of a worker, made when none is free.

    There may be enough for each of `calls` to wait in one for a tool that runs in another, and for those that wait for
    TypeScript while calls come in on whose behalf it was called.
    """

    def __init__(self, calls: int, hops: Hops) -> None:
        self._hops = hops
        self._pool = ThreadPoolExecutor(2 * (calls + MOST_NESTED) + 1, thread_name_prefix="coilyard-call")

    async def run(self, function: Callable[..., T], *args: Any, **kwargs: Any) -> T:
        """Runs a function with a copy of the context of the caller.

        When the awaiting task is cancelled the function is interrupted, and waited for: what goes on in a thread goes
        on to keep its place.
        """
        interruptible, context = _Interruptible(), contextvars.copy_context()
        work = partial(context.run, interruptible.run, partial(function, *args, **kwargs))
        running = self._pool.submit(work)
        # Cancelling the asyncio future would always succeed and forget a thread that goes on.
        future = asyncio.wrap_future(running)
        cancelled: asyncio.CancelledError | None = None
        while not future.done():
            try:
                await asyncio.wait([future])
            except asyncio.CancelledError as error:
                cancelled = error
                if not running.cancel():  # it has begun
                    interruptible.interrupt()
                    # Afterwards: from here on the function begins none.
                    self._hops.stop()
        if cancelled is not None and (future.cancelled() or isinstance(future.exception(), CallInterrupted)):
            raise cancelled
        return future.result()

    def close(self) -> None:
        """Takes no more work. What still runs is not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)
