"""Functions of DSPy in a thread of their own, which end soon after whoever waits for them was cancelled.

A thread cannot be stopped from outside. It is told to: the next module, model, adapter or metric that it comes to
raises `Interrupted`, which is no Exception: optimizers bear with failures, and are not to bear with this.
"""

from __future__ import annotations

import asyncio
import contextvars
import inspect
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import wraps
from typing import Any


class Interrupted(BaseException):
    """Raised in the threads of a run that was cancelled."""


class Interruption:
    """A flag that ends the work of all threads of one run, and knows how much of it still goes on."""

    def __init__(self) -> None:
        self._is_set = False
        self._changed = threading.Condition()
        self._going_on: set[object] = set()

    @property
    def is_set(self) -> bool:
        """Whether the run was cancelled."""
        return self._is_set

    def set(self) -> None:
        """Has everything that begins from now on raise `Interrupted`."""
        with self._changed:
            self._is_set = True

    def began(self, work: object) -> None:
        """Says that work begins.

        Raises:
            Interrupted: The run was cancelled: it must not.
        """
        with self._changed:
            if self._is_set:
                raise Interrupted
            self._going_on.add(work)

    def ended(self, work: object) -> None:
        """Says that work has ended, one way or the other."""
        with self._changed:
            self._going_on.discard(work)
            self._changed.notify_all()

    def wait(self) -> None:
        """Waits until nothing goes on; to be called once it is set."""
        with self._changed:
            self._changed.wait_for(lambda: not self._going_on)

    def guarding(self, function: Callable[..., Any], seen: Callable[[Any], None] | None = None) -> Callable[..., Any]:
        """The function, as work that can be interrupted before and after; `seen` is called with what it returns."""

        @wraps(function)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            with self._working():
                result = function(*args, **kwargs)
            if seen is not None:
                seen(result)
            return result

        return guarded

    @contextmanager
    def _working(self) -> Iterator[None]:
        work = object()
        self.began(work)
        try:
            yield
        finally:
            self.ended(work)


def guard_of(dspy: Any, interruption: Interruption) -> Any:
    """A callback of DSPy through which the flag reaches every thread of a run, those of DSPy's own pools included."""

    class Guard(dspy.utils.BaseCallback):  # type: ignore[misc] # DSPy is imported late
        def on_module_start(self, call_id: str, instance: Any, inputs: Any) -> None:  # noqa: ARG002
            interruption.began(call_id)

        def on_module_end(self, call_id: str, outputs: Any, exception: Any = None) -> None:  # noqa: ARG002
            interruption.ended(call_id)

        on_lm_start = on_module_start
        on_lm_end = on_module_end

        def on_evaluate_start(self, call_id: str, instance: Any, inputs: Any) -> None:  # noqa: ARG002
            if interruption.is_set:
                raise Interrupted

        on_tool_start = on_evaluate_start
        on_adapter_format_start = on_evaluate_start

    return Guard()


async def run_in_thread(
    dspy: Any,
    function: Callable[[Interruption], Any],
    *,
    interruption: Interruption | None = None,
    callbacks: tuple[Any, ...] = (),
) -> Any:
    """What a function returns that runs in a thread of its own, with the caller's context and DSPy settings.

    Cancelling has it interrupted, and waited for: neither its thread nor any work of its pools is left behind.

    Args:
        dspy: The library.
        function: Called with the interruption.
        interruption: The one to use; setting it elsewhere ends the function as well.
        callbacks: More of DSPy's callbacks for it.

    Raises:
        Interrupted: The interruption was set elsewhere.
    """
    flag = interruption or Interruption()

    def work() -> Any:
        guard = guard_of(dspy, flag)
        try:
            with dspy.context(callbacks=[*(dspy.settings.callbacks or ()), *callbacks, guard]):
                result = function(flag)
                return asyncio.run(result) if inspect.iscoroutine(result) else result
        except BaseException:
            flag.set()  # what others of its threads have begun comes to nothing
            flag.wait()
            raise

    def answer() -> Any:
        try:
            return work()
        except (StopIteration, asyncio.CancelledError) as error:  # whoever waits would take it for something else
            raise RuntimeError(f"a function raised {type(error).__name__}") from error

    context = contextvars.copy_context()
    pool = ThreadPoolExecutor(1, thread_name_prefix="coilyard-dspy")
    running = asyncio.wrap_future(pool.submit(context.run, answer))
    try:
        return await ended(running, flag.set)
    finally:
        flag.set()  # calls that DSPy repeated because they took long are of no use any more
        pool.shutdown()  # at once: its only work has ended


async def ended(running: asyncio.Future[Any], stop: Callable[[], None]) -> Any:
    """The result of a future that cancelling the awaiting task must not abandon.

    Args:
        running: What is waited for, however often the task is cancelled.
        stop: Called when it is; makes the future end soon.

    Raises:
        asyncio.CancelledError: The task was cancelled, unless the future had something else to say.
    """
    cancelled: asyncio.CancelledError | None = None
    while not running.done():
        try:
            await asyncio.wait([running])
        except asyncio.CancelledError as error:
            cancelled = error
            stop()
    if cancelled is not None:
        if not running.cancelled():
            running.exception()  # was seen
        raise cancelled
    return running.result()
