"""When a watched change is handed out: throttle and debounce as a state machine, with time as an argument."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Literal

from coilyard._records import VariableUpdate

DebounceScope = Literal["variable", "all"]

#: The key under which all variables wait together.
_ALL = ""


@dataclass(slots=True)
class _Waiting:
    update: VariableUpdate
    due: float


class Shaper:
    """Folds changes that come too fast; the last one is always handed out.

    A first value and a deletion pass at once. Debounce comes before throttle.

    Args:
        throttle_s: At least so many seconds between two updates of one variable.
        debounce_s: A change waits until its variable was still for so many seconds.
        scope: `all`: one timer for all variables; only the last change of a burst is handed out, whichever it is of.
    """

    def __init__(self, throttle_s: float = 0.0, debounce_s: float = 0.0, scope: DebounceScope = "variable") -> None:
        self._throttle_s = throttle_s
        self._debounce_s = debounce_s
        self._scope = scope
        self._settling: dict[str, _Waiting] = {}
        self._held: dict[str, _Waiting] = {}
        self._last_at: dict[str, float] = {}

    def push(self, update: VariableUpdate, now: float) -> list[VariableUpdate]:
        """Takes a change in; returns what is to be handed out at once."""
        if update.type != "updated":
            return [self._pass(update, now)]
        if self._debounce_s <= 0:
            return self._throttle(update, now)
        key = _ALL if self._scope == "all" else update.variable_id
        waiting = self._settling.get(key)
        folded = update if waiting is None else _fold(waiting.update, update)
        self._settling[key] = _Waiting(folded, now + self._debounce_s)
        return []

    def due_at(self) -> float | None:
        """When `collect` has something next; None when nothing waits."""
        return min((waiting.due for waiting in self._waiting()), default=None)

    def collect(self, now: float) -> list[VariableUpdate]:
        """What is due by now, in the order in which it fell due."""
        ready = []
        for key, waiting in _due(self._settling, now):
            del self._settling[key]
            ready.extend(self._throttle(waiting.update, waiting.due))
        for key, waiting in _due(self._held, now):
            del self._held[key]
            self._last_at[key] = waiting.due
            ready.append(waiting.update)
        return ready

    def _throttle(self, update: VariableUpdate, now: float) -> list[VariableUpdate]:
        key = update.variable_id
        held = self._held.get(key)
        if held is not None:
            held.update = _fold(held.update, update)
            return []
        last_at = self._last_at.get(key)
        if self._throttle_s > 0 and last_at is not None and now < last_at + self._throttle_s:
            self._held[key] = _Waiting(update, last_at + self._throttle_s)
            return []
        self._last_at[key] = now
        return [update]

    def _pass(self, update: VariableUpdate, now: float) -> VariableUpdate:
        """Hands out an update that waits for nothing, with what waited of its variable folded into it."""
        key = update.variable_id
        for waiting in (self._settling.pop(key, None), self._held.pop(key, None)):
            if waiting is not None:
                update = _fold(waiting.update, update)
        self._last_at[key] = now
        if update.deleted:
            del self._last_at[key]
        return update

    def _waiting(self) -> Iterator[_Waiting]:
        yield from self._settling.values()
        yield from self._held.values()


def _due(waiting: dict[str, _Waiting], now: float) -> list[tuple[str, _Waiting]]:
    return sorted(((key, item) for key, item in waiting.items() if item.due <= now), key=lambda pair: pair[1].due)


def _fold(older: VariableUpdate, newer: VariableUpdate) -> VariableUpdate:
    """One update for two: from the value before the older one to the value after the newer one."""
    same = older.variable_id == newer.variable_id
    return replace(
        newer,
        old_value=older.old_value if same else newer.old_value,
        skipped=older.skipped + newer.skipped + 1,
        reset_reason=newer.reset_reason or older.reset_reason,
    )
