"""The rule that keeps a cache true: what is older than something already seen is never stored."""

from __future__ import annotations


class SeenRevisions:
    """The newest revision heard of for each variable, by a push, a reply or a deletion.

    Memory is bounded: beyond `limit` variables the oldest half is forgotten and `floor` rises to what was forgotten. Of
    a forgotten variable only replies at or above the floor are trusted.

    Attributes:
        floor: A reply that is older than this may have missed a change.
    """

    def __init__(self, limit: int = 10_000) -> None:
        self.floor = 0
        self._limit = limit
        self._seen: dict[str, int] = {}

    def is_stale(self, variable_id: str, revision: int, as_of: int) -> bool:
        """Whether a newer value may exist.

        Args:
            variable_id: Whose value it is.
            revision: The commit that wrote the value.
            as_of: The session's revision when the value was read.
        """
        seen = self._seen.get(variable_id)
        return as_of < self.floor if seen is None else revision < seen

    def is_outdated(self, variable_id: str, revision: int) -> bool:
        """Whether the variable is known to have changed since the commit at `revision`."""
        return revision < self._seen.get(variable_id, -1)

    def note(self, variable_id: str, revision: int) -> None:
        """Remembers that the variable changed at `revision`."""
        if revision < self._seen.get(variable_id, -1):
            return
        self._seen.pop(variable_id, None)  # back to the end: the order of the dict is the order of hearing
        self._seen[variable_id] = revision
        if len(self._seen) > self._limit:
            for forgotten in list(self._seen)[: self._limit // 2]:
                self.floor = max(self.floor, self._seen.pop(forgotten))

    def raise_floor(self, revision: int) -> None:
        """Distrusts replies older than `revision`, from which on every change is heard."""
        self.floor = max(self.floor, revision)

    def restart(self, floor: int = 0) -> None:
        """Forgets everything: the session's history is another one now."""
        self._seen.clear()
        self.floor = floor
