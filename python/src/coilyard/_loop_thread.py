"""One background thread with an event loop, for callers that have none."""

from __future__ import annotations

import asyncio
import atexit
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from typing_extensions import ParamSpec

P = ParamSpec("P")
T = TypeVar("T")


class LoopThread:
    """Runs coroutines for other threads. Started at once; `stop` ends it, and so does the end of the process."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._serve, name="coilyard-loop", daemon=True)
        self._thread.start()
        atexit.register(self.stop)

    @property
    def alive(self) -> bool:
        """Whether it still runs coroutines."""
        return not self._loop.is_closed()

    def run(self, function: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs a coroutine function on the loop and waits for its result; an interrupt cancels it.

        Raises:
            RuntimeError: The loop was stopped, or this is its own thread.
        """
        if not self.alive:
            raise RuntimeError("the client is closed")
        if threading.current_thread() is self._thread:
            raise RuntimeError("a blocking call on the client's own event loop would wait for itself for ever")
        future = asyncio.run_coroutine_threadsafe(function(*args, **kwargs), self._loop)
        try:
            return future.result()
        except BaseException:
            future.cancel()
            raise

    def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The same for a plain function that must run on the loop's thread."""

        async def on_loop() -> T:
            return function(*args, **kwargs)

        return self.run(on_loop)

    def stop(self) -> None:
        """Cancels what still runs and ends the thread; may be called again."""
        atexit.unregister(self.stop)
        if self.alive:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            # An interrupt that code of the user's raises here ends the thread; nobody must wait for it for ever then.
            self._loop.run_forever()
        finally:
            try:
                left = asyncio.all_tasks(self._loop)
                for task in left:
                    task.cancel()
                self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
                self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            finally:
                self._loop.close()
