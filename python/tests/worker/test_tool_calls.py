"""Tools: their arguments, their results, their errors."""

from __future__ import annotations

import asyncio
import contextvars
import dataclasses
import enum
import threading
from collections import deque
from collections.abc import Callable
from datetime import date, datetime, time, timezone
from decimal import Decimal
from typing import Any
from uuid import UUID

import numpy as np
import pytest

import coilyard
from support.bench_worker import BenchWorker

Build = Callable[..., BenchWorker]

pytestmark = pytest.mark.asyncio


def add(a: int, b: int = 2) -> int:
    return a + b


async def add_async(a: int, b: int = 2) -> int:
    await asyncio.sleep(0)
    return a + b


@pytest.mark.parametrize("tool", [add, add_async])
async def test_a_function_is_called_by_name_with_its_arguments(build: Build, tool: Callable[..., Any]) -> None:
    assert await build(tool).tool(tool.__name__, {"a": 40}) == 42


async def test_plain_functions_run_in_threads_that_see_the_context_of_the_call(build: Build) -> None:
    variable: contextvars.ContextVar[str] = contextvars.ContextVar("variable", default="unset")
    variable.set("seen")

    def where() -> list[Any]:
        return [variable.get(), threading.current_thread() is threading.main_thread()]

    assert await build(where).tool("where") == ["seen", False]


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({}, "missing argument 'a'; it takes a, b"),
        ({"a": 1, "c": 2}, "unexpected argument 'c'"),
        ({"b": 1, "c": 2}, "missing argument 'a', unexpected argument 'c'"),
    ],
)
async def test_wrong_arguments_are_refused_before_anything_runs(
    build: Build, arguments: dict[str, Any], complaint: str
) -> None:
    with pytest.raises(coilyard.InvalidArgument, match=complaint) as refused:
        await build(add).tool("add", arguments)
    assert refused.value.execution == "not_started"


class Colour(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Point:
    x: int


async def test_arguments_are_fitted_to_their_annotations(build: Build) -> None:
    def kinds(number: float, colour: Colour, point: Point, anything: Any, plain: int = 0) -> list[str]:
        return [type(value).__name__ for value in (number, colour, point, anything, plain)]

    worker = build(kinds)
    fitting = {"number": 1, "colour": "red", "point": {"x": 1}, "anything": [1], "plain": 2}
    assert await worker.tool("kinds", fitting) == ["float", "Colour", "Point", "list", "int"]
    for wrong in ({"colour": "green"}, {"point": {"z": 1}}):
        with pytest.raises(coilyard.InvalidArgument, match=next(iter(wrong))):
            await worker.tool("kinds", {**fitting, **wrong})


async def test_an_unknown_tool_is_named_with_those_that_exist(build: Build) -> None:
    with pytest.raises(coilyard.ToolNotFound) as missing:
        await build(add).tool("subtract")
    assert missing.value.details == {"tool": "subtract", "known": ["add"]}


async def test_an_exception_arrives_with_type_message_and_the_chain_of_its_causes(build: Build) -> None:
    def fail() -> None:
        try:
            raise KeyError("inner")
        except KeyError as error:
            raise ValueError("outer") from error

    with pytest.raises(coilyard.PythonError, match="ValueError: outer") as failed:
        await build(fail).tool("fail")
    details = failed.value.details
    assert (details["type"], details["message"], failed.value.execution) == ("ValueError", "outer", "done")
    assert "direct cause" in details["traceback"]
    assert details["traceback"].index("KeyError") < details["traceback"].index("ValueError: outer")
    assert "_worker" not in details["traceback"]


@pytest.mark.parametrize("kind", [SystemExit, KeyboardInterrupt, GeneratorExit, StopIteration, BaseException])
async def test_what_would_end_a_process_or_a_loop_is_an_error_like_any_other(
    build: Build, kind: type[BaseException]
) -> None:
    def plain() -> None:
        raise kind("stop")

    async def coroutine() -> None:
        raise kind("stop")

    worker = build(plain, coroutine, add)
    for name in ("plain", "coroutine"):
        with pytest.raises(coilyard.PythonError):
            await worker.tool(name)
    assert await worker.tool("add", {"a": 1}) == 3


async def test_an_error_of_the_sdk_that_user_code_lets_through_is_user_codes_error(build: Build) -> None:
    async def fail() -> None:
        raise coilyard.ConstraintViolation("above maximum 2")

    with pytest.raises(coilyard.PythonError) as failed:
        await build(fail).tool("fail")
    assert failed.value.details["type"] == "coilyard._errors.ConstraintViolation"


class Trap(Exception):
    """Ends the process when it is told, if it is let."""

    def __str__(self) -> str:
        raise {"KeyboardInterrupt": KeyboardInterrupt, "SystemExit": SystemExit}[self.args[0]]


class Unfit:
    @classmethod
    def model_validate(cls, data: str) -> None:
        raise Trap(data)


@pytest.mark.parametrize("kind", ["KeyboardInterrupt", "SystemExit"])
async def test_an_exception_that_would_end_the_process_when_it_is_told_is_told(build: Build, kind: str) -> None:
    def fail() -> None:
        raise Trap(kind)

    def take(unfit: Unfit) -> None:
        pass

    worker = build(fail, take, add)
    with pytest.raises(coilyard.PythonError, match=f"no text: {kind}"):
        await worker.tool("fail")
    with pytest.raises(coilyard.InvalidArgument, match=f"no text: {kind}"):
        await worker.tool("take", {"unfit": kind})
    assert await worker.tool("add", {"a": 1}) == 3


async def test_hostile_exceptions_are_told_all_the_same(build: Build) -> None:
    class Mute(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no text")

    def mute() -> None:
        raise Mute

    def shout() -> None:
        raise ValueError("\ud800" + "x" * 10_000_000)

    worker = build(mute, shout)
    with pytest.raises(coilyard.PythonError, match="no text: RuntimeError"):
        await worker.tool("mute")
    with pytest.raises(coilyard.PythonError) as failed:
        await worker.tool("shout")
    assert len(failed.value.details["traceback"]) <= 64 * 1024
    assert len(failed.value.message) < 5_000


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (None, None),
        (2**80, 2**80),
        ({"a": [1, (2,)]}, {"a": [1, [2]]}),
        (Point(1), {"x": 1}),
        ([Point(1), Colour.RED], [{"x": 1}, "red"]),
        ({1, 2}, [1, 2]),
        (datetime(2026, 1, 1, tzinfo=timezone.utc), "2026-01-01T00:00:00+00:00"),
        (np.float32(0.5), 0.5),
        ({"a": np.arange(3)}, {"a": [0, 1, 2]}),
        (np.datetime64("2026-01-01"), "2026-01-01"),
        ({np.int64(3): 1, Colour.RED: 2, date(2026, 1, 1): 3}, {"3": 1, "red": 2, "2026-01-01": 3}),
        ([deque([1]), range(2), {"k": "v"}.keys(), {"k": "v"}.values()], [[1], [0, 1], ["k"], ["v"]]),
        ([UUID(int=5), Decimal("1.50"), time(1, 2)], ["00000000-0000-0000-0000-000000000005", "1.50", "01:02:00"]),
    ],
    ids=repr,
)
async def test_results_travel_as_plain_data(build: Build, value: Any, plain: Any) -> None:
    def give() -> Any:
        return value

    assert await build(give).tool("give") == plain


@pytest.mark.parametrize("kind", [bytes, bytearray, memoryview])
async def test_bytes_travel_as_arrays_and_arrive_as_bytes_where_those_are_expected(build: Build, kind: Any) -> None:
    def give() -> Any:
        return kind(b"\x00\xff")

    def take(data: bytes) -> str:
        return repr(data)

    worker = build(give, take)
    array = await worker.tool("give")
    assert (array.dtype, array.tolist()) == (np.uint8, [0, 255])
    assert await worker.tool("take", {"data": array}) == repr(b"\x00\xff")
    assert await worker.tool("take", {"data": np.zeros(1)}) == repr(np.zeros(1))


class Hostile:
    """Raises whatever is asked of it."""

    def __init__(self, kind: type[BaseException]) -> None:
        self.kind = kind

    def model_dump(self, **_: Any) -> Any:
        raise self.kind("not me")


@pytest.mark.parametrize("kind", [ValueError, KeyboardInterrupt, SystemExit])
async def test_a_result_whose_own_code_fails_costs_its_call_and_was_executed(
    build: Build, kind: type[BaseException]
) -> None:
    def give() -> object:
        return Hostile(kind)

    worker = build(give, add)
    with pytest.raises(coilyard.ValidationFailed, match=f"a Hostile that raises {kind.__name__}: not me") as failed:
        await worker.tool("give")
    assert failed.value.execution == "done"
    assert await worker.tool("add", {"a": 1}) == 3


async def test_a_class_is_no_value_though_its_instances_would_be(build: Build) -> None:
    def give() -> object:
        return Hostile

    with pytest.raises(coilyard.ValidationFailed, match="a type has no form"):
        await build(give).tool("give")


async def test_a_result_without_a_form_on_the_wire_is_told_and_was_executed(build: Build) -> None:
    def give() -> object:
        return object()

    with pytest.raises(coilyard.ValidationFailed, match="the result cannot be sent: a object") as failed:
        await build(give).tool("give")
    assert failed.value.execution == "done"


async def test_a_result_too_large_for_a_message_costs_its_call_and_nothing_else(build: Build) -> None:
    def large() -> str:
        return "x" * (17 * 1024 * 1024)

    worker = build(large, add)
    with pytest.raises(coilyard.PayloadTooLarge) as failed:
        await worker.tool("large")
    assert failed.value.execution == "done"
    assert await worker.tool("add", {"a": 1}) == 3
