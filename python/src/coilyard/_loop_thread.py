"""One background thread with an event loop, for callers that have none."""

from __future__ import annotations

import asyncio
import atexit
import concurrent.futures
import threading
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from typing_extensions import ParamSpec

from coilyard._errors import ClientClosed, Execution

P = ParamSpec("P")
T = TypeVar("T")


class LoopThread:
    """Runs coroutines for other threads. Started at once; `stop` ends it, and so does the end of the process."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._lock = threading.Lock()
        self._awaited: set[concurrent.futures.Future[Any]] = set()
        self._is_ending = False
        self._ended_by: BaseException | None = None
        self._thread = threading.Thread(target=self._serve, name="coilyard-loop", daemon=True)
        self._thread.start()
        atexit.register(self.stop)

    @property
    def alive(self) -> bool:
        """Whether it still runs coroutines."""
        return not self._is_ending

    def run(self, function: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs) -> T:
        """Runs a coroutine function on the loop and waits for its result; an interrupt cancels it.

        Raises:
            ClientClosed: The loop was stopped.
            RuntimeError: This is its own thread.
        """
        if threading.current_thread() is self._thread:
            raise RuntimeError("a blocking call on the client's own event loop would wait for itself for ever")
        with self._lock:
            if self._is_ending:
                raise self._closed("not_started")
            future = asyncio.run_coroutine_threadsafe(function(*args, **kwargs), self._loop)
            self._awaited.add(future)
        try:
            return future.result()
        except concurrent.futures.CancelledError:
            if self._ended_by is not None:
                raise self._closed("unknown") from self._ended_by
            raise
        except BaseException:
            future.cancel()
            raise
        finally:
            self._awaited.discard(future)

    def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """The same for a plain function that must run on the loop's thread."""

        async def on_loop() -> T:
            return function(*args, **kwargs)

        return self.run(on_loop)

    def stop(self) -> None:
        """Cancels what still runs and ends the thread; may be called again."""
        atexit.unregister(self.stop)
        with self._lock:
            if not self._is_ending:
                self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_forever()
        except BaseException as interrupt:
            # Code of the user's has raised it here: it ends the thread, and nobody must wait for it for ever then.
            self._ended_by = interrupt
            raise
        finally:
            with self._lock:
                self._is_ending = True
            try:
                self._end_tasks()
            finally:
                self._loop.close()
                for future in list(self._awaited):
                    future.cancel()

    def _end_tasks(self) -> None:
        # What was called last has no task yet.
        self._loop.run_until_complete(asyncio.sleep(0))
        left = asyncio.all_tasks(self._loop)
        for task in left:
            task.cancel()
        self._loop.run_until_complete(asyncio.gather(*left, return_exceptions=True))
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())

    def _closed(self, execution: Execution) -> ClientClosed:
        why = "" if self._ended_by is None else f": {type(self._ended_by).__name__} was raised on its event loop"
        return ClientClosed(f"the client is closed{why}", execution=execution)
