"""Runs whose objective is here: where it runs, what it may return, and how a run ends."""

from __future__ import annotations

import asyncio
import contextvars
import logging
import signal
import sys
import threading
from typing import Any

import grpc
import pytest

import coilyard
from coilyard import SessionContext
from support.manual_clock import until
from support.scripted_gateway import ScriptedGateway, refuse
from support.scripted_study import ScriptedStudy

pytestmark = pytest.mark.asyncio


def a_session(channel: grpc.aio.Channel, **config: Any) -> SessionContext:
    return SessionContext("s", channel, {"push": False, "timeout": 60.0, **config})


def parabola(value: float) -> float:
    return 1.0 - (value - 0.4) ** 2


async def test_a_plain_function_is_asked_in_a_thread_of_its_own_and_the_best_value_is_known(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    study, session = ScriptedStudy(gateway, [0.1, 0.4, 0.9]), a_session(channel)
    threads: set[threading.Thread] = set()

    def objective(value: float) -> float:
        threads.add(threading.current_thread())
        return parabola(value)

    run = await session.start_optimization("x", "grid_search", objective=objective)
    await until(lambda: not study.is_on)
    status = await session.get_optimization_status("x")
    assert (run, status["optimization_id"], status["is_optimizing"], status["reason"]) == (
        "opt_1", "opt_1", False, "exhausted"
    )  # fmt: skip
    assert (status["best_value"], status["best_score"], status["best_metrics"]) == (0.4, 1.0, {"score": 1.0})
    assert (status["committed_version"], status["iteration"]) == (7, 3)
    assert len(threads) == 1
    assert threading.current_thread() not in threads
    await until(lambda: not any(thread.is_alive() for thread in threads))


async def test_what_is_asked_for_travels(gateway: ScriptedGateway, channel: grpc.aio.Channel) -> None:
    study, session = ScriptedStudy(gateway, []), a_session(channel, source="me")
    config = {
        "xi": 0.01,
        "seed": 1,
        "metric": "accuracy",
        "parallel": 2,
        "timeout_s": 1.5,
        "patience": 4,
        "lease_s": 30,
    }
    await session.start_optimization(
        "x", "bayesian", {**config, "apply_trials": None}, 50, 0.0, objective=parabola, direction="minimize"
    )
    assert study.start is not None
    assert dict(study.start.config).keys() == {"xi", "seed"}
    wanted = {
        "metric": "accuracy", "parallel": 2, "timeout_ms": 1500, "patience": 4, "lease_ms": 30_000, "source": "me",
        "max_iterations": 50, "convergence_threshold": 0.0, "direction": "minimize", "objective": "",
        "external": False, "apply_trials": False, "session_id": "s",
    }  # fmt: skip
    assert {key: getattr(study.start, key) for key in wanted} == wanted
    assert study.start.HasField("convergence_threshold")


async def test_an_objective_sees_the_context_of_whoever_has_started_the_run(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    study, session = ScriptedStudy(gateway, [0.1, 0.2]), a_session(channel)
    who: contextvars.ContextVar[str] = contextvars.ContextVar("who", default="nobody")
    seen = []

    def objective(value: float) -> float:
        seen.append(who.get())
        return value

    who.set("me")
    await session.start_optimization("x", "grid_search", objective=objective)
    who.set("somebody else")
    await until(lambda: not study.is_on)
    assert seen == ["me", "me"]


async def test_a_coroutine_function_runs_on_the_loop_and_as_many_at_once_as_were_asked_for(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    study, session = ScriptedStudy(gateway, [1, 2, 3, 4, 5]), a_session(channel)
    running, most = set(), []
    release = asyncio.Event()

    async def objective(value: int) -> float:
        running.add(value)
        most.append(len(running))
        await release.wait()
        running.discard(value)
        return float(value)

    await session.start_optimization("x", "grid_search", {"parallel": 3}, objective=objective)
    await until(lambda: len(running) == 3)
    release.set()
    await until(lambda: not study.is_on)
    assert max(most) == 3
    assert len({request.client_id for request in study.told.values()}) == 3
    assert (await session.get_optimization_status("x"))["best_value"] == 5


async def test_a_plain_function_may_return_something_to_be_awaited(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    study, session = ScriptedStudy(gateway, [0.1]), a_session(channel)

    async def later(value: float) -> float:
        return value * 2

    await session.start_optimization("x", "grid_search", objective=lambda value: later(value))
    await until(lambda: not study.is_on)
    assert study.told[1].score == 0.2


async def test_several_variables_are_tried_together_as_dicts_by_name(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    study, session = ScriptedStudy(gateway, [{"x": 1, "y": 2.5}, {"x": 2, "y": 0.5}]), a_session(channel)
    seen: list[Any] = []
    await session.start_optimization(
        ["x", "y"], "grid_search", objective=lambda values: values["x"] * values["y"],
        callback=lambda *progress: seen.append(progress),
    )  # fmt: skip
    await until(lambda: len(seen) == 2 and not study.is_on)
    status = await session.get_optimization_status("y")
    assert (status["best_value"], status["committed_version"]) == ({"x": 1, "y": 2.5}, {"x": 7, "y": 7})
    assert seen[1] == (2, {"x": 2, "y": 0.5}, {"score": 1.0})


async def test_stopping_cancels_a_coroutine_drops_its_result_and_forgets_what_was_cached(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    study, session = ScriptedStudy(gateway, [0.1, 0.2]), a_session(channel, cache_ttl=60.0)
    assert await session.get_variable("x") == 0.5
    cancelled, started = asyncio.Event(), asyncio.Event()

    async def objective(value: float) -> float:
        if value == 0.1:
            return 1.0
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        return 0.0

    await session.start_optimization("x", "grid_search", objective=objective)
    await started.wait()
    await session.stop_optimization("x")
    assert cancelled.is_set()
    assert set(study.told) == {1}
    assert (await session.get_optimization_status("x"))["reason"] == "stopped"
    assert session.cached("x", None) is None
    with pytest.raises(coilyard.NotOptimizing):
        await session.stop_optimization("x")


async def test_stopping_does_not_wait_for_a_plain_function_and_nobody_hears_of_it(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    study, session = ScriptedStudy(gateway, [0.1, 0.2]), a_session(channel)
    started, release, ended = threading.Event(), threading.Event(), threading.Event()

    def objective(value: float) -> float:
        started.set()
        release.wait()
        ended.set()
        return value

    await session.start_optimization("x", "grid_search", objective=objective)
    await until(started.is_set)
    await session.stop_optimization("x")
    release.set()
    await until(ended.is_set)
    await session.get_optimization_status("x")
    assert study.told == {}


async def test_a_run_that_somebody_else_ends_ends_here_with_the_next_word_of_the_gateway(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    study, session = ScriptedStudy(gateway, [0.1, 0.2]), a_session(channel)
    calls, loop = [], asyncio.get_running_loop()

    async def end() -> None:
        study.end("timeout")

    def objective(value: float) -> float:
        calls.append(value)
        asyncio.run_coroutine_threadsafe(end(), loop).result()
        return value

    await session.start_optimization("x", "grid_search", objective=objective)
    await until(lambda: calls)
    await until(lambda: not session._core.optimizations._drives)
    assert (calls, study.told) == ([0.1], {})


async def test_cleanup_stops_what_runs_here(gateway: ScriptedGateway, channel: grpc.aio.Channel) -> None:
    study, session = ScriptedStudy(gateway, [0.1, 0.2]), a_session(channel)
    started, cancelled = asyncio.Event(), asyncio.Event()

    async def objective(value: float) -> float:
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            cancelled.set()
        return value

    await session.start_optimization("x", "grid_search", objective=objective)
    await started.wait()
    await session.cleanup()
    assert (study.reason, cancelled.is_set()) == ("stopped", True)


async def test_a_run_that_begins_while_its_session_is_cleaned_up_is_ended(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    study, session = ScriptedStudy(gateway, [0.1, 0.2]), a_session(channel)
    answer, begun, go_on = gateway.handlers["StartOptimization"], asyncio.Event(), asyncio.Event()

    async def slow(request: Any, context: Any) -> Any:
        begun.set()
        await go_on.wait()
        return await answer(request, context)

    gateway.handlers["StartOptimization"] = slow
    other = SessionContext("s", channel, {"push": False}, caller=session._core.call)
    starting = asyncio.ensure_future(other.start_optimization("x", "grid_search", objective=parabola))
    await begun.wait()
    await other.cleanup()
    go_on.set()
    with pytest.raises(coilyard.ClientClosed, match="was cleaned up while opt_1 began"):
        await starting
    assert (study.reason, study.told) == ("stopped", {})


@pytest.mark.parametrize("objective", [parabola, "evaluate", None], ids=["function", "tool", "none"])
async def test_a_run_whose_start_was_cancelled_holds_its_variable_no_longer_than_the_start_takes(
    gateway: ScriptedGateway, channel: grpc.aio.Channel, objective: Any
) -> None:
    study, session = ScriptedStudy(gateway, [0.1, 0.2]), a_session(channel)
    answer, begun, go_on = gateway.handlers["StartOptimization"], asyncio.Event(), asyncio.Event()

    async def slow(request: Any, context: Any) -> Any:
        begun.set()
        await go_on.wait()
        return await answer(request, context)

    gateway.handlers["StartOptimization"] = slow
    starting = asyncio.ensure_future(session.start_optimization("x", "grid_search", objective=objective))
    await begun.wait()
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    go_on.set()
    await until(lambda: study.reason == "stopped")
    assert study.told == {}


async def test_a_start_that_is_cancelled_and_refused_raises_nothing_anywhere(
    gateway: ScriptedGateway, channel: grpc.aio.Channel, caplog: pytest.LogCaptureFixture
) -> None:
    session, begun, go_on = a_session(channel), asyncio.Event(), asyncio.Event()

    async def refuse_late(_request: Any, context: Any) -> Any:
        begun.set()
        await go_on.wait()
        await refuse(context, coilyard.InvalidArgument("no"), grpc.StatusCode.INVALID_ARGUMENT)

    gateway.handlers["StartOptimization"] = refuse_late
    starting = asyncio.ensure_future(session.start_optimization("x", "grid_search", objective=parabola))
    await begun.wait()
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting
    go_on.set()
    await session.cleanup()
    assert [record for record in caplog.records if record.levelname in ("WARNING", "ERROR")] == []


async def test_a_tool_is_called_by_the_runtime_and_outlives_this_client(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    study, session = ScriptedStudy(gateway), a_session(channel)
    told: list[Any] = []
    await session.start_optimization("x", "bayesian", objective="evaluate", callback=lambda *args: told.append(args))
    assert study.start is not None
    assert study.start.objective == "evaluate"
    study.trials.append(study.ended_trial(1, {"x": 0.3}, score=0.5, metrics={"score": 0.5}, state="complete"))
    study._turn()
    await until(lambda: told == [(1, 0.3, {"score": 0.5})])
    await session.cleanup()
    assert study.is_on
    assert not gateway.of("AskTrial")
    assert not gateway.of("RenewOptimization")


async def test_a_variable_that_is_held_is_refused_as_the_specification_says(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    ScriptedStudy(gateway)
    session = a_session(channel)
    await session.start_optimization("x", "bayesian", objective="evaluate")
    with pytest.raises(ValueError, match="already being optimized"):
        await session.start_optimization("x", "bayesian", objective=parabola)


async def test_a_variable_that_was_never_optimized_has_every_key(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    ScriptedStudy(gateway)
    status = await a_session(channel).get_optimization_status("x")
    assert status.pop("is_optimizing") is False
    assert set(status.values()) == {None}
    assert {"optimization_id", "iteration", "best_value", "best_metrics", "started_at", "last_update"} <= set(status)


async def test_a_gateway_that_cannot_go_on_ends_the_run_and_says_so_once(
    gateway: ScriptedGateway, channel: grpc.aio.Channel, caplog: pytest.LogCaptureFixture
) -> None:
    study, session = ScriptedStudy(gateway, [0.1]), a_session(channel)

    async def fail(request: Any, context: Any) -> None:
        await refuse(context, coilyard.InternalError("a bug"), grpc.StatusCode.INTERNAL)

    gateway.handlers["AskTrial"] = fail
    with caplog.at_level(logging.INFO, "coilyard.optimization"):
        await session.start_optimization("x", "grid_search", objective=parabola)
        await until(lambda: not study.is_on)
        await until(lambda: not session._core.optimizations._drives)
    assert study.reason == "failed"
    assert [record.name for record in caplog.records].count("coilyard.optimization") == 1


PROGRAM = """
import asyncio
import coilyard

def plain(value):
    raise {kind}(3)

async def waiting(value):
    raise {kind}(3)

async def main():
    async with coilyard.connect("{address}") as client:
        session = await client.session("s", config={{"push": False}})
        await session.start_optimization("x", "grid_search", objective={objective})
        await asyncio.Event().wait()

asyncio.run(main())
"""


@pytest.mark.parametrize(("kind", "code"), [("SystemExit", 3), ("KeyboardInterrupt", -signal.SIGINT)])
@pytest.mark.parametrize("objective", ["plain", "waiting"])
async def test_an_interrupt_ends_the_program_rather_than_the_trial(
    gateway: ScriptedGateway, kind: str, code: int, objective: str
) -> None:
    study = ScriptedStudy(gateway, [0.1])
    program = PROGRAM.format(kind=kind, address=gateway.address, objective=objective)
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", program, stderr=asyncio.subprocess.PIPE)
    _, talk = await process.communicate()
    assert process.returncode == code, talk.decode()
    assert b"never retrieved" not in talk
    assert (study.reason, study.told) == ("stopped", {})
