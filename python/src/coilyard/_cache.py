"""Values of variables close at hand: bounded, counted, and true for as long as changes are pushed.

While the cache is *live* (a watch delivers every change) an entry holds until a change replaces it and no clock is
read. While it is not, an entry holds for `ttl` seconds after it was last known to be true. In both cases a value
is stored only if nothing newer was seen (`SeenRevisions`), so a slow reply never overwrites a pushed change.

Operations are atomic for the tasks of one event loop: none suspends while it changes something.
"""

from __future__ import annotations

import asyncio
import copy as copy_module
import threading
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any, cast

from coilyard import _arguments as given
from coilyard._entries import CachedValue, EntryTable
from coilyard._eviction import POLICIES, Entry, EvictionPolicy
from coilyard._invalidation import InvalidationCallback, Subscriptions
from coilyard._pattern import Pattern
from coilyard._revisions import SeenRevisions
from coilyard._sentinel import MISSING

_IMMUTABLE = (bool, int, float, str, bytes, type(None))


class VariableCache:
    """A cache of variables by id, with their names as aliases.

    Args:
        ttl: Seconds for which an entry holds without push; 0 switches the cache off.
        max_size: The most entries, at least 1.
        eviction_policy: `lru`, `lfu` or `fifo`.
        enabled: False: nothing is stored and every read is a miss.
        timer: Monotonic seconds.

    Raises:
        ValueError: An argument is out of range.
    """

    def __init__(
        self,
        ttl: float = 1.0,
        max_size: int = 1000,
        *,
        eviction_policy: EvictionPolicy = "lru",
        enabled: bool = True,
        timer: Callable[[], float] = time.monotonic,
    ) -> None:
        self.table = EntryTable()
        #: Changes with each invalidation: a value fetched before one is not stored after it.
        self.generation = 0
        self.seen = SeenRevisions()
        self._timer = timer
        self._subscriptions = Subscriptions()
        self._stores = 0
        self._thread_hits = 0
        self._thread_lock = threading.Lock()
        self._counts = dict.fromkeys(("misses", "evictions", "sets", "expirations", "invalidations", "pushes"), 0)
        self._ttl, self._max_size, self._enabled, self._policy = ttl, max_size, enabled, eviction_policy
        self.configure(ttl=ttl, max_size=max_size, eviction_policy=eviction_policy, enabled=enabled)

    def __len__(self) -> int:
        return len(self.table.by_id)

    def __bool__(self) -> bool:
        return True  # an empty cache is still a cache

    def __repr__(self) -> str:
        return f"<VariableCache size={len(self)} max_size={self._max_size} ttl={self._ttl} live={self.live}>"

    @property
    def live(self) -> bool:
        """Whether every change is pushed, so that what is cached is true."""
        return self.table.exposed

    @property
    def enabled(self) -> bool:
        """Whether values are stored at all."""
        return self._enabled and self._ttl > 0

    @property
    def hits(self) -> int:
        """How many reads it has answered."""
        return self.table.tick - self._stores + self._thread_hits

    # Reading

    def get(self, key: str, default: Any = MISSING) -> Any:
        """The value under a name or id, counted as a hit or a miss; `default` when there is none."""
        entry = self.peek(key)
        if entry is None:
            self._counts["misses"] += 1
            return default
        self.table.tick = entry.used = self.table.tick + 1
        entry.uses += 1
        return entry.read()

    def peek(self, key: str) -> Entry | None:
        """The valid entry under a name or id, without counting a read. Ids win over names."""
        entry = self.table.find(key)
        if entry is None or not self._expired(entry):
            return entry
        self.table.drop(entry)
        self._counts["expirations"] += 1
        return None

    def _expired(self, entry: Entry) -> bool:
        return not (self.live and entry.pushed) and self._timer() - entry.checked_at >= self._ttl

    def read_from_thread(self, key: str) -> Any:
        """What `fast` answers, for a thread that is not the loop's; MISSING: ask on the loop."""
        try:
            entry = self.table.fast.get(key)
        except Exception:  # what cannot be looked up is refused on the loop
            entry = None
        if entry is None:
            return MISSING
        with self._thread_lock:
            self._thread_hits += 1
            entry.used = self.table.tick + self._thread_hits
            entry.uses += 1
        return entry.value

    def count_miss(self) -> None:
        """Counts a read that went past the cache on purpose."""
        self._counts["misses"] += 1

    async def get_batch(
        self,
        var_ids: Sequence[str],
        fetch_missing: Callable[[list[str]], Awaitable[Mapping[str, Any]]] | None = None,
    ) -> dict[str, Any]:
        """The values of many variables; those that are not cached are fetched together and stored.

        Args:
            var_ids: Names or ids; the result has them as keys, without those that nobody knows.
            fetch_missing: Gets the names that are missing, each once, and returns what it found.
        """
        keys = given.names(var_ids, "var_ids")
        given.function(fetch_missing, "fetch_missing")
        found = {key: value for key in keys if (value := self.get(key)) is not MISSING}
        missing = [key for key in dict.fromkeys(keys) if key not in found]
        if missing and fetch_missing is not None:
            for key, value in (await fetch_missing(missing)).items():
                self.set(key, value)
                found[key] = value
        return {key: found[key] for key in keys if key in found}

    # Storing

    def set(self, key: str, value: Any) -> None:
        """Stores a value of which no revision is known. What can change is copied, here and for each reader."""
        shared = type(value) in _IMMUTABLE
        copier = None if shared else partial(copy_module.deepcopy, copy_module.deepcopy(value))
        self._store(CachedValue(self.table.id_of(key), None, value if shared else None, copier, -1), -1)

    def offer(self, offered: CachedValue, as_of: int, generation: int | None = None) -> bool:
        """Stores unless something newer was seen: a late reply loses the race.

        Args:
            offered: The value.
            as_of: The session's revision when it was read.
            generation: The cache's `generation` when the reading began.

        Returns:
            False when the value is not the newest known; it was not stored then.
        """
        held = self.table.by_id.get(offered.id)
        if held is not None and offered.revision < held.revision:
            return False
        if self.seen.is_stale(offered.id, offered.revision, as_of):
            return False
        self.seen.note(offered.id, offered.revision)
        if generation is None or generation == self.generation:
            self._store(offered, as_of)
        return True

    def push(self, variable_id: str, revision: int, decode: Callable[[], CachedValue]) -> None:
        """Takes a change into an entry that exists; of others only the revision is remembered."""
        self.seen.note(variable_id, revision)
        entry = self.table.by_id.get(variable_id)
        if entry is None or revision <= entry.revision:
            return
        self.table.fill(entry, decode(), revision, self._timer())
        self._counts["pushes"] += 1
        self._notify(entry, "updated")

    def forget(self, variable_id: str, revision: int, reason: str = "deleted") -> None:
        """Drops a variable that was deleted or has new settings; a reply from before does not bring it back."""
        self.seen.note(variable_id, revision)
        entry = self.table.by_id.get(variable_id)
        if entry is not None and entry.revision <= revision:
            self.table.drop(entry)
            self._notify(entry, reason)

    def outdate(self, variable_id: str, revision: int) -> None:
        """Drops the value of a variable unless it is of `revision` or newer: there is one that did not come along."""
        entry = self.table.by_id.get(variable_id)
        if entry is None or entry.revision < revision:
            self.forget(variable_id, revision, "updated")

    # Truth

    def go_live(self, position: int | None) -> None:
        """Every change after `position` will be pushed.

        Args:
            position: A revision; None when pushes continue where they stopped, so that no entry misses a change.
        """
        if position is not None:
            self.seen.raise_floor(position)
        for entry in list(self.table.by_id.values()):
            if self._expired(entry) or (position is not None and entry.as_of < position):
                self.table.drop(entry)
        self.table.expose(True)

    def go_dark(self) -> None:
        """Pushes have stopped: what is cached holds for `ttl` from now."""
        if self.live:
            now = self._timer()
            for entry in self.table.by_id.values():
                entry.checked_at = now
        self.table.expose(False)

    def reset(self, position: int, present: Iterable[CachedValue]) -> None:
        """The history could not be followed: entries take the `present` values, and those without one go."""
        self.seen.restart(position)
        values = {value.id: value for value in present}
        for entry in list(self.table.by_id.values()):
            value = values.get(entry.id)
            if entry.gone:
                continue
            if value is None:
                self.table.drop(entry)
            else:
                self.table.fill(entry, value, position, self._timer())
            self._notify(entry, "reset")

    # Invalidation

    def subscribe_invalidation(self, var_id: str, callback: InvalidationCallback) -> str:
        """Calls `await callback(var_id, reason)` whenever a cached value stops being true.

        Reasons are `updated`, `configured` (new settings), `deleted`, `reset`, and what `invalidate` and
        `invalidate_pattern` were told. Eviction and expiry are none: the value was true. Callbacks run as tasks; what
        they raise is logged.

        Returns:
            The id for `unsubscribe_invalidation`.
        """
        if not callable(callback):
            raise given.wrong_kind("callback", "a coroutine function", callback)
        return self._subscriptions.add(given.name(var_id, "var_id"), callback)

    def unsubscribe_invalidation(self, subscription_id: str) -> bool:
        """Ends a subscription; False when there is none of this id."""
        return self._subscriptions.remove(given.text(subscription_id, "subscription_id"))

    def invalidate(self, key: str | None = None, reason: str = "invalidated") -> int:
        """Drops one entry by name or id, or all; returns how many were dropped."""
        self.generation += 1
        entries = list(self.table.by_id.values())
        if key is not None:
            entry = self.table.find(key)
            entries = [] if entry is None else [entry]
        self._invalidate(entries, reason)
        return len(entries)

    async def invalidate_pattern(self, pattern: str, reason: str = "") -> int:
        """Drops every entry whose name or id the pattern matches somewhere; returns once all callbacks ended.

        Args:
            pattern: RE2 syntax; see `coilyard._pattern`.
            reason: What subscribers are told.

        Raises:
            InvalidArgument: The pattern is none.
        """
        compiled = Pattern(given.text(pattern, "pattern", "a regular expression", empty=True))
        reason = given.optional_text(reason, "reason")
        matches = [
            e for e in self.table.by_id.values() if compiled.search(e.id) or (e.name and compiled.search(e.name))
        ]
        self.generation += 1
        await asyncio.gather(*self._invalidate(matches, reason or "invalidated"))
        return len(matches)

    def _invalidate(self, entries: list[Entry], reason: str) -> list[asyncio.Future[None]]:
        self._counts["invalidations"] += len(entries)
        for entry in entries:
            self.table.drop(entry)
        return [future for entry in entries for future in self._notify(entry, reason)]

    def _notify(self, entry: Entry, reason: str) -> list[asyncio.Future[None]]:
        return self._subscriptions.notify((entry.id, entry.name), entry.id, reason)

    # Settings and figures

    def configure(
        self,
        *,
        ttl: float | None = None,
        max_size: int | None = None,
        eviction_policy: EvictionPolicy | None = None,
        enabled: bool | None = None,
    ) -> None:
        """Changes settings at once, all or none; entries stay unless there are too many of them now.

        Raises:
            InvalidArgument: A value is out of range (also a ValueError).
        """
        settings = (
            self._ttl if ttl is None else given.amount(ttl, "ttl", "seconds", infinite=True),
            self._max_size if max_size is None else given.whole(max_size, "max_size", least=1),
            self._enabled if enabled is None else given.flag(enabled, "enabled"),
            self._policy if eviction_policy is None else given.one_of(eviction_policy, "eviction_policy", POLICIES),
        )
        self._ttl, self._max_size, self._enabled = settings[:3]
        self._policy = cast("EvictionPolicy", settings[3])
        self._counts["evictions"] += self.table.bound(self._max_size, self._policy)
        if not self.enabled:
            for entry in list(self.table.by_id.values()):
                self.table.drop(entry)

    def stats(self) -> dict[str, Any]:
        """Counters since the cache was made, and its present settings."""
        hits = self.hits
        reads = hits + self._counts["misses"]
        return {
            "hits": hits,
            **self._counts,
            "size": len(self),
            "hit_rate": hits / reads if reads else 0.0,
            "ttl": self._ttl,
            "max_size": self._max_size,
            "eviction_policy": self._policy,
            "enabled": self.enabled,
            "live": self.live,
        }

    def _store(self, offered: CachedValue, as_of: int) -> None:
        if self.enabled:
            self._stores += 1
            self._counts["sets"] += 1
            self._counts["evictions"] += self.table.store(offered, as_of, self._timer())
