"""Runs tools: plain and coroutine functions, generators of both kinds."""

from __future__ import annotations

import asyncio
import inspect
import typing
from collections.abc import Awaitable, Callable, Generator, Mapping
from contextlib import aclosing, closing
from typing import Any

from coilyard._errors import PayloadTooLarge, ToolNotFound, VariableNotFound
from coilyard._registry import Registry, ToolDefinition
from coilyard._scope import CURRENT
from coilyard._session.context import SessionContext
from coilyard._session.facade import SessionContext as WaitingContext
from coilyard._values import decode_value
from coilyard._worker.arguments import fit_arguments
from coilyard._worker.failures import UserCodeFailed, guard
from coilyard._worker.hops import Hops, for_thread, without_await
from coilyard._worker.sessions import Sessions
from coilyard._worker.threads import Threads

#: What is known for what it is already.
_PASSING = (PayloadTooLarge, UserCodeFailed)

#: Takes one chunk and returns once there is room for the next.
Emit = Callable[[Any], Awaitable[None]]


class ToolCalls:
    """Finds a tool, fills in its arguments and its session, and runs it."""

    def __init__(self, registry: Registry, threads: Threads, sessions: Sessions, hops: Hops) -> None:
        self._registry = registry
        self._threads = threads
        self._sessions = sessions
        self._hops = hops
        #: Whether the session parameter of a function says `coilyard.sync.SessionContext`.
        self._synchronous: dict[Callable[..., Any], bool] = {}

    def find(self, name: str) -> ToolDefinition:
        """The tool of this name.

        Raises:
            ToolNotFound: There is none.
        """
        tool = self._registry.tools.get(name)
        if tool is None:
            known = [definition.name for definition in self._registry.tools.all()]
            raise ToolNotFound(f"no tool {name!r} here", details={"tool": name, "known": known})
        return tool

    async def run(self, name: str, arguments: Mapping[str, Any], session_id: str, emit: Emit | None = None) -> Any:
        """Runs a tool to its end.

        Args:
            name: Of the tool.
            arguments: By name.
            session_id: The session of the call, empty when it has none.
            emit: Takes what a generator yields; without it, the result is the list of that.

        Returns:
            What the function returned; of a generator that was streamed, its return value.

        Raises:
            CoilyardError: It was not executed.
            UserCodeFailed: It raised.
        """
        tool = self.find(name)
        if tool.variables:
            arguments = {**_injected(tool, arguments), **arguments}
        given = fit_arguments(f"tool {name!r}", tool.parameters, arguments)
        session = tool.parameters.session
        if session is None:
            return await self._execute(tool, given, emit)
        async with self._sessions.lend(session_id) as context:
            given[session] = self._fitting(tool, session, context)
            return await self._execute(tool, given, emit)

    def _fitting(self, tool: ToolDefinition, parameter: str, context: SessionContext) -> Any:
        """The session in the form that the function can use."""
        if tool.function not in self._synchronous:
            self._synchronous[tool.function] = _wants_sync(tool.function, parameter)
        if self._synchronous[tool.function]:
            return without_await(context, self._hops)
        is_on_loop = tool.is_coroutine or inspect.isasyncgenfunction(tool.function)
        return context if is_on_loop else for_thread(context, self._hops)

    async def _execute(self, tool: ToolDefinition, given: dict[str, Any], emit: Emit | None) -> Any:
        if not tool.streaming:
            return await guard(self._call(tool, given))
        if emit is not None:
            return await guard(self._stream(tool.function, given, emit), passing=_PASSING)
        chunks: list[Any] = []
        await guard(self._stream(tool.function, given, _collector(chunks)), passing=_PASSING)
        return chunks

    async def _call(self, tool: ToolDefinition, given: dict[str, Any]) -> Any:
        if tool.is_coroutine:
            return await tool.function(**given)
        result = await self._threads.run(tool.function, **given)
        return await result if inspect.isawaitable(result) else result

    async def _stream(self, function: Callable[..., Any], given: dict[str, Any], emit: Emit) -> Any:
        if inspect.isasyncgenfunction(function):
            async with aclosing(function(**given)) as chunks:
                async for chunk in chunks:
                    await emit(chunk)
            return None
        return await _Driver(emit).run(self._threads, lambda: function(**given))


def _wants_sync(function: Callable[..., Any], parameter: str) -> bool:
    try:
        annotation = typing.get_type_hints(function).get(parameter)
    except Exception:  # names that only type checkers see
        return "sync." in str(getattr(function, "__annotations__", {}).get(parameter))
    return WaitingContext in (annotation, *typing.get_args(annotation))


def _injected(tool: ToolDefinition, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """The values of the variables that the tool asks for and its caller did not give."""
    scope = CURRENT.get()
    values: dict[str, Any] = {}
    for name in tool.variables:
        if scope is not None and name in scope.variables:
            values[name] = decode_value(scope.variables[name])
        elif name not in arguments and name in tool.parameters.required():
            whose = f"session {scope.session_id} has none" if scope and scope.session_id else "there is no session"
            raise VariableNotFound(f"tool {tool.name!r} needs the variable {name!r}: {whose}", details={"name": name})
    return values


class _Driver:
    """Runs a plain generator in a thread, from which it hands its chunks to the loop one at a time."""

    def __init__(self, emit: Emit) -> None:
        self._emit = emit
        self._loop = asyncio.get_running_loop()
        self._emitting: asyncio.Task[None] | None = None
        self._stopped = False

    async def run(self, threads: Threads, start: Callable[[], Generator[Any, Any, Any]]) -> Any:
        # A task that ends with what ends a process ends the loop as well.
        driving = self._loop.create_task(guard(threads.run(self._drive, start), passing=_PASSING))
        try:
            return await asyncio.shield(driving)
        except asyncio.CancelledError:
            self._stopped = True
            driving.cancel()
            if self._emitting is not None:  # the thread waits for credit that may never come
                self._emitting.cancel()
            await asyncio.gather(driving, return_exceptions=True)
            raise

    def _drive(self, start: Callable[[], Generator[Any, Any, Any]]) -> Any:
        with closing(start()) as chunks:
            while True:
                try:
                    chunk = next(chunks)
                except StopIteration as end:
                    return end.value
                asyncio.run_coroutine_threadsafe(self._emit_on_loop(chunk), self._loop).result()

    async def _emit_on_loop(self, chunk: Any) -> None:
        if self._stopped:
            raise asyncio.CancelledError
        self._emitting = asyncio.current_task()
        try:
            await self._emit(chunk)
        finally:
            self._emitting = None


def _collector(chunks: list[Any]) -> Emit:
    async def collect(chunk: Any) -> None:
        chunks.append(chunk)

    return collect
