"""Watching variables change."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from typing import Any, get_args

from coilyard import _arguments as given
from coilyard._proto import variables_pb2
from coilyard._session.base import SessionBase
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
        wanted = given.predicate(filter_fn, "filter_fn")
        named = None if wanted is None else (lambda _, old, new: wanted(old, new))
        return self._watch([given.name(name)], "", include_initial, named, throttle_ms, debounce_ms, "variable")

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
        listed = given.names(names)
        glob = given.text(pattern, "pattern", "a glob", empty=True)
        if not listed and not glob:
            raise given.wrong_value("names", "at least one name, or a pattern such as '*'", names)
        wanted = given.predicate(filter_fn, "filter_fn")
        return self._watch(listed, glob, include_initial, wanted, throttle_ms, debounce_ms, debounce_scope)

    def cancel_watch(self, watch_task: Watch | asyncio.Task[Any]) -> None:
        """Ends a watch, or the task that iterates over one; the stream is freed.

        Raises:
            ValidationFailed: It is neither (also a TypeError).
        """
        if not isinstance(watch_task, (Watch, asyncio.Future)):
            raise given.wrong_kind("watch_task", "a watch, or a task that iterates over one", watch_task)
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
        throttle_s = given.amount(throttle_ms, "throttle_ms", "milliseconds") / 1000
        debounce_s = given.amount(debounce_ms, "debounce_ms", "milliseconds") / 1000
        given.one_of(scope, "debounce_scope", get_args(DebounceScope))
        initial = given.flag(include_initial, "include_initial")
        request = variables_pb2.WatchRequest(
            variables=names, pattern=pattern, include_initial=initial, coalesce=True, pieces=True
        )
        shaper = Shaper(throttle_s, debounce_s, scope)
        core = self._core
        watch = Watch(core.open_feed(request), core.call.clock, shaper, names, filter_fn, core.framework_of, core.saw)
        core.watches.add(watch)
        return watch
