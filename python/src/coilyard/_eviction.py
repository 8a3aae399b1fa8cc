"""Which entry leaves a full cache: least recently used, least often used, or first in."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from typing import Any, Literal, get_args

EvictionPolicy = Literal["lru", "lfu", "fifo"]
POLICIES: tuple[str, ...] = get_args(EvictionPolicy)


class Entry:
    """One cached variable. Readers touch `used` and `uses` and nothing else.

    Attributes:
        id: The variable's id, or the key of a cache that is used by itself.
        name: The variable's name, an alias of `id`.
        value: What readers get when `copy` is None.
        copy: Makes a fresh value for each reader where one could change it in place.
        revision: The commit at which this value was written; -1 when it has none.
        type: The variable's type, empty when unknown.
        as_of: The session's revision at which the value was known to be true; -1 when that is unknown.
        checked_at: The same in seconds of the cache's timer.
        pushed: Whether changes of it are pushed; one that is not holds for `ttl` at most.
        order: Grows with each insertion.
        used: Grows with each use of any entry, so that the smallest is the least recently used.
        uses: How often this entry answered a read.
    """

    __slots__ = (
        "as_of",
        "checked_at",
        "copy",
        "gone",
        "id",
        "name",
        "order",
        "pushed",
        "revision",
        "type",
        "used",
        "uses",
        "value",
    )

    def __init__(self, entry_id: str, order: int) -> None:
        self.id = entry_id
        self.name: str | None = None
        self.value: Any = None
        self.copy: Callable[[], Any] | None = None
        self.revision = -1
        self.as_of = -1
        self.type = ""
        self.checked_at = 0.0
        self.order = order
        self.used = 0
        self.uses = 0
        self.gone = False
        self.pushed = True

    def read(self) -> Any:
        """The value for one reader."""
        return self.value if self.copy is None else self.copy()


_RANKS: dict[str, Callable[[Entry], tuple[int, int]]] = {
    "lru": lambda entry: (entry.used, entry.order),
    "lfu": lambda entry: (entry.uses, entry.order),
    "fifo": lambda entry: (0, entry.order),
}


class EvictionQueue:
    """Finds the next entry to evict without any work on a read.

    A heap holds the rank that each entry had when it was last looked at. Ranks only grow, so an entry whose rank is
    still the one in the heap, and smallest, is the smallest of all; others go back with their present rank.
    """

    def __init__(self, policy: EvictionPolicy, entries: Iterable[Entry] = ()) -> None:
        self._rank = _RANKS[policy]
        self._heap = [(self._rank(entry), entry.order, entry) for entry in entries]
        heapq.heapify(self._heap)

    def add(self, entry: Entry) -> None:
        """Takes a new entry in; it leaves by `pop`, or once its `gone` is set."""
        heapq.heappush(self._heap, (self._rank(entry), entry.order, entry))

    def pop(self) -> Entry:
        """The entry to evict; there must be one."""
        while True:
            rank, _, entry = self._heap[0]
            present = self._rank(entry)
            if entry.gone or rank == present:
                heapq.heappop(self._heap)
                if not entry.gone:
                    return entry
            else:
                heapq.heapreplace(self._heap, (present, entry.order, entry))

    def compact(self, living: int) -> None:
        """Forgets entries that are gone once they outnumber the `living`, so that the heap stays small."""
        if len(self._heap) > 2 * living + 64:
            self._heap = [item for item in self._heap if not item[2].gone]
            heapq.heapify(self._heap)
