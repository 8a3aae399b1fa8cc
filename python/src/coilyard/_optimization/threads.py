"""User code, run so that it can neither block the event loop nor end what called it."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
import threading
from collections.abc import Awaitable, Callable
from contextvars import copy_context
from dataclasses import dataclass
from functools import partial
from queue import SimpleQueue
from typing import Any

_Job = tuple[asyncio.AbstractEventLoop, "asyncio.Future[Attempt]", Callable[[], Any]]


@dataclass(frozen=True, slots=True)
class Attempt:
    """What became of a call: a value, or what it raised. A call that the caller itself gave up has no attempt."""

    value: Any = None
    error: BaseException | None = None

    def result(self) -> Any:
        """The value.

        Raises:
            BaseException: What the call raised.
        """
        if self.error is not None:
            raise self.error
        return self.value


class OwnThread:
    """A thread for plain functions, started with the first; one call at a time, in the context of whoever awaits it.

    A call that is given up goes on, as a thread cannot be ended, and its result is dropped; the end of the process does
    not wait for it.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._jobs: SimpleQueue[_Job | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self._is_closed = False

    async def attempt(self, function: Callable[..., Any], *arguments: Any) -> Attempt:
        """Calls a function.

        Raises:
            KeyboardInterrupt: The function raised it; `SystemExit` likewise.
        """
        if self._is_closed:
            return Attempt(error=RuntimeError("the run is over"))
        if self._thread is None:
            self._thread = threading.Thread(target=_serve, args=(self._jobs,), name=self._name, daemon=True)
            self._thread.start()
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[Attempt] = loop.create_future()
        self._jobs.put((loop, answer, partial(copy_context().run, function, *arguments)))
        return _checked(await answer)

    def close(self) -> None:
        """Ends the thread behind what it does now."""
        self._is_closed = True
        self._jobs.put(None)


def _serve(jobs: SimpleQueue[_Job | None]) -> None:
    while True:
        job = jobs.get()
        if job is None:
            return
        loop, answer, run = job
        try:
            attempt = Attempt(run())
        except BaseException as error:
            attempt = Attempt(error=error)
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
            loop.call_soon_threadsafe(_settle, answer, attempt)
        del job, loop, answer, run, attempt


def _settle(answer: asyncio.Future[Attempt], attempt: Attempt) -> None:
    if not answer.done():
        answer.set_result(attempt)


async def attempt(function: Callable[..., Any], *arguments: Any, thread: OwnThread) -> Attempt:
    """Calls a coroutine function on the loop, and a plain one in a thread.

    Raises:
        CancelledError: The caller was cancelled, and with it the coroutine. One that it raises itself is an attempt.
        KeyboardInterrupt: The function raised it; `SystemExit` likewise.
    """
    if not is_async(function):
        called = await thread.attempt(function, *arguments)
        return await attempt_of(called.value) if inspect.isawaitable(called.value) else called
    try:
        running = function(*arguments)
    except Exception as error:
        return Attempt(error=error)
    return await attempt_of(running)


async def attempt_of(
    running: Awaitable[Any], started: Callable[[asyncio.Task[Attempt]], None] | None = None
) -> Attempt:
    """Awaits something of the user's in a task of its own: its cancellation is not the caller's.

    Args:
        running: What to await.
        started: Told of the task.
    """
    task = asyncio.get_running_loop().create_task(_captured(running))
    if started is not None:
        started(task)
    try:
        await asyncio.wait({task})
    except asyncio.CancelledError:
        task.cancel()
        raise
    return Attempt(error=asyncio.CancelledError()) if task.cancelled() else task.result()


async def _captured(running: Awaitable[Any]) -> Attempt:
    try:
        return Attempt(await running)
    except (KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:
        return Attempt(error=error)


def _checked(attempt: Attempt) -> Attempt:
    if isinstance(attempt.error, (KeyboardInterrupt, SystemExit)):
        raise attempt.error
    return attempt


def is_async(function: Callable[..., Any]) -> bool:
    """Whether calling it gives a coroutine."""
    return inspect.iscoroutinefunction(function) or inspect.iscoroutinefunction(getattr(function, "__call__", None))  # noqa: B004 - an object whose call is one


def off_loop(function: Callable[..., Any]) -> Callable[..., Any]:
    """The function, called in a thread for each call if it is a plain one."""
    if is_async(function):
        return function

    async def call(*arguments: Any) -> Any:
        thread = OwnThread("coilyard-callback")
        try:
            return (await attempt(function, *arguments, thread=thread)).result()
        finally:
            thread.close()

    return call


def retrieve(task: asyncio.Task[Any]) -> None:
    """Looks at what a task ended with: perhaps nobody awaits it any more."""
    if not task.cancelled():
        task.exception()
