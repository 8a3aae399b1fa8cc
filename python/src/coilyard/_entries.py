"""The entries of a cache: found by id and by name, bounded in number. Knows nothing of time, truth or statistics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from coilyard._eviction import Entry, EvictionPolicy, EvictionQueue


@dataclass(frozen=True)
class CachedValue:
    """A value as it is offered to the cache.

    Attributes:
        id: The variable's id.
        name: The variable's name.
        value: What readers get when `copy` is None.
        copy: Makes a fresh value for each reader.
        revision: The commit that wrote the value.
        type: The variable's type; empty where a change does not say.
        pushed: Whether changes of it are pushed to this client.
    """

    id: str
    name: str | None
    value: Any
    copy: Callable[[], Any] | None
    revision: int
    type: str = ""
    pushed: bool = True


class EntryTable:
    """Entries by id, with names as aliases.

    Attributes:
        by_id: All entries.
        fast: The entries that may be answered without a further look, by id and by name: those whose value can be
            shared, while `exposed`. Always the same dict, so that readers can hold it.
        exposed: Whether `fast` is filled.
        tick: Grows with each use and each store of an entry.
    """

    def __init__(self) -> None:
        self.by_id: dict[str, Entry] = {}
        self.fast: dict[str, Entry] = {}
        self.exposed = False
        self.tick = 0
        self._ids: dict[str, str] = {}
        self._uses_of_gone: dict[str, int] = {}
        self._max_size = 1
        self._queue = EvictionQueue("lru")

    def find(self, key: str) -> Entry | None:
        """The entry under an id or, failing that, a name."""
        return self.by_id.get(key) or self.by_id.get(self._ids.get(key, ""))

    def id_of(self, key: str) -> str:
        """The id behind a name; anything else as it is."""
        return self._ids.get(key, key)

    def store(self, offered: CachedValue, as_of: int, now: float) -> int:
        """Stores a value as the most recently used one; returns how many entries had to go for it."""
        self.tick += 1
        entry = self.by_id.get(offered.id)
        if entry is not None:
            entry.used = self.tick
            self.fill(entry, offered, as_of, now)
            return 0
        evicted = self._make_room(for_new=1)  # before it comes: nobody used the new one yet, and it is to stay
        entry = self.by_id[offered.id] = Entry(offered.id, self.tick)
        entry.used = self.tick
        self.fill(entry, offered, as_of, now)
        self._queue.add(entry)
        return evicted

    def fill(self, entry: Entry, offered: CachedValue, as_of: int, now: float) -> None:
        """Gives an entry a new value; this is no use of it."""
        if offered.name is not None and offered.name != entry.name:
            self._rename(entry, offered.name)
        entry.value, entry.copy = offered.value, offered.copy
        entry.revision, entry.type = offered.revision, offered.type or entry.type
        entry.as_of, entry.checked_at, entry.pushed = as_of, now, offered.pushed
        if self.exposed:
            self._expose(entry)

    def drop(self, entry: Entry) -> None:
        """Takes an entry out."""
        entry.gone = True
        del self.by_id[entry.id]
        self.fast.pop(entry.id, None)
        if entry.name is not None:
            self.fast.pop(entry.name, None)
            self._ids.pop(entry.name, None)
        if entry.uses:
            self._uses_of_gone[entry.id] = self._uses_of_gone.get(entry.id, 0) + entry.uses

    def expose(self, exposed: bool) -> None:
        """Fills `fast`, or empties it."""
        self.exposed = exposed
        if exposed:
            for entry in self.by_id.values():
                self._expose(entry)
        else:
            self.fast.clear()

    def bound(self, max_size: int, policy: EvictionPolicy) -> int:
        """Sets the most entries and who leaves first; returns how many had to go."""
        self._max_size = max_size
        self._queue = EvictionQueue(policy, self.by_id.values())
        return self._make_room()

    def uses_of(self, key: str) -> int:
        """How many reads were answered for one variable, by entries that are gone too."""
        variable_id = self.id_of(key)
        entry = self.by_id.get(variable_id)
        return self._uses_of_gone.get(variable_id, 0) + (entry.uses if entry is not None else 0)

    def _expose(self, entry: Entry) -> None:
        for key in (entry.id, entry.name):
            if key is not None and entry.copy is None and entry.pushed:
                self.fast[key] = entry
            elif key is not None:
                self.fast.pop(key, None)

    def _rename(self, entry: Entry, name: str) -> None:
        holder = self.by_id.get(self._ids.get(name, ""))
        if holder is not None and holder is not entry:
            self.drop(holder)  # the name was registered anew: its old variable is gone
        entry.name = name
        self._ids[name] = entry.id

    def _make_room(self, for_new: int = 0) -> int:
        excess = len(self.by_id) + for_new - self._max_size
        for _ in range(excess):
            self.drop(self._queue.pop())
        self._queue.compact(len(self.by_id))
        return max(0, excess)
