"""Who wants to hear that a cached value is no longer true."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from itertools import count

InvalidationCallback = Callable[[str, str], Awaitable[None]]

_log = logging.getLogger("coilyard.cache")


@dataclass(frozen=True)
class _Subscription:
    key: str
    callback: InvalidationCallback
    loop: asyncio.AbstractEventLoop | None


class Subscriptions:
    """Callbacks by variable. They run as tasks of their own: none delays the cache, and what one raises is logged."""

    def __init__(self) -> None:
        self._ids = count(1)
        self._by_id: dict[str, _Subscription] = {}
        self._tasks: set[asyncio.Future[None]] = set()

    def add(self, key: str, callback: InvalidationCallback) -> str:
        """Returns the id for `remove`."""
        subscription_id = f"invalidation_{next(self._ids)}"
        self._by_id[subscription_id] = _Subscription(key, callback, _running_loop())
        return subscription_id

    def remove(self, subscription_id: str) -> bool:
        """Returns whether there was such a subscription."""
        return self._by_id.pop(subscription_id, None) is not None

    def notify(self, keys: Iterable[str | None], variable_id: str, reason: str) -> list[asyncio.Future[None]]:
        """Starts the callbacks of every subscription to one of `keys`; the futures end when they did."""
        if not self._by_id:
            return []
        wanted = set(keys)
        matching = [item for item in self._by_id.values() if item.key in wanted]
        return [future for item in matching if (future := self._start(item, variable_id, reason)) is not None]

    def _start(self, subscription: _Subscription, variable_id: str, reason: str) -> asyncio.Future[None] | None:
        here = _running_loop()
        home = subscription.loop or here
        if home is None or home.is_closed():
            _log.warning("no event loop runs the invalidation callback of %s", subscription.key)
            return None
        work = _guarded(subscription.callback, variable_id, reason)
        if home is not here:  # called from another thread, as the synchronous facade does
            asyncio.run_coroutine_threadsafe(work, home)
            return None
        task = home.create_task(work)
        self._tasks.add(task)  # the loop itself holds tasks only weakly
        task.add_done_callback(self._tasks.discard)
        return task


async def _guarded(callback: InvalidationCallback, variable_id: str, reason: str) -> None:
    try:
        await callback(variable_id, reason)
    except Exception:
        _log.exception("an invalidation callback of %s failed", variable_id)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
