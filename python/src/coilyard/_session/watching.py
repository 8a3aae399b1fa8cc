"""Watching variables change."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

from coilyard._errors import InvalidArgument
from coilyard._proto import variables_pb2
from coilyard._session.base import SessionBase, checked_name, checked_names
from coilyard._shaping import DebounceScope, Shaper
from coilyard._watch import NamedFilter, Watch


class VariableWatching(SessionBase):
    """The methods that deliver changes as they happen."""

    def watch_variable(
        self,
        name: str,
        include_initial: bool = True,
        filter_fn: Callable[[Any, Any], bool] | None = None,
        throttle_ms: float = 0,
        *,
        debounce_ms: float = 0,
    ) -> Watch:
        """Watches one variable until you stop, or it is deleted, or its session ends.

        Args:
            name: Name or id.
            include_initial: Hand out the present value first.
            filter_fn: Called with the value before and after; False drops the change. Not asked for a first value.
            throttle_ms: At most one update in this time; the newest value is always handed out in the end.
            debounce_ms: Hand a change out once the variable was still for this time.

        Returns:
            An object to iterate over with `async for`; see `Watch`.

        Raises:
            VariableNotFound: While iterating, when there is no such variable.

        Example:
            >>> def much(old, new): return abs(new - old) > 0.05
            >>> async for update in session.watch_variable("temperature", filter_fn=much):
            ...     print(update.old_value, "->", update.value)
        """
        named = None if filter_fn is None else (lambda _, old, new: filter_fn(old, new))
        return self._watch([checked_name(name)], "", include_initial, named, throttle_ms, debounce_ms, "variable")

    def watch_variables(
        self,
        names: Sequence[str],
        include_initial: bool = True,
        filter_fn: NamedFilter | None = None,
        throttle_ms: float = 0,
        debounce_ms: float = 0,
        *,
        debounce_scope: DebounceScope = "variable",
        pattern: str = "",
    ) -> Watch:
        """Watches many variables over one stream; their changes arrive in the order of their commits.

        Args:
            names: Names or ids. Empty with a `pattern`: whatever matches that.
            include_initial: Hand out the present values first.
            filter_fn: Called with the name and the value before and after; False drops the change.
            throttle_ms: At most one update of each variable in this time.
            debounce_ms: Hand a change out once its variable was still for this time.
            debounce_scope: `all`: once every variable was still; only the last change of a burst is handed out then.
            pattern: A glob over names: `*` and `?` only.

        Raises:
            InvalidArgument: There is nothing to watch, or a number is negative.
        """
        listed = checked_names(names)
        if not listed and not pattern:
            raise InvalidArgument("names: expected at least one name, or a pattern such as '*'")
        return self._watch(listed, pattern, include_initial, filter_fn, throttle_ms, debounce_ms, debounce_scope)

    def cancel_watch(self, watch_task: Watch | asyncio.Task[Any]) -> None:
        """Ends a watch, or the task that iterates over one; the stream is freed."""
        watch_task.cancel()

    def _watch(
        self,
        names: list[str],
        pattern: str,
        include_initial: bool,
        filter_fn: NamedFilter | None,
        throttle_ms: float,
        debounce_ms: float,
        scope: DebounceScope,
    ) -> Watch:
        if not (throttle_ms >= 0 and debounce_ms >= 0):
            raise InvalidArgument(f"expected milliseconds of 0 or more, got {throttle_ms!r} and {debounce_ms!r}")
        if scope not in {"variable", "all"}:
            raise InvalidArgument(f"debounce_scope: expected 'variable' or 'all', got {scope!r}")
        request = variables_pb2.WatchRequest(
            variables=names, pattern=pattern, include_initial=include_initial, coalesce=True
        )
        shaper = Shaper(throttle_ms / 1000, debounce_ms / 1000, scope)
        core = self._core
        watch = Watch(core.open_feed(request), core.call.clock, shaper, names, filter_fn, core.framework_of)
        core.watches.add(watch)
        return watch
