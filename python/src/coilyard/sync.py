"""The same names without `await`, for code that has no event loop: `with coilyard.sync.connect(address) as client`.

Every call runs the asynchronous core on one background thread; there is no second implementation. Objects of this
module may be shared among threads.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from functools import wraps
from types import TracebackType
from typing import TYPE_CHECKING, Any, Concatenate, Generic, TypeVar, cast

from typing_extensions import ParamSpec, Self

from coilyard import _arguments as given
from coilyard._calls import DEFAULT_TIMEOUT_S
from coilyard._client import Client as AsyncClient
from coilyard._loop_thread import LoopThread
from coilyard._records import SessionInfo, VariableUpdate
from coilyard._sentinel import MISSING
from coilyard._session.config import SessionConfig
from coilyard._session.context import SessionContext as AsyncSessionContext
from coilyard._watch import Watch as AsyncWatch

if TYPE_CHECKING:
    import grpc

A = TypeVar("A")
T = TypeVar("T")
P = ParamSpec("P")

_Settings = SessionConfig | Mapping[str, Any] | None


class _Facade(Generic[A]):
    """Something asynchronous and the thread that it lives on."""

    def __init__(self, inner: A, loop: LoopThread) -> None:
        self._inner = inner
        self._loop = loop

    def __repr__(self) -> str:
        return f"{self._inner!r} (synchronous)"


def _blocking(
    method: Callable[Concatenate[A, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[_Facade[A], P], T]:
    """The method without `await`: same name, same parameters, same documentation."""

    @wraps(method)
    def call(self: _Facade[A], *args: P.args, **kwargs: P.kwargs) -> T:
        return self._loop.run(method, self._inner, *args, **kwargs)

    return cast("Callable[Concatenate[_Facade[A], P], T]", call)


def _plain(method: Callable[Concatenate[A, P], T]) -> Callable[Concatenate[_Facade[A], P], T]:
    """A method that awaits nothing, but belongs to the loop's thread."""

    @wraps(method)
    def call(self: _Facade[A], *args: P.args, **kwargs: P.kwargs) -> T:
        return self._loop.call(method, self._inner, *args, **kwargs)

    return cast("Callable[Concatenate[_Facade[A], P], T]", call)


class Watch(_Facade[AsyncWatch]):
    """Updates of watched variables: a plain iterator and a context manager."""

    def __iter__(self) -> Self:
        return self

    def __next__(self) -> VariableUpdate:
        """Waits for the next update.

        Raises:
            StopIteration: The watch ended; `end_reason` says why.
        """
        update = self._loop.run(self._next)
        if update is None:
            raise StopIteration
        return update

    async def _next(self) -> VariableUpdate | None:
        try:
            return await self._inner.__anext__()
        except StopAsyncIteration:
            return None

    @property
    def end_reason(self) -> str | None:
        """Why it ended; see the asynchronous `Watch`."""
        return self._inner.end_reason

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    cancel = _plain(AsyncWatch.cancel)
    close = _blocking(AsyncWatch.aclose)


class SessionContext(_Facade[AsyncSessionContext]):
    """One session's variables; see the asynchronous `SessionContext` for every method."""

    @property
    def session_id(self) -> str:
        """The session's id."""
        return self._inner.session_id

    def __enter__(self) -> Self:
        self.initialize()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.cleanup()

    def get_variable(self, name: str, default: Any = MISSING, bypass_cache: bool = False) -> Any:
        """The value of a variable; see the asynchronous `SessionContext.get_variable`."""
        if bypass_cache is False:
            # What is known to be true needs no trip to the other thread.
            value = self._inner.cache.read_from_thread(name)
            if value is not MISSING:
                return value
        return self._loop.run(self._inner.get_variable, name, default, bypass_cache)

    def watch_variable(
        self,
        name: str,
        include_initial: bool = True,
        filter_fn: Callable[[Any, Any], bool] | None = None,
        throttle_ms: float = 0,
        *,
        debounce_ms: float = 0,
    ) -> Watch:
        """Watches one variable; see the asynchronous `SessionContext.watch_variable`."""
        watch = self._loop.call(
            self._inner.watch_variable, name, include_initial, filter_fn, throttle_ms, debounce_ms=debounce_ms
        )
        return Watch(watch, self._loop)

    def watch_variables(self, names: Sequence[str], *args: Any, **kwargs: Any) -> Watch:
        """Watches many variables; the parameters of the asynchronous `SessionContext.watch_variables`."""
        return Watch(self._loop.call(self._inner.watch_variables, names, *args, **kwargs), self._loop)

    def cancel_watch(self, watch_task: Watch) -> None:
        """Ends a watch; an iteration over it in another thread stops."""
        if not isinstance(watch_task, Watch):
            raise given.wrong_kind("watch_task", "a watch", watch_task)
        watch_task.cancel()

    call = _blocking(AsyncSessionContext.call)
    call_tool = _blocking(AsyncSessionContext.call_tool)
    list_tools = _blocking(AsyncSessionContext.list_tools)
    initialize = _blocking(AsyncSessionContext.initialize)
    info = _blocking(AsyncSessionContext.info)
    touch = _blocking(AsyncSessionContext.touch)
    stop = _blocking(AsyncSessionContext.stop)
    cleanup = _blocking(AsyncSessionContext.cleanup)
    cached = _plain(AsyncSessionContext.cached)
    get_variables = _blocking(AsyncSessionContext.get_variables)
    list_variables = _blocking(AsyncSessionContext.list_variables)
    get_variable_history = _blocking(AsyncSessionContext.get_variable_history)
    get_variable_stats = _blocking(AsyncSessionContext.get_variable_stats)
    get_dependencies = _blocking(AsyncSessionContext.get_dependencies)
    get_dependents = _blocking(AsyncSessionContext.get_dependents)
    check_variable_access = _blocking(AsyncSessionContext.check_variable_access)
    export_variables = _blocking(AsyncSessionContext.export_variables)
    register_variable = _blocking(AsyncSessionContext.register_variable)
    register_variables = _blocking(AsyncSessionContext.register_variables)
    set_variable = _blocking(AsyncSessionContext.set_variable)
    update_variables = _blocking(AsyncSessionContext.update_variables)
    delete_variable = _blocking(AsyncSessionContext.delete_variable)
    add_dependency = _blocking(AsyncSessionContext.add_dependency)
    remove_dependency = _blocking(AsyncSessionContext.remove_dependency)
    set_variable_permissions = _blocking(AsyncSessionContext.set_variable_permissions)
    rollback_variable = _blocking(AsyncSessionContext.rollback_variable)
    import_variables = _blocking(AsyncSessionContext.import_variables)
    get_cache_info = _plain(AsyncSessionContext.get_cache_info)
    get_cache_stats = _plain(AsyncSessionContext.get_cache_stats)
    set_cache_config = _plain(AsyncSessionContext.set_cache_config)
    invalidate_cache = _plain(AsyncSessionContext.invalidate_cache)


class Client(_Facade[AsyncClient]):
    """A connection to a gateway; see the asynchronous `Client`."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection and ends the background thread; may be called again."""
        if self._loop.alive:
            self._loop.run(self._inner.aclose)
            self._loop.stop()

    def session(
        self, session_id: str, *, create: bool = True, as_session: str | None = None, config: _Settings = None
    ) -> SessionContext:
        """The session of this id, created when there is none; see the asynchronous `Client.session`."""
        session = self._loop.run(self._inner.session, session_id, create=create, as_session=as_session, config=config)
        return SessionContext(session, self._loop)

    def create_session(
        self,
        session_id: str | None = None,
        *,
        ttl_ms: int | None = None,
        metadata: Mapping[str, Any] | None = None,
        config: _Settings = None,
    ) -> SessionContext:
        """Starts a new session."""
        session = self._loop.run(
            self._inner.create_session, session_id, ttl_ms=ttl_ms, metadata=metadata, config=config
        )
        return SessionContext(session, self._loop)

    def list_sessions(self, page_size: int = 100) -> Iterator[SessionInfo]:
        """Every living session in order of id."""
        pages = self._inner.list_sessions(page_size)

        async def following() -> SessionInfo | None:
            return await anext(pages, None)

        while (info := self._loop.run(following)) is not None:
            yield info

    ready = _blocking(AsyncClient.ready)
    session_info = _blocking(AsyncClient.session_info)
    stop_session = _blocking(AsyncClient.stop_session)


def connect(
    address: str,
    *,
    token: str | None = None,
    credentials: grpc.ChannelCredentials | None = None,
    timeout: float = DEFAULT_TIMEOUT_S,
    multiplex: bool = True,
) -> Client:
    """Connects to a gateway; see `coilyard.connect`. Use it in a `with` block, or `close` it."""
    loop = LoopThread()
    try:
        inner = loop.call(
            AsyncClient, address, token=token, credentials=credentials, timeout=timeout, multiplex=multiplex
        )
    except BaseException:
        loop.stop()
        raise
    return Client(inner, loop)
