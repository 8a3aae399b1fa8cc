"""The local cache of a session: its settings, its figures, and forgetting."""

from __future__ import annotations

from typing import Any

from coilyard import _arguments as given
from coilyard._cache import VariableCache
from coilyard._eviction import EvictionPolicy
from coilyard._session.base import SessionBase


class CacheControl(SessionBase):
    """The methods around the cache. They are not coroutines: nothing is asked of the gateway."""

    @property
    def cache(self) -> VariableCache:
        """The cache itself, for subscriptions and patterns."""
        return self._core.cache

    def get_cache_info(self) -> dict[str, Any]:
        """`size`, `ttl`, `hit_rate` and `eviction_count`."""
        stats = self._core.cache.stats()
        return {
            "size": stats["size"],
            "ttl": stats["ttl"],
            "hit_rate": stats["hit_rate"],
            "eviction_count": stats["evictions"],
        }

    def get_cache_stats(self) -> dict[str, Any]:
        """Every counter and setting: `hits`, `misses`, `evictions`, `sets`, `size`, `hit_rate`, `ttl`, `live` and more.

        A read that bypasses the cache counts as a miss. The keys are the same while the cache is off.
        """
        return self._core.cache.stats()

    def set_cache_config(
        self,
        ttl: float | None = None,
        max_size: int | None = None,
        eviction_policy: EvictionPolicy | None = None,
        *,
        enabled: bool | None = None,
        push: bool | None = None,
    ) -> None:
        """Changes settings at once; what is left out stays as it is.

        Args:
            ttl: Seconds for which a value holds while changes are not pushed; 0 switches the cache off.
            max_size: The most entries; a smaller number evicts now.
            eviction_policy: `lru`, `lfu` or `fifo`.
            enabled: Switches the cache on or off; the settings are kept.
            push: False: the cache lives by `ttl` alone.

        Raises:
            InvalidArgument: A value is out of range; nothing was changed (also a ValueError).
        """
        core = self._core
        pushed = core.push_enabled if push is None else given.flag(push, "push")
        core.cache.configure(ttl=ttl, max_size=max_size, eviction_policy=eviction_policy, enabled=enabled)
        core.push_enabled = pushed
        if not core.push_enabled or not core.cache.enabled:
            core.push.stop()

    def invalidate_cache(self, name: str | None = None) -> None:
        """Forgets one variable by name or id, or all: the next read asks the gateway."""
        self._core.invalidate(None if name is None else given.name(name))
