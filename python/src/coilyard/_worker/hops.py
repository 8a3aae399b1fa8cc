"""From the threads of plain functions to the worker's loop, on which sessions, their connection and their cache live.

A plain function has a loop of its own at most: `asyncio.run(session.get_variable("x"))`. Or its session is that of
`coilyard.sync`, whose methods wait.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import inspect
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from functools import wraps
from typing import Any, TypeVar

from typing_extensions import ParamSpec, Self

from coilyard._loop_thread import LoopThread
from coilyard._scope import CURRENT
from coilyard._session.context import SessionContext
from coilyard._session.facade import SessionContext as WaitingContext
from coilyard._watch import Watch

P = ParamSpec("P")
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
        if self._is_here():
            return work()

        async def on_loop() -> T:
            return work()

        return self.wait(on_loop)

    def wait(self, work: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Waits for the coroutine that `work` makes, both on the loop.

        Raises:
            RuntimeError: This is the loop.
        """
        if self._is_here():
            raise RuntimeError("a blocking call on the worker's own loop would wait for itself for ever: use await")
        call_id, hop = self._hop(work)
        try:
            return hop.result()
        except concurrent.futures.CancelledError:  # which is an Exception, unlike that of asyncio
            raise asyncio.CancelledError from None
        finally:
            self._landed(call_id, hop)

    def _is_here(self) -> bool:
        try:
            return asyncio.get_running_loop() is self._loop
        except RuntimeError:  # there is none
            return False

    def stop(self) -> None:
        """Ends the hops of the call in whose course this is called: its thread waits where no interrupt reaches it."""
        call_id = _call_id()
        with self._lock:
            hops = list(self._open.get(call_id, ()))
        for hop in hops:
            hop.cancel()

    def _hop(self, work: Callable[[], Coroutine[Any, Any, T]]) -> tuple[int, Future[T]]:
        call_id = _call_id()

        async def begin() -> T:
            return await work()

        with self._lock:
            hop = asyncio.run_coroutine_threadsafe(begin(), self._loop)
            self._open.setdefault(call_id, set()).add(hop)
        return call_id, hop

    def _landed(self, call_id: int, hop: Future[Any]) -> None:
        with self._lock:
            hops = self._open[call_id]
            hops.discard(hop)
            if not hops:
                del self._open[call_id]
        hop.cancel()


def _call_id() -> int:
    scope = CURRENT.get()
    return 0 if scope is None else scope.call_id


def for_thread(session: SessionContext, hops: Hops) -> Any:
    """The session as a plain function sees it: the same methods, each of which runs on the worker's loop."""
    return _Hopping(session, hops)


def without_await(session: SessionContext, hops: Hops) -> WaitingContext:
    """The session for a function whose parameter says `coilyard.sync.SessionContext`."""
    return WaitingContext(session, _Waiting(hops))


class _Waiting(LoopThread):
    """The worker's loop, as the synchronous facade uses its thread."""

    def __init__(self, hops: Hops) -> None:
        self._hops = hops

    @property
    def alive(self) -> bool:
        return True

    def run(self, function: Callable[P, Coroutine[Any, Any, T]], *args: P.args, **kwargs: P.kwargs) -> T:
        return self._hops.wait(lambda: function(*args, **kwargs))

    def call(self, function: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        return self._hops.call(lambda: function(*args, **kwargs))

    def stop(self) -> None:
        """The loop is the worker's."""


class _Hopping:
    """Passes for a session to `isinstance` too, as mocks do, which the type checker knows of no class."""

    def __init__(self, inner: Any, hops: Hops) -> None:
        self._inner = inner
        self._hops = hops

    @property  # type: ignore[misc]  # of `object` it is a plain attribute
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
