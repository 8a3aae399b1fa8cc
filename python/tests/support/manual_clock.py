"""A clock that moves when a test says so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable


class ManualClock:
    """Seconds that stand still; sleepers wake in the order in which they fall due."""

    def __init__(self) -> None:
        self._now = 1000.0
        self._sleepers: list[tuple[float, asyncio.Future[None]]] = []

    def now(self) -> float:
        return self._now

    async def sleep(self, seconds: float) -> None:
        woken = asyncio.get_running_loop().create_future()
        self._sleepers.append((self._now + seconds, woken))
        await woken

    @property
    def sleepers(self) -> list[float]:
        """How many seconds each sleeper has left."""
        return sorted(due - self._now for due, woken in self._sleepers if not woken.done())

    def move(self, seconds: float) -> None:
        """Moves on at once, without waking anybody in between."""
        self._now += seconds
        due = sorted((item for item in self._sleepers if item[0] <= self._now), key=lambda item: item[0])
        self._sleepers = [item for item in self._sleepers if item[0] > self._now]
        for _, woken in due:
            if not woken.done():
                woken.set_result(None)

    async def advance(self, seconds: float) -> None:
        """Moves on and lets everybody do what they woke up for."""
        self.move(seconds)
        await settle()


class PassingClock:
    """Time that passes with each look at it and with each sleep, and does not ask the machine how fast it is.

    A caller looks at it once for each request and twice for each attempt. With `2 * n * step_s` seconds for a request
    the time is over after the attempt `n`, and each of them has as much real time as `step_s` or more.
    """

    def __init__(self, step_s: float) -> None:
        self._now = 1000.0
        self._step_s = step_s

    def now(self) -> float:
        self._now += self._step_s
        return self._now

    async def sleep(self, seconds: float) -> None:
        self._now += seconds
        await asyncio.sleep(0)


async def settle(turns: int = 50) -> None:
    """Lets every task that can run do so. For tasks that wait for nothing outside of this process."""
    for _ in range(turns):
        await asyncio.sleep(0)


async def until(condition: Callable[[], object], what: str = "it") -> None:
    """Waits until `condition()` holds; the time limit of the test ends a wait in vain."""
    while not condition():
        await asyncio.sleep(0.001)
