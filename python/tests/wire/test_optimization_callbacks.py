"""Callbacks: of every trial, in order, once, however often the connection breaks; never in the way of the trials."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import grpc
import pytest

from coilyard import SessionContext
from coilyard._proto import optimizations_pb2
from support.manual_clock import until
from support.scripted_gateway import ScriptedGateway
from support.scripted_study import ScriptedStudy

pytestmark = pytest.mark.asyncio


def a_session(channel: grpc.aio.Channel, **config: Any) -> SessionContext:
    return SessionContext("s", channel, {"push": False, "timeout": 60.0, **config})


def halve(value: float) -> float:
    if value < 0:
        raise ValueError("negative")
    return value / 2


async def test_a_callback_is_told_of_every_trial_in_order_failed_ones_without_metrics(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    study, session = ScriptedStudy(gateway, [1.0, -1.0, 3.0]), a_session(channel)
    seen: list[Any] = []
    await session.start_optimization("x", "grid_search", callback=lambda *told: seen.append(told), objective=halve)
    await until(lambda: len(seen) == 3)
    assert seen == [(1, 1.0, {"score": 0.5}), (2, -1.0, {}), (3, 3.0, {"score": 1.5})]
    await until(lambda: not study.is_on)
    await until(lambda: not session._core.optimizations._drives)


async def test_a_coroutine_that_hangs_holds_up_later_calls_only_and_stopping_ends_it(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    study, session = ScriptedStudy(gateway, [1.0, 2.0, 3.0]), a_session(channel)
    seen, cancelled = [], asyncio.Event()
    study.values.append(4.0)
    release = asyncio.Event()

    async def objective(value: float) -> float:
        if value == 4.0:
            await release.wait()
        return value

    async def hang(iteration: int, value: float, metrics: Any) -> None:
        seen.append(iteration)
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()

    await session.start_optimization("x", "grid_search", callback=hang, objective=objective)
    await until(lambda: len(study.told) == 3)
    await until(lambda: seen)
    await session.stop_optimization("x")
    assert cancelled.is_set()
    assert seen == [1]


class Grave(BaseException):
    """As those of trio and pytest are."""


@pytest.mark.parametrize("is_plain", [True, False], ids=["plain", "coroutine"])
async def test_what_a_callback_raises_is_logged_and_the_next_call_comes(
    gateway: ScriptedGateway, channel: grpc.aio.Channel, caplog: pytest.LogCaptureFixture, is_plain: bool
) -> None:
    ScriptedStudy(gateway, [1.0, 2.0, 3.0, 4.0])
    session = a_session(channel)
    seen = []

    def callback(iteration: int, value: float, metrics: Any) -> None:
        seen.append(iteration)
        if iteration == 1:
            raise RuntimeError("no plot")
        if iteration == 2:
            raise asyncio.CancelledError
        if iteration == 3:
            raise Grave

    async def waiting(iteration: int, value: float, metrics: Any) -> None:
        callback(iteration, value, metrics)

    told = callback if is_plain else waiting
    await session.start_optimization("x", "grid_search", callback=told, objective=halve)
    await until(lambda: len(seen) == 4)
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == [
        "the callback of opt_1 failed"
    ] * 3


async def test_a_callback_may_end_the_run_that_it_is_told_of(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    study, session = ScriptedStudy(gateway, [float(n) for n in range(1000)]), a_session(channel)
    ended = asyncio.Event()
    seen = []

    async def callback(iteration: int, value: float, metrics: Any) -> None:
        seen.append(iteration)
        if iteration == 2:
            await session.stop_optimization("x")
            assert (await session.get_optimization_status("x"))["reason"] == "stopped"
            ended.set()

    await session.start_optimization("x", "grid_search", callback=callback, objective=halve)
    await ended.wait()
    await until(lambda: not session._core.optimizations._drives)
    assert (seen, study.reason) == ([1, 2], "stopped")


async def test_a_stream_that_breaks_is_resumed_behind_the_last_trial_that_was_told(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    study, session = ScriptedStudy(gateway), a_session(channel)
    seen: list[int] = []
    opened: list[int] = []
    trials = [study.ended_trial(n, {"x": n}, score=1.0, state="complete") for n in range(1, 7)]

    async def follow(request: Any, context: Any) -> Any:
        opened.append(request.after_iteration)
        yield optimizations_pb2.FollowOptimizationResponse(trials=trials[max(0, request.after_iteration - 1) :][:3])
        if len(opened) == 1:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "lost")
        if len(opened) > 3:
            study.end("max_iterations")
            yield optimizations_pb2.FollowOptimizationResponse(ended=study.status())

    gateway.follow = follow
    await session.start_optimization("x", "bayesian", callback=lambda i, v, m: seen.append(i), objective="evaluate")
    await until(lambda: not session._core.optimizations._drives)
    assert (seen, opened) == ([1, 2, 3, 4, 5, 6], [0, 3, 5, 6])


async def test_a_stream_that_is_refused_is_no_end_of_the_run(
    gateway: ScriptedGateway, channel: grpc.aio.Channel, caplog: pytest.LogCaptureFixture
) -> None:
    study, session = ScriptedStudy(gateway, [1.0]), a_session(channel)

    async def follow(request: Any, context: Any) -> Any:
        await context.abort(grpc.StatusCode.PERMISSION_DENIED, "no")
        yield

    gateway.follow = follow
    await session.start_optimization("x", "grid_search", callback=print, objective=halve)
    await until(lambda: not study.is_on)
    await until(lambda: not session._core.optimizations._drives)
    assert study.reason == "exhausted"
    assert [record.getMessage() for record in caplog.records] == ["the callback of opt_1 is told no more: no"]
