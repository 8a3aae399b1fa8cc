"""What the groups of methods of a `SessionContext` share."""

from __future__ import annotations

from coilyard._session.core import SessionCore


class SessionBase:
    """Holds the core, and the two things of it that the hot path of a cached read touches."""

    def __init__(self, core: SessionCore) -> None:
        self._core = core
        self._table = core.cache.table
        self._fast = core.cache.table.fast
