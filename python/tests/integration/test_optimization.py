"""Optimizations against the real gateway: what is found, who may, how runs end, and what is left of them."""

from __future__ import annotations

import asyncio
import threading
from datetime import datetime, timedelta, timezone
from typing import Any

import optuna
import pytest

import coilyard
from coilyard import NotOptimizing, SessionContext, VariableSpec
from coilyard import _methods as methods
from coilyard._calls import Caller
from coilyard.optuna import OptunaOptimizer
from support.manual_clock import until
from support.real_gateway import Wire

pytestmark = [pytest.mark.asyncio, pytest.mark.gateway]


def parabola(value: float) -> float:
    """Best at 1.1."""
    return 1.0 - (value - 1.1) ** 2


async def a_temperature(session: SessionContext, name: str = "temperature") -> str:
    return await session.register_variable(name, "float", 0.7, constraints={"min": 0.0, "max": 2.0})


async def over(session: SessionContext, variable: str = "temperature") -> dict[str, Any]:
    """The status once the run has ended."""
    while (status := await session.get_optimization_status(variable))["is_optimizing"]:
        await asyncio.sleep(0.002)
    return status


@pytest.mark.usefixtures("either_way")
@pytest.mark.parametrize("optimizer", ["bayesian", "gradient", "random_search", "grid_search"])
async def test_every_built_in_optimizer_finds_the_best_value_and_writes_it(
    session: SessionContext, other: SessionContext, optimizer: str
) -> None:
    await a_temperature(session)
    config = {"n_points": 21} if optimizer == "grid_search" else {"seed": 1}
    run = await session.start_optimization("temperature", optimizer, config, 40, objective=parabola)
    status = await over(session)
    assert (status["optimization_id"], status["reason"] in {"converged", "max_iterations", "exhausted"}) == (run, True)
    assert status["best_value"] == pytest.approx(1.1, abs=0.15)
    assert status["committed_version"] == 1
    assert await session.get_variable("temperature") == status["best_value"]
    assert await other.get_variable("temperature") == status["best_value"]
    (newest, _) = await session.get_variable_history("temperature")
    assert newest["metadata"]["optimizer_id"] == run
    history = await session.get_optimization_history("temperature", optimizer_id=run)
    assert [entry["iteration"] for entry in history] == list(range(1, len(history) + 1))
    assert history[0]["value"] == 0.7
    assert max(entry["score"] for entry in history) == status["best_score"]


async def test_the_history_can_be_plotted_and_asked_for_in_parts(session: SessionContext) -> None:
    await a_temperature(session)
    first = await session.start_optimization(
        "temperature", "random_search", {"seed": 1, "metric": "accuracy"}, 5, 0,
        objective=lambda value: {"accuracy": parabola(value), "cost": value},
    )  # fmt: skip
    await over(session)
    history = await session.get_optimization_history("temperature", limit=50)
    assert [h["metrics"]["accuracy"] for h in history] == [parabola(h["value"]) for h in history]
    assert all(h["optimizer_id"] == first and h["state"] == "complete" for h in history)
    assert [h["iteration"] for h in await session.get_optimization_history("temperature", limit=2)] == [4, 5]
    second = await session.start_optimization("temperature", "random_search", max_iterations=3, objective=parabola)
    await over(session)
    assert len(await session.get_optimization_history("temperature")) == 8
    assert len(await session.get_optimization_history("temperature", optimizer_id=second)) == 3
    last = (await session.get_optimization_history("temperature"))[-1]
    assert last["timestamp"].utcoffset() == timedelta(0)
    assert last in await session.get_optimization_history("temperature", since=last["timestamp"])
    assert last in await session.get_optimization_history("temperature", since=last["timestamp"].replace(tzinfo=None))
    elsewhere = last["timestamp"].astimezone(timezone(timedelta(hours=-5)))
    assert last in await session.get_optimization_history("temperature", since=elsewhere)
    assert await session.get_optimization_history("temperature", since=datetime.now(timezone.utc) + timedelta(1)) == []


async def test_a_callback_is_told_of_every_trial_by_an_interrupted_connection_too(wire: Wire, session_id: str) -> None:
    async with coilyard.connect(wire.address) as client:
        session = await client.session(session_id)
        await a_temperature(session)
        seen: list[Any] = []
        resume = threading.Event()

        def objective(value: float) -> float:
            if len(seen) >= 2 and not resume.is_set():
                resume.wait()
            return parabola(value)

        async def callback(*told: Any) -> None:
            seen.append(told)
            if len(seen) == 3:
                wire.cut()
                resume.set()

        await session.start_optimization(
            "temperature", "random_search", {"seed": 1}, 12, 0, callback, objective=objective
        )  # fmt: skip
        await until(lambda: len(seen) == 2)
        resume.set()
        await until(lambda: len(seen) == 12)
        history = await session.get_optimization_history("temperature")
        assert seen == [(entry["iteration"], entry["value"], entry["metrics"]) for entry in history]
        assert wire.cuts == 1


async def test_trials_at_the_same_time_and_failed_ones(session: SessionContext) -> None:
    await a_temperature(session)
    together = threading.Barrier(3, timeout=60)

    def objective(value: float) -> float:
        together.wait()
        if value > 1.5:
            raise MemoryError("out of memory")
        return parabola(value)

    config = {"parallel": 3, "seed": 3}
    await session.start_optimization("temperature", "random_search", config, 12, 0, objective=objective)
    status = await over(session)
    history = await session.get_optimization_history("temperature")
    failed = [entry for entry in history if entry["state"] == "failed"]
    assert (status["iteration"], len(history)) == (12, 12)
    assert failed
    assert {(entry["error"], entry["score"]) for entry in failed} == {("MemoryError: out of memory", None)}
    assert all((entry["value"] > 1.5) == (entry in failed) for entry in history)


async def test_a_run_whose_trials_all_fail_writes_nothing_and_lets_the_variable_go(session: SessionContext) -> None:
    await a_temperature(session)
    await session.start_optimization("temperature", "random_search", max_iterations=3, objective=lambda _: None)
    status = await over(session)
    assert (status["best_value"], status["committed_version"], status["iteration"]) == (None, None, 3)
    assert await session.get_variable("temperature", bypass_cache=True) == 0.7
    await session.start_optimization("temperature", "random_search", max_iterations=1, objective=parabola)


async def test_anybody_may_stop_a_run_and_the_best_so_far_is_written(
    session: SessionContext, other: SessionContext
) -> None:
    await a_temperature(session)
    begun, cancelled = asyncio.Event(), asyncio.Event()
    scored: list[float] = []

    async def objective(value: float) -> float:
        if len(scored) == 5:
            begun.set()
            try:
                await asyncio.Event().wait()
            finally:
                cancelled.set()
        scored.append(value)
        return parabola(value)

    config = {"seed": 1, "lease_s": 9}
    await session.start_optimization("temperature", "random_search", config, 50, 0, objective=objective)
    await begun.wait()
    await other.stop_optimization("temperature")
    status = await other.get_optimization_status("temperature")
    assert (status["reason"], status["iteration"], status["best_value"]) == ("stopped", 5, max(scored, key=parabola))
    assert await other.get_variable("temperature") == status["best_value"]
    await cancelled.wait()
    with pytest.raises(NotOptimizing):
        await session.stop_optimization("temperature")


async def test_a_client_that_leaves_ends_its_run_and_the_best_so_far_is_written(
    address: str, session: SessionContext
) -> None:
    await a_temperature(session)
    async with coilyard.connect(address) as client:
        mine = await client.session(session.session_id)
        hanging = threading.Event()
        release = threading.Event()

        def objective(value: float) -> float:
            if value != 0.7:
                hanging.set()
                release.wait()
            return 1.0

        await mine.start_optimization("temperature", "bayesian", {"seed": 1}, objective=objective)
        await until(hanging.is_set)
    release.set()
    status = await session.get_optimization_status("temperature")
    assert (status["reason"], status["best_value"], status["iteration"]) == ("stopped", 0.7, 1)


async def test_a_client_that_vanishes_loses_its_lease_and_nothing_is_written(
    wire: Wire, session: SessionContext
) -> None:
    await a_temperature(session)
    client = await coilyard.connect(wire.address)
    mine = await client.session(session.session_id)
    started = asyncio.Event()

    async def objective(value: float) -> float:
        started.set()
        await asyncio.Event().wait()
        return 1.0

    await mine.start_optimization("temperature", "bayesian", {"lease_s": 3}, objective=objective)
    await started.wait()
    await wire.close()
    status = await over(session)
    assert (status["reason"], status["committed_version"]) == ("lease_expired", None)
    await wire.open()
    await client.aclose()


async def test_a_lease_is_kept_for_as_long_as_a_trial_takes(
    session: SessionContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    await a_temperature(session)
    release = threading.Event()
    renewals: list[float] = []
    send = Caller.__call__

    async def counted(caller: Caller, method: Any, request: Any, timeout_s: float | None = None) -> Any:
        if method is methods.RenewOptimization:
            renewals.append(caller.clock.now())
        return await send(caller, method, request, timeout_s)

    monkeypatch.setattr(Caller, "__call__", counted)
    run = await session.start_optimization(
        "temperature", "random_search", {"lease_s": 6}, 1, objective=lambda _: release.wait() or 1.0
    )
    await until(lambda: renewals and renewals[-1] - renewals[0] > 6)
    assert (await session.get_optimization_status("temperature"))["is_optimizing"]
    release.set()
    assert (await over(session))["optimization_id"] == run


async def test_what_others_write_meanwhile_is_not_overwritten(session: SessionContext, other: SessionContext) -> None:
    await a_temperature(session)
    started, release = threading.Event(), threading.Event()

    def objective(value: float) -> float:
        started.set()
        release.wait()
        return parabola(value)

    await session.start_optimization("temperature", "random_search", max_iterations=2, objective=objective)
    await until(started.is_set)
    await other.set_variable("temperature", 0.3)
    release.set()
    status = await over(session)
    assert (status["committed_version"], status["conflicts"]) == (None, ["temperature"])
    assert await session.get_variable("temperature", bypass_cache=True) == 0.3


async def test_who_may_not_optimize_is_refused(client: coilyard.Client, session: SessionContext) -> None:
    await a_temperature(session)
    await session.set_variable_permissions(
        "temperature", [{"session_pattern": "any", "permissions": ["read", "write", "observe"]}]
    )
    guest = await client.session(session.session_id, as_session="guest_1")
    with pytest.raises(PermissionError):
        await guest.start_optimization("temperature", "bayesian", objective=parabola)


@pytest.mark.parametrize(
    ("arguments", "error", "text"),
    [
        (("nothing", "bayesian"), KeyError, "nothing"),
        (("temperature", "magic"), ValueError, "optimizer_type: expected one of"),
        (("temperature", "bayesian", {"wish": 1}), ValueError, "wish"),
        (("temperature", "bayesian", {"parallel": 2, "apply_trials": True}), ValueError, "parallel"),
        (("temperature", "bayesian", {"lease_s": 0.001}), ValueError, "lease_s"),
        (("name", "gradient"), ValueError, "name"),
        ((["temperature", "temperature"], "bayesian"), ValueError, "temperature"),
    ],
    ids=str,
)
async def test_what_cannot_be_optimized_is_refused_and_nothing_is_held(
    session: SessionContext, arguments: Any, error: type[Exception], text: str
) -> None:
    await a_temperature(session)
    await session.register_variable("name", "string", "x")
    with pytest.raises(error, match=text):
        await session.start_optimization(*arguments, objective=parabola)
    assert (await session.get_optimization_status("temperature"))["optimization_id"] is None
    await session.start_optimization("temperature", "random_search", max_iterations=1, objective=parabola)
    await over(session)


async def test_a_program_that_reads_the_variable_is_run_with_every_value(session: SessionContext) -> None:
    await a_temperature(session)
    loop = asyncio.get_running_loop()
    read: list[float] = []

    def program(offset: float) -> float:
        reading = asyncio.run_coroutine_threadsafe(session.get_variable("temperature"), loop)
        value: float = reading.result()
        read.append(value)
        return value + offset

    objective = {
        "program": program,
        "dataset": [{"inputs": {"offset": 0.0}, "answer": 1.1}, {"inputs": {"offset": 0.5}, "answer": 1.6}],
        "metric": lambda example, prediction: 1 - abs(example["answer"] - prediction),
    }
    assert await session.get_variable("temperature") == 0.7
    await session.start_optimization("temperature", "grid_search", {"n_points": 11}, objective=objective)
    status = await over(session)
    history = await session.get_optimization_history("temperature", optimizer_id=status["optimization_id"])
    tried = [entry["value"] for entry in history if entry["version"] is None]
    assert read == [value for value in tried for _ in range(2)]
    assert status["best_metrics"]["examples"] == 2
    assert await session.get_variable("temperature") == status["best_value"] == pytest.approx(1.1, abs=0.11)


async def test_an_optimizer_of_ones_own_drives_a_run(session: SessionContext) -> None:
    class Halving:
        """Halves the interval in which the best value is."""

        def __init__(self, variable: VariableSpec, config: dict[str, Any]) -> None:
            self.low, self.high = variable.constraints["min"], variable.constraints["max"]
            self.scores: dict[float, float] = {}

        def ask(self) -> float:
            if self.high - self.low < 0.01:
                raise coilyard.OptimizationDone
            third = (self.high - self.low) / 3
            points = [self.low + third, self.high - third]
            for point in points:
                if point not in self.scores:
                    return point
            better = max(points, key=self.scores.__getitem__)
            self.low, self.high = (self.low, points[1]) if better == points[0] else (points[0], self.high)
            return self.ask()

        def tell(self, value: float, metrics: dict[str, float], score: float) -> None:
            self.scores[value] = score

    await a_temperature(session)
    await session.register_python_optimizer("halving", Halving)
    run = await session.start_optimization("temperature", "halving", convergence_threshold=0, objective=parabola)
    status = await over(session)
    assert (status["optimization_id"], status["optimizer_type"], status["reason"]) == (run, "halving", "exhausted")
    assert await session.get_variable("temperature") == pytest.approx(1.1, abs=0.01)


async def test_samplers_of_optuna_drive_a_run_over_several_variables(session: SessionContext) -> None:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    await a_temperature(session)
    await session.register_variable("style", "choice", "short", constraints={"choices": ["short", "long"]})
    await session.register_variable("examples", "integer", 0, constraints={"min": 0, "max": 8})
    await session.register_python_optimizer("optuna", OptunaOptimizer)

    def objective(values: dict[str, Any]) -> float:
        bonus = 0.2 if values["style"] == "long" else 0.0
        return parabola(values["temperature"]) + bonus - 0.01 * abs(values["examples"] - 4)

    names = ["temperature", "style", "examples"]
    config = {"seed": 4, "parallel": 2}
    await session.start_optimization(names, "optuna", config, 40, 0, objective=objective)
    status = await over(session)
    assert (status["iteration"], status["reason"], sorted(status["committed_version"])) == (
        40, "max_iterations", sorted(names)
    )  # fmt: skip
    assert await session.get_variables(names) == status["best_value"]
    assert status["best_value"]["style"] == "long"
    assert status["best_score"] > objective({"temperature": 0.7, "style": "short", "examples": 0})
    first = [(await session.get_optimization_history(name))[0]["value"] for name in names]
    assert first == [0.7, "short", 0], "the present values are tried first, and each variable has a history of its own"


async def test_two_clients_share_the_trials_of_an_open_run(session: SessionContext, other: SessionContext) -> None:
    await a_temperature(session)
    run = await session.start_optimization("temperature", "random_search", {"seed": 2, "parallel": 2}, 10, 0)

    async def work(client: SessionContext) -> int:
        count = 0
        while (trial := await client.ask_trial(run)) is not None:
            count += 1
            if trial.number == 3:
                await client.fail_trial(run, trial, "no GPU")
            else:
                await client.tell_trial(run, trial, {"score": parabola(trial.value), "tokens": 10})
        return count

    counts = await asyncio.gather(work(session), work(other))
    assert sum(counts) == 10
    status = await session.get_optimization_status("temperature")
    assert (status["iteration"], status["reason"], status["is_optimizing"]) == (10, "max_iterations", False)
    assert await session.ask_trial(run) is None
    assert await other.get_variable("temperature") == status["best_value"]
    (failed,) = [e for e in await session.get_optimization_history("temperature") if e["state"] == "failed"]
    assert failed["error"] == "no GPU"
    with pytest.raises(NotOptimizing):
        await other.ask_trial("opt_nothing")
