"""Many tasks that want the same thing at the same time make one request."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class _Flight(Generic[T]):
    __slots__ = ("task", "waiters")

    def __init__(self, task: asyncio.Task[T]) -> None:
        self.task = task
        self.waiters = 0


class SingleFlight(Generic[T]):
    """Shares the result, or the exception, of one coroutine per key."""

    def __init__(self) -> None:
        self._flights: dict[str, _Flight[T]] = {}

    async def run(self, key: str, start: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Awaits what is under way for `key`, or starts it.

        The work has a task of its own: cancelling one waiter leaves the others alone, cancelling the last cancels it.
        """
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = _Flight(asyncio.get_running_loop().create_task(start()))
            flight.task.add_done_callback(partial(self._landed, key, flight))
        flight.waiters += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.waiters -= 1
            if flight.waiters == 0 and not flight.task.done():
                flight.task.cancel()
                self._land(key, flight)

    def forget(self, key: str | None = None) -> None:
        """Lets later callers start anew; those who wait already get what was started."""
        if key is None:
            self._flights.clear()
        else:
            self._flights.pop(key, None)

    def _landed(self, key: str, flight: _Flight[T], _task: asyncio.Task[T]) -> None:
        self._land(key, flight)

    def _land(self, key: str, flight: _Flight[T]) -> None:
        if self._flights.get(key) is flight:
            del self._flights[key]
