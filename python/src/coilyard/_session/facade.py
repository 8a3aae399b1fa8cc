"""A session and its watches without `await`: what `coilyard.sync` shows of them, and tools that are plain functions.

Every call runs the asynchronous core on the loop of another thread; there is no second implementation.
"""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping, Sequence
from functools import wraps
from types import TracebackType
from typing import Any, Concatenate, Generic, TypeVar, cast

from typing_extensions import ParamSpec, Self

from coilyard import _arguments as given
from coilyard._loop_thread import LoopThread
from coilyard._optimization.options import MAXIMIZE
from coilyard._optimization.threads import off_loop
from coilyard._records import VariableUpdate
from coilyard._sentinel import MISSING
from coilyard._session.context import SessionContext as AsyncSessionContext
from coilyard._shaping import DebounceScope
from coilyard._watch import NamedFilter
from coilyard._watch import Watch as AsyncWatch

A = TypeVar("A")
T = TypeVar("T")
P = ParamSpec("P")


class Facade(Generic[A]):
    """Something asynchronous and the thread that it lives on."""

    def __init__(self, inner: A, loop: LoopThread) -> None:
        self._inner = inner
        self._loop = loop

    def __repr__(self) -> str:
        return f"{self._inner!r} (synchronous)"


def blocking(
    method: Callable[Concatenate[A, P], Coroutine[Any, Any, T]],
) -> Callable[Concatenate[Facade[A], P], T]:
    """The method without `await`: same name, same parameters, same documentation."""

    @wraps(method)
    def call(self: Facade[A], *args: P.args, **kwargs: P.kwargs) -> T:
        return self._loop.run(method, self._inner, *args, **kwargs)

    return cast("Callable[Concatenate[Facade[A], P], T]", call)


def plain(method: Callable[Concatenate[A, P], T]) -> Callable[Concatenate[Facade[A], P], T]:
    """A method that awaits nothing, but belongs to the loop's thread."""

    @wraps(method)
    def call(self: Facade[A], *args: P.args, **kwargs: P.kwargs) -> T:
        return self._loop.call(method, self._inner, *args, **kwargs)

    return cast("Callable[Concatenate[Facade[A], P], T]", call)


class Watch(Facade[AsyncWatch]):
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

    cancel = plain(AsyncWatch.cancel)
    close = blocking(AsyncWatch.aclose)


class SessionContext(Facade[AsyncSessionContext]):
    """One session's variables; see the asynchronous `SessionContext` for every method."""

    @property
    def session_id(self) -> str:
        """The session's id."""
        return self._inner.session_id

    @property
    def metadata(self) -> dict[str, Any]:
        """What the session is given as metadata if it is created here."""
        return self._inner.metadata

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
        """Watches many variables; see the asynchronous `SessionContext.watch_variables`."""
        watch = self._loop.call(
            self._inner.watch_variables, names, include_initial, filter_fn, throttle_ms, debounce_ms,
            debounce_scope=debounce_scope, pattern=pattern,
        )  # fmt: skip
        return Watch(watch, self._loop)

    def cancel_watch(self, watch_task: Watch) -> None:
        """Ends a watch; an iteration over it in another thread stops."""
        if not isinstance(watch_task, Watch):
            raise given.wrong_kind("watch_task", "a watch", watch_task)
        watch_task.cancel()

    def start_optimization(
        self,
        variable: str | Sequence[str],
        optimizer_type: str,
        optimizer_config: Mapping[str, Any] | None = None,
        max_iterations: int = 100,
        convergence_threshold: float = 0.001,
        callback: Callable[[int, Any, dict[str, float]], Any] | None = None,
        *,
        objective: Callable[[Any], Any] | str | Mapping[str, Any] | None = None,
        direction: str = MAXIMIZE,
    ) -> str:
        """Starts to look for the best value; see the asynchronous `SessionContext.start_optimization`.

        Plain functions, the callback included, are called in threads of their own: they may use this session.
        """
        told = off_loop(callback) if callable(callback) else callback
        return self._loop.run(
            self._inner.start_optimization, variable, optimizer_type, optimizer_config, max_iterations,
            convergence_threshold, told, objective=objective, direction=direction,
        )  # fmt: skip

    call = blocking(AsyncSessionContext.call)
    call_tool = blocking(AsyncSessionContext.call_tool)
    list_tools = blocking(AsyncSessionContext.list_tools)
    initialize = blocking(AsyncSessionContext.initialize)
    info = blocking(AsyncSessionContext.info)
    touch = blocking(AsyncSessionContext.touch)
    stop = blocking(AsyncSessionContext.stop)
    cleanup = blocking(AsyncSessionContext.cleanup)
    cached = plain(AsyncSessionContext.cached)
    get_variables = blocking(AsyncSessionContext.get_variables)
    list_variables = blocking(AsyncSessionContext.list_variables)
    get_variable_history = blocking(AsyncSessionContext.get_variable_history)
    get_variable_stats = blocking(AsyncSessionContext.get_variable_stats)
    get_dependencies = blocking(AsyncSessionContext.get_dependencies)
    get_dependents = blocking(AsyncSessionContext.get_dependents)
    check_variable_access = blocking(AsyncSessionContext.check_variable_access)
    export_variables = blocking(AsyncSessionContext.export_variables)
    register_variable = blocking(AsyncSessionContext.register_variable)
    register_variables = blocking(AsyncSessionContext.register_variables)
    set_variable = blocking(AsyncSessionContext.set_variable)
    update_variables = blocking(AsyncSessionContext.update_variables)
    delete_variable = blocking(AsyncSessionContext.delete_variable)
    add_dependency = blocking(AsyncSessionContext.add_dependency)
    remove_dependency = blocking(AsyncSessionContext.remove_dependency)
    set_variable_permissions = blocking(AsyncSessionContext.set_variable_permissions)
    rollback_variable = blocking(AsyncSessionContext.rollback_variable)
    import_variables = blocking(AsyncSessionContext.import_variables)
    stop_optimization = blocking(AsyncSessionContext.stop_optimization)
    get_optimization_status = blocking(AsyncSessionContext.get_optimization_status)
    get_optimization_history = blocking(AsyncSessionContext.get_optimization_history)
    register_python_optimizer = blocking(AsyncSessionContext.register_python_optimizer)
    ask_trial = blocking(AsyncSessionContext.ask_trial)
    tell_trial = blocking(AsyncSessionContext.tell_trial)
    fail_trial = blocking(AsyncSessionContext.fail_trial)
    get_cache_info = plain(AsyncSessionContext.get_cache_info)
    get_cache_stats = plain(AsyncSessionContext.get_cache_stats)
    set_cache_config = plain(AsyncSessionContext.set_cache_config)
    invalidate_cache = plain(AsyncSessionContext.invalidate_cache)
