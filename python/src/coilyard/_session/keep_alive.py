"""Keeps a session with a time to live while it is read from a cache, which the gateway does not see."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

from coilyard._clock import Clock
from coilyard._errors import ClientClosed, CoilyardError, NotFound

_log = logging.getLogger("coilyard.session")

#: How often in the life of an idle session its reads are looked at.
_LOOKS = 3


class KeepAlive:
    """Extends the life of a session, a few times in each, as long as cached values are read.

    Args:
        clock: Time.
        hits: How many reads the cache has answered so far.
        touch: Has the gateway extend the session's life.

    Attributes:
        ttl_s: The session's time to live; None when it has none.
    """

    def __init__(self, clock: Clock, hits: Callable[[], int], touch: Callable[[], Awaitable[object]]) -> None:
        self.ttl_s: float | None = None
        self._clock = clock
        self._hits = hits
        self._touch = touch
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begins to look, unless it does already or the session lives for ever."""
        if self.ttl_s is not None and (self._task is None or self._task.done()):
            self._task = asyncio.get_running_loop().create_task(self._run(self.ttl_s), name="coilyard-keep-alive")

    async def close(self) -> None:
        """Lets the session live or die."""
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            await asyncio.wait([task])

    async def _run(self, ttl_s: float) -> None:
        seen = self._hits()
        while True:
            await self._clock.sleep(ttl_s / _LOOKS)
            hits = self._hits()
            if hits == seen:
                continue
            seen = hits
            try:
                await self._touch()
            except (NotFound, ClientClosed):
                return
            except CoilyardError as error:
                _log.debug("the session's life was not extended: %s", error)
