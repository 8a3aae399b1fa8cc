"""What went wrong with a call, as the runtime hears it."""

from __future__ import annotations

import asyncio
import concurrent.futures
import inspect
import traceback
from collections.abc import Awaitable
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from coilyard._errors import CoilyardError, InternalError, PythonError
from coilyard._proto import errors_pb2
from coilyard._wire_errors import detail_from_error

#: Longer texts are cut in the middle: the start names the chain of causes, the end the place.
MAX_TRACEBACK = 64 * 1024
MAX_MESSAGE = 4 * 1024

T = TypeVar("T")

_PACKAGE = str(Path(__file__).resolve().parents[1])
_MACHINERY = tuple(str(Path(inspect.getfile(module)).parent) for module in (asyncio, concurrent.futures))


class UserCodeFailed(Exception):
    """User code raised; `__cause__` is what it raised. Tells its errors from the worker's own refusals."""


async def guard(work: Awaitable[T], passing: type[Exception] | tuple[type[Exception], ...] = ()) -> T:
    """Awaits user code and marks what it raises as its own; a cancellation passes, and so do errors of `passing`.

    Raises:
        UserCodeFailed: Whatever else it raised, `SystemExit` included: it would end the worker and its other calls.
    """
    try:
        return await work
    except asyncio.CancelledError:
        raise
    except passing:
        raise
    except BaseException as error:
        raise UserCodeFailed(type(error).__qualname__) from error


def detail_of(error: BaseException) -> errors_pb2.ErrorDetail:
    """The detail of whatever ended a call."""
    if isinstance(error, UserCodeFailed):
        return detail_from_error(python_error(error.__cause__ or error))
    if isinstance(error, CoilyardError):
        return detail_from_error(error)
    fault = python_error(error)
    return detail_from_error(InternalError(f"a fault of the worker: {fault.message}", details=fault.details))


def python_error(error: BaseException) -> PythonError:
    """An exception of user code with its type, message and traceback, causes included."""
    kind = type(error)
    name = kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
    message = text_of(error)
    return PythonError(
        _valid(f"{kind.__qualname__}: {message}" if message else kind.__qualname__),
        details={"type": name, "message": _valid(message), "traceback": _valid(_traceback_of(error))},
    )


def text_of(error: BaseException) -> str:
    """Its message, whatever its class does when it is asked for one."""
    try:
        text = str(error)
    except BaseException as broken:  # user code again: what would end the process is an error like any other
        text = f"<no text: {type(broken).__name__}>"
    return cut(text, MAX_MESSAGE)


def _traceback_of(error: BaseException) -> str:
    try:
        lines = traceback.format_exception(type(error), error, _own_frames_skipped(error.__traceback__))
    except BaseException as broken:
        return f"<no traceback: {type(broken).__name__}>"
    return cut("".join(lines), MAX_TRACEBACK)


def _own_frames_skipped(trace: TracebackType | None) -> TracebackType | None:
    """The traceback from the first frame of user code on: before it come ours, and those of the thread pool."""
    step = trace
    while step is not None and _is_ours(step.tb_frame.f_code.co_filename):
        step = step.tb_next
    return step or trace


def _is_ours(file: str) -> bool:
    return file.startswith(_PACKAGE) or any(file.startswith(part) for part in _MACHINERY)


def cut(text: str, most: int) -> str:
    """The text in at most `most` characters, without its middle."""
    if len(text) <= most:
        return text
    mark = f"\n... {len(text) - most} characters left out ...\n"
    head = (most - len(mark)) // 4
    return text[:head] + mark + text[head + len(mark) - most :]


def _valid(text: str) -> str:
    """Text that can travel: lone surrogates become question marks."""
    return text.encode("utf-8", "replace").decode("utf-8")
