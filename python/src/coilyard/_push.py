"""Keeps a cache true: one watch on every variable of a session feeds it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from functools import partial

from coilyard._cache import VariableCache
from coilyard._entries import CachedValue
from coilyard._errors import ClientClosed, CoilyardError, NotFound, PermissionDenied
from coilyard._feed import Feed
from coilyard._proto import variables_pb2
from coilyard._records import UPDATE_KINDS, cached_update

_log = logging.getLogger("coilyard.cache")


class PushLink:
    """Runs from the first cached read on, in a task of its own, until it is closed or the session ends.

    Args:
        cache: What it feeds.
        open_feed: Makes the watch; `on_lost` is to be called when its stream breaks.
        decode: Makes of a change what the cache takes.
    """

    def __init__(
        self,
        cache: VariableCache,
        open_feed: Callable[[Callable[[], None]], Feed],
        decode: Callable[[variables_pb2.VariableUpdate], CachedValue] = cached_update,
    ) -> None:
        self._cache = cache
        self._open_feed = open_feed
        self._decode = decode
        self._task: asyncio.Task[None] | None = None
        self._refused = False

    def start(self) -> None:
        """Opens the watch unless it was opened before, or was refused and nothing has been read since."""
        if self._task is None and not self._refused:
            self._task = asyncio.get_running_loop().create_task(self._run(), name="coilyard-push")

    def admitted(self) -> None:
        """Something was read: a watch that was refused is worth another try."""
        self._refused = False

    def stop(self) -> asyncio.Task[None] | None:
        """Ends the watch; the cache lives by its time to live from now on. It can be started again.

        Returns:
            The task that is ending, if there was one.
        """
        task, self._task = self._task, None
        if task is not None:
            task.cancel()
            self._cache.go_dark()
        return task

    async def close(self) -> None:
        """Ends the watch and returns once its stream is freed."""
        task = self.stop()
        if task is not None:
            await asyncio.wait([task])

    async def _run(self) -> None:
        feed = self._open_feed(self._cache.go_dark)
        try:
            while True:
                self._apply(await feed.read(), feed)
        except CoilyardError as error:
            self._refused = isinstance(error, PermissionDenied)
            # A guest of the session is denied where others hear that it ended.
            if isinstance(error, NotFound) or (self._refused and feed.position is not None):
                _log.info("the session ended: %s", error)
                self._cache.invalidate(reason=error.code)
                self._cache.seen.restart()
            else:
                level = logging.DEBUG if isinstance(error, ClientClosed) else logging.WARNING
                _log.log(level, "changes are not pushed, the cache lives by its time to live: %s", error)
        finally:
            feed.close()
            if self._task is asyncio.current_task():
                if self._refused:
                    self._task = None  # it can be started again
                self._cache.go_dark()

    def _apply(self, response: variables_pb2.WatchResponse, feed: Feed) -> None:
        cache, position = self._cache, response.position.revision
        updates = list(response.updates)
        kinds = [update.type for update in updates]
        if variables_pb2.UPDATE_TYPE_RESET in kinds:
            after = len(kinds) - kinds[::-1].index(variables_pb2.UPDATE_TYPE_RESET)
            updates, kinds = updates[after:], kinds[after:]
            present = [u for u in updates if u.type == variables_pb2.UPDATE_TYPE_INITIAL and u.HasField("value")]
            cache.reset(position, map(self._decode, present))
        for update, kind in zip(updates, kinds, strict=True):
            variable_id, revision = update.variable_id, update.revision
            if kind == variables_pb2.UPDATE_TYPE_DELETED:
                cache.forget(variable_id, revision)
            elif kind == variables_pb2.UPDATE_TYPE_CONFIGURED:
                cache.forget(variable_id, revision, "configured")
            elif update.skipped or not update.HasField("value"):
                # New settings may be among what was folded into it, and reading may be forbidden now. A value that is
                # too large for a message is asked for by who reads it: most listeners never do.
                cache.forget(variable_id, revision, "updated")
            elif kind in UPDATE_KINDS:
                cache.push(variable_id, revision, partial(self._decode, update))
        if not cache.live:
            cache.go_live(None if feed.resumed else position)
