"""The lease of a run: renewed for as long as somebody here needs the run, and not a moment longer."""

from __future__ import annotations

import asyncio
import gc
import logging
from typing import Any

import grpc
import pytest
import pytest_asyncio

from coilyard import NotOptimizing, SessionContext, StoreUnavailable
from coilyard._calls import Caller, carrier_over
from coilyard._optimization.run import OptimizationRun, join_run, open_run
from coilyard._optimization.start import StartOptions
from support.manual_clock import ManualClock, settle, until
from support.scripted_gateway import ScriptedGateway, refuse
from support.scripted_study import ScriptedStudy

pytestmark = pytest.mark.asyncio
LOGGER = "coilyard.optimization"


@pytest_asyncio.fixture
async def session(channel: grpc.aio.Channel, clock: ManualClock) -> SessionContext:
    caller = Caller(carrier_over(channel, None), 60.0, clock)
    session = SessionContext("s", channel, {"push": False}, caller=caller)
    await session.initialize()
    return session


async def start(session: SessionContext, **options: Any) -> OptimizationRun:
    return await open_run(session._core, StartOptions(("x",), "bayesian", **options))


async def renewed(gateway: ScriptedGateway, clock: ManualClock, times: int, seconds: float = 5.0) -> None:
    """Moves on by one third of a lease and waits until the gateway has heard of it, `times` times."""
    for _ in range(times):
        before = len(gateway.of("RenewOptimization"))
        await until(lambda: clock.sleepers)
        await clock.advance(seconds)
        await until(lambda: len(gateway.of("RenewOptimization")) > before)  # noqa: B023 - awaited in this turn


async def test_it_is_renewed_every_third_of_it_until_the_run_is_closed(
    gateway: ScriptedGateway, session: SessionContext, clock: ManualClock
) -> None:
    ScriptedStudy(gateway, lease_ms=15_000)
    run = await start(session)
    await settle()
    await clock.advance(4.9)
    assert not gateway.of("RenewOptimization")
    await renewed(gateway, clock, 1, 0.2)
    await renewed(gateway, clock, 2)
    assert {(request.session_id, request.optimization_id) for request in gateway.of("RenewOptimization")} == {
        ("s", "opt_1")
    }
    await run.close()
    await run.close()
    await settle()
    await clock.advance(60.0)
    assert len(gateway.of("RenewOptimization")) == 3


async def test_the_lease_that_the_gateway_grants_is_the_one_that_is_kept(
    gateway: ScriptedGateway, session: SessionContext, clock: ManualClock
) -> None:
    ScriptedStudy(gateway, lease_ms=3_000)
    run = await start(session, lease_s=60.0)
    await renewed(gateway, clock, 2, 1.0)
    await run.close()


async def test_a_renewal_tells_that_the_run_has_ended(
    gateway: ScriptedGateway, session: SessionContext, clock: ManualClock
) -> None:
    study = ScriptedStudy(gateway)
    run = await start(session)
    study.end("timeout")
    await renewed(gateway, clock, 1)
    await run.over.wait()
    assert run.ended is not None
    assert run.ended["reason"] == "timeout"
    assert await run.ask() is None
    assert await run.stop() is run.ended
    assert not clock.sleepers


async def test_a_gateway_that_cannot_be_reached_for_a_while_is_asked_again(
    gateway: ScriptedGateway, session: SessionContext, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    ScriptedStudy(gateway)
    answer, failures = gateway.handlers["RenewOptimization"], []

    async def flaky(request: Any, context: Any) -> Any:
        if not failures:
            failures.append(request)
            await refuse(context, StoreUnavailable("away", execution="unknown"), grpc.StatusCode.INTERNAL)
        return await answer(request, context)

    gateway.handlers["RenewOptimization"] = flaky
    run = await start(session)
    with caplog.at_level(logging.INFO, LOGGER):
        for heard in range(1, 4):
            # Time passes only while nothing is under way: a third of the lease, a moment, and a third of it again.
            await until(lambda: clock.sleepers)
            await clock.advance(clock.sleepers[0])
            await until(lambda heard=heard: len(gateway.of("RenewOptimization")) == heard)
    assert len(failures) == 1
    assert run.ended is None
    assert not caplog.records
    await run.close()


async def test_a_run_that_is_gone_is_over_and_is_renewed_no_more(
    gateway: ScriptedGateway, session: SessionContext, clock: ManualClock
) -> None:
    study = ScriptedStudy(gateway)
    run = await start(session)
    study.id = "opt_7"
    await renewed(gateway, clock, 1)
    await run.over.wait()
    assert run.ended is not None
    assert (run.ended["is_optimizing"], run.ended["optimization_id"]) == (False, "opt_1")
    await until(lambda: not clock.sleepers)


async def test_a_loop_that_was_blocked_is_warned_of_once_with_the_cure(
    gateway: ScriptedGateway, session: SessionContext, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    ScriptedStudy(gateway)
    run = await start(session)
    await renewed(gateway, clock, 1)
    assert not caplog.records
    await renewed(gateway, clock, 2, 12.0)
    (record,) = caplog.records
    assert "opt_1 was not renewed for 12.0 s, of the 15.0 s" in record.getMessage()
    assert "a plain function, which gets a thread of its own" in record.getMessage()
    await run.close()


async def test_a_run_that_is_dropped_is_renewed_no_more(
    gateway: ScriptedGateway, session: SessionContext, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    ScriptedStudy(gateway)
    run = await start(session)
    await renewed(gateway, clock, 1)
    del run
    gc.collect()
    await settle()
    await clock.advance(60.0)
    await until(lambda: not clock.sleepers)
    assert len(gateway.of("RenewOptimization")) == 1
    assert not caplog.records


async def test_whoever_leaves_at_once_after_hearing_of_a_lost_run_is_told_what_was_lost(
    gateway: ScriptedGateway, channel: grpc.aio.Channel, caplog: pytest.LogCaptureFixture
) -> None:
    study = ScriptedStudy(gateway, [0.1])
    study.gate.clear()
    session = SessionContext("s", channel, {"push": False})
    await session.start_optimization("x", "bayesian", objective=lambda value: value)
    await until(lambda: gateway.of("AskTrial"))
    study.end("lease_expired")
    assert (await session.get_optimization_status("x"))["reason"] == "lease_expired"
    await session.cleanup()
    assert ["has ended, and its best value was not written" in record.getMessage() for record in caplog.records] == [
        True
    ]
    assert not gateway.of("StopOptimization")


async def test_a_context_that_is_dropped_leaves_no_task_behind(
    gateway: ScriptedGateway, channel: grpc.aio.Channel, caplog: pytest.LogCaptureFixture
) -> None:
    study = ScriptedStudy(gateway)
    session = SessionContext("s", channel, {"push": False})
    before = asyncio.all_tasks()
    await session.start_optimization("x", "bayesian", callback=lambda *_: None)
    assert await_names(asyncio.all_tasks() - before)
    del session
    gc.collect()
    study.end("lease_expired")
    await until(lambda: not await_names(asyncio.all_tasks() - before))
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


def await_names(tasks: set[asyncio.Task[Any]]) -> list[str]:
    """The coroutines of ours that are under way."""
    names = [getattr(task.get_coro(), "__qualname__", "") for task in tasks]
    return [name for name in names if name in {"_renew", "Follower._run", "Drive._try_all"}]


async def test_who_joins_a_run_keeps_it_alive_while_a_trial_is_in_hand(
    gateway: ScriptedGateway, session: SessionContext, clock: ManualClock
) -> None:
    ScriptedStudy(gateway, [1, 2, 3], lease_ms=6_000)
    owner = await start(session)
    await owner.close()
    run = await join_run(session._core, "opt_1")
    joined = len(gateway.of("RenewOptimization"))
    await settle()
    await clock.advance(60.0)
    assert len(gateway.of("RenewOptimization")) == joined
    trial = await run.ask()
    assert trial is not None
    await renewed(gateway, clock, 2, 2.0)
    await until(lambda: clock.sleepers)
    await run.tell(trial, {"score": 1.0})
    await clock.advance(2.0)
    await until(lambda: not clock.sleepers)
    assert len(gateway.of("RenewOptimization")) == joined + 2


async def test_two_who_ask_at_once_are_given_two_trials_and_one_that_was_given_up_is_given_again(
    gateway: ScriptedGateway, session: SessionContext
) -> None:
    study = ScriptedStudy(gateway, [1, 2, 3])
    run = await start(session)
    one, two = await asyncio.gather(run.ask(), run.ask())
    assert one is not None
    assert two is not None
    assert {one.number, two.number} == {1, 2}
    assert (one.value, one.values) == (one.number, {"x": one.number})
    study.gate.clear()
    asking = asyncio.ensure_future(run.ask())
    await until(lambda: len(gateway.of("AskTrial")) == 3)
    asking.cancel()
    await asyncio.wait({asking})
    study.gate.set()
    third = await run.ask()
    assert third is not None
    assert third.number == 3
    outcome = await run.tell(one, {"score": 0.5})
    assert outcome.entry is not None
    assert (outcome.ended, outcome.entry["value"], outcome.status["best_value"]) == (False, one.number, one.number)
    again = await run.tell(one, {"score": 0.5})
    assert again.status["iteration"] == 1
    await run.close()


async def test_a_result_that_comes_too_late_is_dropped(gateway: ScriptedGateway, session: SessionContext) -> None:
    study = ScriptedStudy(gateway, [1])
    run = await start(session)
    trial = await run.ask()
    assert trial is not None
    study.end("stopped")
    outcome = await run.tell(trial, {"score": 1.0})
    assert (outcome.entry, outcome.ended, outcome.status["reason"]) == (None, True, "stopped")
    assert await run.ask() is None


async def test_a_run_that_does_not_exist_cannot_be_joined(gateway: ScriptedGateway, session: SessionContext) -> None:
    async def answer(request: Any, context: Any) -> None:
        await refuse(context, NotOptimizing("no run opt_9"), grpc.StatusCode.FAILED_PRECONDITION)

    gateway.handlers["RenewOptimization"] = answer
    with pytest.raises(ValueError, match="no run opt_9"):
        await session.ask_trial("opt_9")
