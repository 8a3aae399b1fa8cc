"""How much this client asks of the gateway, and how long that takes. Cached reads are counted by the cache."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from coilyard._proto import variables_pb2


@dataclass
class Requests:
    """Requests of one kind: how many there were and the seconds that they took."""

    count: int = 0
    seconds: float = 0.0

    def add(self, seconds: float) -> None:
        """Counts one that was answered."""
        self.count += 1
        self.seconds += seconds

    @property
    def average_ms(self) -> float:
        """Milliseconds of one request; 0 when there was none."""
        return self.seconds * 1000 / self.count if self.count else 0.0


@dataclass
class Use:
    """What was asked of the gateway, about one variable or about all."""

    reads: Requests = field(default_factory=Requests)
    writes: Requests = field(default_factory=Requests)


class Usage:
    """Counts by id. A batch counts for each variable in it, with the time that the whole batch took."""

    def __init__(self) -> None:
        self.all = Use()
        self._by_id: dict[str, Use] = {}
        self._ids: dict[str, str] = {}

    def read(self, variables: Iterable[variables_pb2.Variable], seconds: float) -> None:
        """Counts reads that the gateway answered."""
        for variable in variables:
            self._of(variable).reads.add(seconds)
            self.all.reads.add(seconds)

    def wrote(self, variables: Iterable[variables_pb2.Variable], seconds: float) -> None:
        """Counts writes that the gateway carried out."""
        for variable in variables:
            self._of(variable).writes.add(seconds)
            self.all.writes.add(seconds)

    def id_of(self, key: str) -> str:
        """The id behind a name that was read or written; anything else as it is."""
        return self._ids.get(key, key)

    def of(self, key: str) -> Use:
        """What was asked about one variable, by name or id."""
        return self._by_id.get(self.id_of(key), Use())

    def _of(self, variable: variables_pb2.Variable) -> Use:
        self._ids[variable.name] = variable.id
        return self._by_id.setdefault(variable.id, Use())


def client_stats(hits: int, misses: int, use: Use) -> dict[str, Any]:
    """The part of the statistics that only the client knows."""
    reads = hits + misses
    return {
        "read_count": reads,
        "cache_hits": hits,
        "cache_misses": misses,
        "cache_hit_rate": hits / reads if reads else 0.0,
        "avg_read_latency_ms": use.reads.average_ms,
        "avg_write_latency_ms": use.writes.average_ms,
    }
