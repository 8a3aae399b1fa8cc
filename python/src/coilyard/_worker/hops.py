"""From the threads of plain functions to the worker's loop, on which sessions, their connection and their cache live.

A plain function has a loop of its own at most: `asyncio.run(session.get_variable("x"))`.
"""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from functools import wraps
from typing import Any, TypeVar

from typing_extensions import Self

from coilyard._scope import CURRENT
from coilyard._session.context import SessionContext
from coilyard._watch import Watch

T = TypeVar("T")


class Hops:
    """What plain functions do on the loop on which this is made."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._open: dict[int, set[Future[Any]]] = {}

    async def run(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Awaits the coroutine that `work` makes, both on the loop."""
        if asyncio.get_running_loop() is self._loop:
            return await work()
        call_id, hop = self._hop(work)
        try:
            return await asyncio.wrap_future(hop)
        finally:
            self._landed(call_id, hop)

    def call(self, work: Callable[[], T]) -> T:
        """Runs a plain function on the loop; from there at once."""
        with contextlib.suppress(RuntimeError):  # there is none
            if asyncio.get_running_loop() is self._loop:
                return work()

        async def on_loop() -> T:
            return work()

        call_id, hop = self._hop(on_loop)
        try:
            return hop.result()
        finally:
            self._landed(call_id, hop)

    def stop(self, call_id: int) -> None:
        """The call is cancelled: its thread waits for its hops, where nothing else would reach it."""
        with self._lock:
            hops = list(self._open.get(call_id, ()))
        for hop in hops:
            hop.cancel()

    def _hop(self, work: Callable[[], Coroutine[Any, Any, T]]) -> tuple[int, Future[T]]:
        scope = CURRENT.get()
        call_id = 0 if scope is None else scope.call_id

        async def begin() -> T:
            return await work()

        hop = asyncio.run_coroutine_threadsafe(begin(), self._loop)
        with self._lock:
            self._open.setdefault(call_id, set()).add(hop)
        return call_id, hop

    def _landed(self, call_id: int, hop: Future[Any]) -> None:
        with self._lock:
            hops = self._open[call_id]
            hops.discard(hop)
            if not hops:
                del self._open[call_id]
        hop.cancel()


def for_thread(session: SessionContext, hops: Hops) -> Any:
    """The session as a plain function sees it: the same methods, each of which runs on the worker's loop."""
    return _Hopping(session, hops)


class _Hopping:
    def __init__(self, inner: Any, hops: Hops) -> None:
        self._inner = inner
        self._hops = hops

    @property  # type: ignore[misc]
    def __class__(self) -> Any:
        return type(self._inner)

    def __repr__(self) -> str:
        return repr(self._inner)

    def inside(self) -> Any:
        """What it stands for."""
        return self._inner

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._inner, name)
        if not inspect.ismethod(found):
            return found
        if inspect.iscoroutinefunction(found):

            @wraps(found)
            async def awaited(*args: Any, **kwargs: Any) -> Any:
                return await self._hops.run(lambda: found(*args, **kwargs))

            return awaited

        @wraps(found)
        def called(*args: Any, **kwargs: Any) -> Any:
            inside = [arg.inside() if type(arg) is _Hopping else arg for arg in args]
            result = self._hops.call(lambda: found(*inside, **kwargs))
            return _Hopping(result, self._hops) if isinstance(result, Watch) else result

        return called

    async def __aenter__(self) -> Self:
        await self._hops.run(self._inner.__aenter__)
        return self

    async def __aexit__(self, *ending: object) -> Any:
        return await self._hops.run(lambda: self._inner.__aexit__(*ending))

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Any:
        return await self._hops.run(self._inner.__anext__)
