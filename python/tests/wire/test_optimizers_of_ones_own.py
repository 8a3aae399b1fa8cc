"""Optimizers that are registered here, and runs whose trials are asked for."""

from __future__ import annotations

import asyncio
import logging
import threading
from typing import Any

import grpc
import pytest

import coilyard
from coilyard import BaseOptimizer, OptimizationDone, SessionContext, VariableSpec
from coilyard._proto import workers_pb2
from coilyard._values import decode_value, encode_value
from support.manual_clock import until
from support.scripted_gateway import ScriptedGateway, refuse
from support.scripted_study import ScriptedStudy

pytestmark = pytest.mark.asyncio


def a_session(channel: grpc.aio.Channel, **config: Any) -> SessionContext:
    return SessionContext("s", channel, {"push": False, "timeout": 60.0, **config})


class Listed:
    """Asks for what its configuration lists, and remembers everything."""

    made: list[Listed]

    def __init__(self, variable: Any, config: dict[str, Any]) -> None:
        self.variable = variable
        self.config = config
        self.left = list(config.get("values", ()))
        self.told: list[Any] = []
        self.failed: list[Any] = []
        self.threads: set[int] = {threading.get_ident()}
        type(self).made.append(self)

    def ask(self) -> Any:
        self.threads.add(threading.get_ident())
        if not self.left:
            raise OptimizationDone
        return self.left.pop(0)

    def tell(self, value: Any, metrics: Any, score: float) -> None:
        self.threads.add(threading.get_ident())
        self.told.append((value, metrics, score))


@pytest.fixture
def listed() -> type[Listed]:
    """A class of its own for each test."""
    return type("Listed", (Listed,), {"made": []})


async def test_an_optimizer_is_made_with_the_variable_asked_and_told_until_it_is_done(
    gateway: ScriptedGateway, channel: grpc.aio.Channel, listed: type[Listed]
) -> None:
    study, session = ScriptedStudy(gateway), a_session(channel)
    await session.register_python_optimizer("listed", listed)
    config = {"values": [0.5, 0.25], "key": object(), "parallel": 1}
    await session.start_optimization("x", "listed", config, objective=lambda value: {"accuracy": value * 2})
    await until(lambda: not study.is_on)
    (optimizer,) = listed.made
    assert optimizer.variable == VariableSpec("x", "float", 0.5, {"min": 0.0})
    assert optimizer.config == {"values": [0.5, 0.25], "key": config["key"]}
    assert optimizer.told == [(0.5, {"accuracy": 1.0}, 1.0), (0.25, {"accuracy": 0.5}, 0.5)]
    assert study.start is not None
    assert (study.start.external, study.start.optimizer, dict(study.start.config)) == (True, "listed", {})
    status = await session.get_optimization_status("x")
    assert (status["reason"], status["best_value"]) == ("exhausted", 0.5)
    assert len(optimizer.threads) == 1
    assert threading.get_ident() not in optimizer.threads
    assert isinstance(optimizer, BaseOptimizer)


async def test_a_failed_trial_is_told_to_those_who_want_to_know(
    gateway: ScriptedGateway, channel: grpc.aio.Channel, listed: type[Listed]
) -> None:
    study, session = ScriptedStudy(gateway), a_session(channel)

    class Careful(listed):
        def fail(self, value: Any, error: str) -> None:
            self.failed.append((value, error))

    await session.register_python_optimizer("listed", listed)
    await session.register_python_optimizer("careful", Careful)
    for name in ("listed", "careful"):
        await session.start_optimization("x", name, {"values": [0, 1]}, objective=lambda value: 1 / value)
        await until(lambda: not study.is_on)
        assert [trial.state for trial in study.trials] == ["failed", "complete"]
    plain, careful = listed.made
    assert plain.told == careful.told == [(1, {"score": 1.0}, 1.0)]
    assert (plain.failed, careful.failed) == ([], [(0, "ZeroDivisionError: division by zero")])


async def test_methods_may_be_coroutines_and_the_optimizer_may_end_the_run(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    study, session = ScriptedStudy(gateway), a_session(channel)
    told: list[float] = []

    class Waiting:
        def __init__(self, variable: Any, config: Any) -> None:
            assert config == {"direction": "minimize"}

        async def ask(self) -> float:
            await asyncio.sleep(0)
            return len(told) + 0.5

        async def tell(self, value: float, metrics: Any, score: float) -> None:
            told.append(score)

        async def should_stop(self) -> bool:
            return len(told) == 3

    await session.register_python_optimizer("waiting", Waiting)
    await session.start_optimization("x", "waiting", direction="minimize", objective=lambda value: value)
    await until(lambda: not study.is_on)
    assert (told, study.reason) == ([0.5, 1.5, 2.5], "converged")
    assert (await session.get_optimization_status("x"))["best_value"] == 0.5


async def test_an_error_of_the_class_is_raised_as_it_is_before_anything_is_held(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    ScriptedStudy(gateway)
    session = a_session(channel)

    class Broken(Listed):
        def __init__(self, variable: Any, config: Any) -> None:
            raise LookupError("no such sampler")

    await session.register_python_optimizer("broken", Broken)
    with pytest.raises(LookupError, match="no such sampler"):
        await session.start_optimization("x", "broken", objective=abs)
    assert not gateway.of("StartOptimization")


@pytest.mark.parametrize("method", ["ask", "tell"])
async def test_an_error_of_a_method_ends_the_run_as_failed_with_its_text(
    gateway: ScriptedGateway, channel: grpc.aio.Channel, listed: type[Listed], method: str,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    study, session = ScriptedStudy(gateway), a_session(channel)

    def fail(*_: Any) -> None:
        raise RuntimeError("diverged")

    setattr(listed, method, fail)
    await session.register_python_optimizer("listed", listed)
    await session.start_optimization("x", "listed", {"values": [1]}, objective=abs)
    await until(lambda: not study.is_on)
    status = await session.get_optimization_status("x")
    assert (status["reason"], status["error"], status["committed_version"]) == (
        "failed", "RuntimeError: diverged", None
    )  # fmt: skip
    assert [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING] == [
        "the optimizer of opt_1 failed"
    ]


async def test_a_value_that_cannot_be_tried_ends_the_run_as_failed(
    gateway: ScriptedGateway, channel: grpc.aio.Channel, listed: type[Listed]
) -> None:
    study, session = ScriptedStudy(gateway), a_session(channel)

    async def too_large(request: Any, context: Any) -> None:
        await refuse(context, coilyard.ConstraintViolation("x: above maximum"), grpc.StatusCode.INVALID_ARGUMENT)

    await session.register_python_optimizer("listed", listed)
    await session.start_optimization("x", "listed", {"values": [{1, 2}]}, objective=abs)
    await until(lambda: not study.is_on)
    assert study.error.startswith("ValidationFailed: values['x']: a set has no form on the wire")
    gateway.handlers["AskTrial"] = too_large
    await session.start_optimization("x", "listed", {"values": [9]}, objective=abs)
    await until(lambda: not study.is_on)
    assert study.error == "ConstraintViolation: x: above maximum"


async def test_trials_at_the_same_time_have_all_ended_before_an_exhausted_run_ends(
    gateway: ScriptedGateway, channel: grpc.aio.Channel, listed: type[Listed]
) -> None:
    study, session = ScriptedStudy(gateway), a_session(channel)
    running, release = set(), asyncio.Event()

    async def objective(value: int) -> int:
        running.add(value)
        await release.wait()
        return value

    await session.register_python_optimizer("listed", listed)
    await session.start_optimization("x", "listed", {"values": [1, 2], "parallel": 3}, objective=objective)
    await until(lambda: len(running) == 2)
    await until(lambda: len(listed.made[0].threads) == 1)
    assert study.is_on
    release.set()
    await until(lambda: not study.is_on)
    assert (study.reason, len(study.trials), len(listed.made[0].told)) == ("exhausted", 2, 2)


async def test_the_optimizer_learns_of_the_trial_with_which_the_run_has_ended_too(
    gateway: ScriptedGateway, channel: grpc.aio.Channel, listed: type[Listed]
) -> None:
    study, session = ScriptedStudy(gateway), a_session(channel)
    tell, release = listed.tell, threading.Event()

    def slowly(self: Listed, *told: Any) -> None:
        release.wait()
        tell(self, *told)

    listed.tell = slowly
    await session.register_python_optimizer("listed", listed)
    await session.start_optimization("x", "listed", {"values": [1, 2]}, 1, objective=float)
    await until(lambda: not study.is_on)
    assert listed.made[0].told == []
    release.set()
    await until(lambda: not session._core.optimizations._drives)
    assert (study.reason, listed.made[0].told) == ("max_iterations", [(1, {"score": 1.0}, 1.0)])


async def test_several_variables_are_dicts_by_name(
    gateway: ScriptedGateway, channel: grpc.aio.Channel, listed: type[Listed]
) -> None:
    study, session = ScriptedStudy(gateway), a_session(channel)
    await session.register_python_optimizer("listed", listed)
    values = [{"x": 1, "y": 2}]
    await session.start_optimization(["x", "y"], "listed", {"values": values}, objective=lambda v: v["x"] + v["y"])
    await until(lambda: not study.is_on)
    assert {name: spec.type for name, spec in listed.made[0].variable.items()} == {"x": "float", "y": "float"}
    assert listed.made[0].told == [({"x": 1, "y": 2}, {"score": 3.0}, 3.0)]
    await session.start_optimization(["x", "y"], "listed", {"values": [1]}, objective=abs)
    await until(lambda: not study.is_on)
    assert study.error.startswith("InvalidArgument: ask: expected values of x, y, got 1")


async def test_a_tool_is_an_objective_of_an_optimizer_of_ones_own_too(
    gateway: ScriptedGateway, channel: grpc.aio.Channel, listed: type[Listed]
) -> None:
    study, session = ScriptedStudy(gateway), a_session(channel)

    async def call(request: Any, context: Any) -> Any:
        assert request.name == "evaluate"
        value = decode_value(request.arguments["value"])
        return workers_pb2.CallToolResponse(result=encode_value({"accuracy": value * 3}))

    gateway.handlers["CallTool"] = call
    await session.register_python_optimizer("listed", listed)
    await session.start_optimization("x", "listed", {"values": [2]}, objective="evaluate")
    await until(lambda: not study.is_on)
    assert listed.made[0].told == [(2, {"accuracy": 6.0}, 6.0)]


@pytest.mark.parametrize(
    ("name", "kind", "error", "text"),
    [
        ("bayesian", Listed, ValueError, "name: expected a name that no optimizer of the runtime has"),
        ("mine", object(), TypeError, "optimizer_class: expected a class with the methods ask and tell, got"),
        ("mine", object, TypeError, "it lacks ask, tell"),
        ("mine", type("Mute", (), {"ask": lambda self: 1, "tell": 5}), TypeError, "it lacks tell"),
    ],
)
async def test_what_is_no_optimizer_is_not_registered(
    channel: grpc.aio.Channel, name: str, kind: Any, error: type[Exception], text: str
) -> None:
    with pytest.raises(error, match=text):
        await a_session(channel).register_python_optimizer(name, kind)


async def test_a_run_without_an_objective_is_driven_by_those_who_ask(
    gateway: ScriptedGateway, channel: grpc.aio.Channel, caplog: pytest.LogCaptureFixture
) -> None:
    study, session = ScriptedStudy(gateway, [1, 2, 3, 4]), a_session(channel)
    other = a_session(channel)
    with caplog.at_level(logging.INFO, "coilyard.optimization"):
        run = await session.start_optimization("x", "grid_search", {"metric": "accuracy"})
    (record,) = [record for record in caplog.records if record.name == "coilyard.optimization"]
    assert "waits for trials to be asked for, with ask_trial('opt_1')" in record.getMessage()
    mine, theirs = await asyncio.gather(session.ask_trial(run), other.ask_trial(run))
    assert mine is not None
    assert theirs is not None
    assert {mine.value, theirs.value} == {1, 2}
    status = await session.tell_trial(run, mine, {"accuracy": 0.5, "cost": 1})
    assert (status["iteration"], status["best_value"], status["best_score"]) == (1, mine.value, 0.5)
    assert (await other.tell_trial(run, theirs, 0.75))["best_score"] == 0.75
    third, fourth = await session.ask_trial(run), await session.ask_trial(run)
    assert third is not None
    assert fourth is not None
    assert (await session.fail_trial(run, third, "no GPU"))["iteration"] == 3
    for wrong in (float("nan"), "good", {"cost": 1}, None):
        with pytest.raises(ValueError, match="metrics_or_score: "):
            await session.tell_trial(run, fourth, wrong)
    assert (await session.tell_trial(run, fourth, True))["best_score"] == 1.0
    assert await session.ask_trial(run) is None
    assert await other.ask_trial(run) is None
    assert study.reason == "exhausted"
    assert [entry["error"] for entry in await session.get_optimization_history("x")] == [None, None, "no GPU", None]
    with pytest.raises(coilyard.NotOptimizing, match="no trial of 'opt_9' was asked for here"):
        await session.tell_trial("opt_9", fourth, 1.0)


async def test_who_leaves_gives_back_the_trial_in_hand_and_the_owner_ends_the_run(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    study, session = ScriptedStudy(gateway, [1, 2, 3]), a_session(channel)
    other = a_session(channel)
    run = await session.start_optimization("x", "grid_search")
    assert await other.ask_trial(run) is not None
    await other.cleanup()
    assert study.told[1].error == "its client has left"
    assert study.is_on
    await session.cleanup()
    assert study.reason == "stopped"


async def test_an_optimizer_of_ones_own_may_be_asked_trial_by_trial(
    gateway: ScriptedGateway, channel: grpc.aio.Channel, listed: type[Listed]
) -> None:
    study, session = ScriptedStudy(gateway), a_session(channel)
    await session.register_python_optimizer("listed", listed)
    run = await session.start_optimization("x", "listed", {"values": [1, 2]})
    while (trial := await session.ask_trial(run)) is not None:
        await session.tell_trial(run, trial, float(trial.value))
    assert (study.reason, listed.made[0].told) == ("exhausted", [(1, {"score": 1.0}, 1.0), (2, {"score": 2.0}, 2.0)])
