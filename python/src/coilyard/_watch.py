"""What `watch_variable` returns: an async iterator of updates over a `Feed`."""

from __future__ import annotations

import asyncio
import math
import weakref
from collections import deque
from collections.abc import Callable, Collection
from dataclasses import replace
from types import TracebackType
from typing import Any, TypeGuard

from typing_extensions import Self

from coilyard._clock import Clock
from coilyard._errors import CoilyardError, NotFound, SessionExpired
from coilyard._feed import Feed
from coilyard._proto import variables_pb2
from coilyard._records import UPDATE_KINDS, VariableUpdate, variable_update
from coilyard._shaping import Shaper

#: Decides by (name, old value, new value) whether a change is wanted.
NamedFilter = Callable[[str, Any, Any], bool]

#: After these a value may differ although its version did not change.
_OTHER_HISTORY = frozenset({"regressed", "diverged"})


class Watch:
    """Updates of one or many variables, in order, across reconnects.

    Iterate over it with `async for`. The stream to the gateway is freed when the iteration ends, when `aclose` or
    `cancel` is called, when an `async with` block around it is left, and when the last reference goes away, so that
    breaking out of the loop is enough. It is read only as fast as you iterate; the gateway folds what you miss.

    Attributes:
        end_reason: Why it ended: `cancelled`, `deleted`, or the code of the error such as `session_not_found`; None
            while it has not.
    """

    def __init__(
        self,
        feed: Feed,
        clock: Clock,
        shaper: Shaper,
        names: Collection[str] = (),
        filter_fn: NamedFilter | None = None,
        framework_of: Callable[[str], str | None] = lambda _: None,
        on_seen: Callable[[variables_pb2.VariableUpdate], None] = lambda _: None,
    ) -> None:
        self.end_reason: str | None = None
        self._feed = feed
        self._clock = clock
        self._shaper = shaper
        self._filter = filter_fn
        self._framework_of = framework_of
        self._on_seen = on_seen
        self._names = frozenset(names)
        self._gone: set[str] = set()
        self._known: dict[str, VariableUpdate] = {}
        self._ready: deque[VariableUpdate] = deque()
        self._error: CoilyardError | None = None
        self._reading: asyncio.Task[variables_pb2.WatchResponse] | None = None
        self._timer: asyncio.Task[None] | None = None
        self._timer_at: float | None = None
        self._busy = False
        self._cancelled: asyncio.Future[None] | None = None

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> VariableUpdate:
        """The next update; safe to cancel and to call again: nothing is lost.

        Raises:
            StopAsyncIteration: The watch ended; `end_reason` says why.
            SessionExpired: Nobody has used the session for too long. What was committed comes first.
            CoilyardError: It could not begin, or the gateway refuses it.
            RuntimeError: Another task is waiting for the next update.
        """
        if self._busy:
            raise RuntimeError("a watch is iterated by one task at a time")
        self._busy = True
        try:
            while not self._ready:
                if self.end_reason is not None:
                    await self._release()
                    error, self._error = self._error, None
                    if error is not None:
                        raise error
                    raise StopAsyncIteration
                await self._advance()
            return self._ready.popleft()
        except asyncio.CancelledError:
            self._end_with(asyncio.current_task())
            raise
        finally:
            self._busy = False

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    def __repr__(self) -> str:
        what = ", ".join(sorted(self._names)) or "every variable"
        return f"<Watch of {what}{f', {self.end_reason}' if self.end_reason else ''}>"

    def cancel(self) -> None:
        """Ends the watch; an iteration over it stops cleanly."""
        self._end("cancelled")
        self._ready.clear()
        if self._cancelled is not None and not self._cancelled.done():
            self._cancelled.set_result(None)

    def _end_with(self, task: asyncio.Task[Any] | None) -> None:
        """Ends the watch if the task that iterated over it ends as cancelled.

        Its exception would otherwise keep the watch alive for as long as somebody keeps the task. A time-out that only
        cancelled the waiting is none of that: the task goes on, or it was made for this one step.
        """
        if task is None or getattr(task.get_coro(), "cr_code", None) is Watch.__anext__.__code__:
            return
        abandon = weakref.WeakMethod(self._abandon)

        def on_end(ended: asyncio.Task[Any]) -> None:
            left = abandon()
            if left is not None and ended.cancelled():
                left()

        task.add_done_callback(on_end)

    def _abandon(self) -> None:
        self.cancel()
        _free(self._feed, self._reading, self._timer)

    async def aclose(self) -> None:
        """Ends the watch and returns once its stream is freed."""
        self.cancel()
        await self._release()

    def __del__(self) -> None:
        # Nobody iterates any more. The collector may run in any thread, and after the loop has ended.
        if self._cancelled is not None and not self._cancelled.get_loop().is_closed():
            self._cancelled.get_loop().call_soon_threadsafe(_free, self._feed, self._reading, self._timer)

    async def _advance(self) -> None:
        """Waits for a message, for a due time or for `cancel`, whichever comes first."""
        loop = asyncio.get_running_loop()
        if self._cancelled is None:
            self._cancelled = loop.create_future()
        if self._reading is None:
            self._reading = loop.create_task(self._feed.read())
        timer = self._due_timer()
        waited: list[asyncio.Future[Any]] = [
            self._reading,
            self._cancelled,
            *([] if timer is None else [timer]),
        ]
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
        reading = self._reading
        if reading is not None and reading.done():  # `aclose` of another task may have taken it
            self._reading = None
            self._receive(reading)
        self._ready.extend(self._shaper.collect(self._clock.now()))

    def _due_timer(self) -> asyncio.Task[None] | None:
        due = self._shaper.due_at()
        if due != self._timer_at or (self._timer is not None and self._timer.done()):
            if self._timer is not None:
                self._timer.cancel()
            delay = None if due is None else max(0.0, due - self._clock.now())
            self._timer_at = due
            # The task must not hold the watch, or dropping the watch would free nothing.
            self._timer = None if delay is None else asyncio.get_running_loop().create_task(_wait(self._clock, delay))
        return self._timer

    def _receive(self, reading: asyncio.Task[variables_pb2.WatchResponse]) -> None:
        if self.end_reason is not None:
            return
        error = None if reading.cancelled() else reading.exception()
        if error is None and not reading.cancelled():
            try:
                self._accept(reading.result())
            except BaseException:  # the user's filter
                self._end("failed")
                raise
        elif self._is_end(error):
            self._end(error.code)
        elif isinstance(error, CoilyardError):
            self._error = error
            self._end(error.code)
        elif error is not None:
            raise error

    def _is_end(self, error: BaseException | None) -> TypeGuard[NotFound]:
        """What somebody ended on purpose is over; that nobody used the session is no such end, and is raised."""
        is_gone = isinstance(error, NotFound) and not isinstance(error, SessionExpired)
        return is_gone and self._feed.position is not None

    def _accept(self, response: variables_pb2.WatchResponse) -> None:
        updates = list(response.updates)
        for update in updates:
            if update.type in UPDATE_KINDS:
                self._on_seen(update)
        resets = [index for index, update in enumerate(updates) if update.type == variables_pb2.UPDATE_TYPE_RESET]
        if resets:
            reason = updates[resets[-1]].reset_reason
            self._accept_reset(reason, updates[resets[-1] + 1 :], response.position.revision)
        else:
            for update in updates:
                if update.type in UPDATE_KINDS:
                    self._take(self._record(update))
        if self._names and self._gone >= self._names:
            self._end("deleted")

    def _accept_reset(self, reason: str, updates: list[variables_pb2.VariableUpdate], revision: int) -> None:
        """Catches up by a snapshot: hands out what it changes, and what it lacks as deleted."""
        present = [self._record(update, reason) for update in updates if update.type in UPDATE_KINDS]
        missing = self._known.keys() - {update.variable_id for update in present}
        for variable_id in missing:
            last = self._known[variable_id]
            self._take(_deletion(last, revision, reason))
        for update in present:
            known = self._known.get(update.variable_id)
            if known is None or known.version != update.version or reason in _OTHER_HISTORY:
                self._take(update)

    def _record(self, update: variables_pb2.VariableUpdate, reason: str | None = None) -> VariableUpdate:
        record = variable_update(update, reason, self._framework_of(update.variable_id))
        if record.type != "updated" or update.HasField("old_value"):
            return record
        # The two values together were too large to come; the one before may be the one that was handed out last.
        known = self._known.get(update.variable_id)
        is_before = known is not None and known.version + 1 + record.skipped == record.version
        return replace(record, old_value=known.value) if known is not None and is_before else record

    def _take(self, update: VariableUpdate) -> None:
        keys = {update.name, update.variable_id}
        if update.deleted:
            self._known.pop(update.variable_id, None)
            self._gone |= keys & self._names
        else:
            self._known[update.variable_id] = update
            self._gone -= keys
        # A first value has nothing to be compared with, and what did not travel cannot be.
        wanted = self._filter if update.type == "updated" and not update.too_large else None
        if wanted is not None and not wanted(update.name, update.old_value, update.value):
            return
        self._ready.extend(self._shaper.push(update, self._clock.now()))

    def _end(self, reason: str) -> None:
        if self.end_reason is None:
            self.end_reason = reason
            self._ready.extend(self._shaper.collect(math.inf))

    async def _release(self) -> None:
        """Frees the stream and every task; may be called again."""
        tasks: list[asyncio.Task[Any]] = [task for task in (self._reading, self._timer) if task is not None]
        self._reading = self._timer = None
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)
        self._feed.close()


def _free(feed: Feed, *tasks: asyncio.Task[Any] | None) -> None:
    for task in tasks:
        if task is not None:
            task.cancel()
    feed.close()


async def _wait(clock: Clock, seconds: float) -> None:
    await clock.sleep(seconds)


def _deletion(last: VariableUpdate, revision: int, reason: str) -> VariableUpdate:
    return VariableUpdate(
        variable_id=last.variable_id,
        name=last.name,
        value=None,
        old_value=last.value,
        metadata={},
        timestamp=last.timestamp,
        source=last.source,
        version=last.version,
        revision=revision,
        type="deleted",
        reset_reason=reason,
    )
