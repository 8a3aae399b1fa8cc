"""Watches on the wire: order, resuming, ending, and that nothing is left behind."""

from __future__ import annotations

import asyncio
import gc
from typing import Any

import grpc
import pytest

import coilyard
from coilyard import SessionContext, VariableUpdate, Watch
from coilyard._calls import Caller
from coilyard._carrier import UnaryCarrier
from support.manual_clock import ManualClock, PassingClock, settle, until
from support.scripted_gateway import ScriptedGateway, WatchPeer, a_message, an_update

pytestmark = pytest.mark.asyncio


def a_session(channel: grpc.aio.Channel, clock: ManualClock | None = None) -> SessionContext:
    caller = None if clock is None else Caller(UnaryCarrier(channel), clock=clock)
    return SessionContext("s", channel, caller=caller)


async def begin(gateway: ScriptedGateway, watch: Watch) -> tuple[asyncio.Future[VariableUpdate], WatchPeer]:
    """Starts to iterate, and gives the next update and the gateway's end."""
    following = asyncio.ensure_future(anext(watch))
    await until(lambda: gateway.watches, "the watch is open")
    return following, gateway.watches[-1]


async def collect(watch: Watch) -> list[Any]:
    return [update.value async for update in watch]


async def test_updates_arrive_in_order_with_everything_that_is_known(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    watch = a_session(channel).watch_variable("x")
    following, peer = await begin(gateway, watch)
    assert (list(peer.request.variables), peer.request.include_initial, peer.request.coalesce) == (["x"], True, True)
    peer.send(a_message(3, an_update("initial", value=1, revision=3, timestamp_ms=1_700_000_000_000, source="ui")))
    first = await following
    assert (first.type, first.value, first.old_value, first.source) == ("initial", 1, None, "ui")
    assert first.timestamp.tzinfo is not None
    peer.send(
        a_message(
            5,
            an_update("updated", value=2, old=1, revision=4),
            an_update("updated", value=3, old=2, revision=5, skipped=2),
        )
    )
    second, third = await anext(watch), await anext(watch)
    assert [(u.value, u.old_value, u.revision, u.skipped) for u in (second, third)] == [(2, 1, 4, 0), (3, 2, 5, 2)]
    await watch.aclose()


async def test_a_broken_connection_is_resumed_without_a_gap_or_a_repetition(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    watch = a_session(channel).watch_variable("x")
    following, peer = await begin(gateway, watch)
    peer.send(a_message(3, an_update("initial", value=1, revision=3)))
    await following
    following = asyncio.ensure_future(anext(watch))
    await settle()
    await gateway.restart()
    await until(lambda: len(gateway.watches) == 2)
    again = gateway.watches[1]
    assert (again.request.after.revision, again.request.include_initial) == (3, False)
    again.send(a_message(4, an_update("updated", value=2, old=1, revision=4)))
    assert (await following).value == 2
    await watch.aclose()


async def test_a_gap_in_the_history_is_bridged_by_a_snapshot_and_said(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    watch = a_session(channel).watch_variables(["x", "y", "z"])
    following, peer = await begin(gateway, watch)
    initial = [an_update("initial", name, 1, revision=3) for name in "xyz"]
    peer.send(a_message(3, *initial))
    await following
    await anext(watch)
    await anext(watch)
    reset = an_update("reset", "", reset_reason="overflow", revision=0)
    same = an_update("initial", "x", 1, revision=3)
    newer = an_update("initial", "y", 2, revision=7)
    peer.send(a_message(9, reset, same, newer))
    gone, changed = await anext(watch), await anext(watch)
    assert (gone.name, gone.deleted, gone.old_value, gone.reset_reason) == ("z", True, 1, "overflow")
    assert (changed.name, changed.value, changed.reset_reason) == ("y", 2, "overflow")
    peer.send(a_message(9, an_update("reset", "", reset_reason="diverged", revision=0), same, newer))
    assert [(await anext(watch)).name for _ in range(2)] == ["x", "y"], (
        "another history: nothing is known to be the same"
    )
    await watch.aclose()


async def test_breaking_out_of_the_loop_frees_the_stream(gateway: ScriptedGateway, channel: grpc.aio.Channel) -> None:
    session = a_session(channel)

    async def first_value() -> Any:
        async for update in session.watch_variable("x", throttle_ms=60_000):
            return update.value

    reading = asyncio.ensure_future(first_value())
    await until(lambda: gateway.watches)
    gateway.watches[0].send(a_message(1, an_update("initial", value=1)))
    assert await reading == 1
    gc.collect()
    await gateway.watches[0].closed.wait()


async def test_breaking_out_while_a_throttled_update_waits_frees_the_stream(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    session = a_session(channel)
    watch = session.watch_variable("x", throttle_ms=60_000)
    following, peer = await begin(gateway, watch)
    peer.send(a_message(1, an_update("initial", value=1)))
    await following
    peer.send(a_message(2, an_update("updated", value=2, old=1, revision=2)))
    with pytest.raises(asyncio.TimeoutError):
        await asyncio.wait_for(anext(watch), 0.05)
    del watch, following
    gc.collect()
    await peer.closed.wait()


async def test_cancelling_the_task_that_iterates_frees_the_stream(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    session = a_session(channel)

    async def watch_forever() -> None:
        async for _ in session.watch_variable("x"):
            pass

    task = asyncio.ensure_future(watch_forever())
    await until(lambda: gateway.watches)
    session.cancel_watch(task)
    await asyncio.wait([task])
    gc.collect()
    await gateway.watches[0].closed.wait()


async def test_cancel_watch_ends_an_iteration_cleanly(gateway: ScriptedGateway, channel: grpc.aio.Channel) -> None:
    session = a_session(channel)
    watch = session.watch_variable("x")
    reading = asyncio.ensure_future(collect(watch))
    await until(lambda: gateway.watches)
    session.cancel_watch(watch)
    assert await reading == []
    assert watch.end_reason == "cancelled"
    await gateway.watches[0].closed.wait()


async def test_the_context_manager_frees_the_stream(gateway: ScriptedGateway, channel: grpc.aio.Channel) -> None:
    async with a_session(channel).watch_variable("x") as watch:
        following, peer = await begin(gateway, watch)
        peer.send(a_message(1, an_update("initial", value=1)))
        await following
    await peer.closed.wait()


async def test_cleanup_ends_every_watch(gateway: ScriptedGateway, channel: grpc.aio.Channel) -> None:
    session = a_session(channel)
    readings = [asyncio.ensure_future(collect(session.watch_variable(name))) for name in "ab"]
    await until(lambda: len(gateway.watches) == 2)
    await session.cleanup()
    assert await asyncio.gather(*readings) == [[], []]


async def test_a_timeout_while_waiting_loses_nothing(gateway: ScriptedGateway, channel: grpc.aio.Channel) -> None:
    watch = a_session(channel).watch_variable("x")
    for _ in range(3):
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(anext(watch), 0.02)
    await until(lambda: gateway.watches)
    gateway.watches[0].send(a_message(1, an_update("initial", value=1)))
    assert (await anext(watch)).value == 1
    assert len(gateway.watches) == 1
    await watch.aclose()


async def test_two_tasks_cannot_iterate_over_one_watch(gateway: ScriptedGateway, channel: grpc.aio.Channel) -> None:
    watch = a_session(channel).watch_variable("x")
    following, _ = await begin(gateway, watch)
    with pytest.raises(RuntimeError, match="one task"):
        await anext(watch)
    await watch.aclose()
    with pytest.raises(StopAsyncIteration):
        await following


async def test_the_stop_of_a_session_ends_its_watches_with_the_reason(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    watch = a_session(channel).watch_variable("x", throttle_ms=60_000)
    following, peer = await begin(gateway, watch)
    peer.send(a_message(1, an_update("initial", value=1)))
    await following
    peer.send(a_message(2, an_update("updated", value=2, old=1, revision=2)))
    peer.end(grpc.StatusCode.NOT_FOUND, coilyard.SessionNotFound("stopped"))
    assert await collect(watch) == [2], "the last value is handed out, throttled or not"
    assert watch.end_reason == "session_not_found"


async def test_the_expiry_of_a_session_is_raised_after_everything_that_was_committed(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    watch = a_session(channel).watch_variable("x", throttle_ms=60_000)
    following, peer = await begin(gateway, watch)
    peer.send(a_message(1, an_update("initial", value=1)))
    await following
    peer.send(a_message(2, an_update("updated", value=2, old=1, revision=2)))
    peer.end(grpc.StatusCode.NOT_FOUND, coilyard.SessionExpired("too old"))
    assert (await anext(watch)).value == 2
    with pytest.raises(coilyard.SessionExpired, match="too old"):
        await anext(watch)
    assert watch.end_reason == "session_expired"
    with pytest.raises(StopAsyncIteration):
        await anext(watch)


async def test_a_watch_on_what_does_not_exist_raises(gateway: ScriptedGateway, channel: grpc.aio.Channel) -> None:
    watch = a_session(channel).watch_variable("x")
    following, peer = await begin(gateway, watch)
    peer.end(grpc.StatusCode.NOT_FOUND, coilyard.VariableNotFound("no x"))
    with pytest.raises(KeyError, match="no x"):
        await following
    with pytest.raises(StopAsyncIteration):
        await anext(watch)
    assert watch.end_reason == "variable_not_found"


async def test_a_watch_that_is_refused_raises(gateway: ScriptedGateway, channel: grpc.aio.Channel) -> None:
    following, peer = await begin(gateway, watch := a_session(channel).watch_variable("x"))
    peer.end(grpc.StatusCode.PERMISSION_DENIED, coilyard.PermissionDenied("no"))
    with pytest.raises(PermissionError):
        await following
    await watch.aclose()


async def test_the_deletion_of_all_that_is_watched_ends_the_watch(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    watch = a_session(channel).watch_variables(["x", "var_y_1"], include_initial=False)
    reading = asyncio.ensure_future(collect(watch))
    await until(lambda: gateway.watches)
    peer = gateway.watches[0]
    peer.send(a_message(1, an_update("deleted", "x", old=1)))
    peer.send(a_message(2, an_update("registered", "x", 5, revision=2)))
    peer.send(a_message(3, an_update("deleted", "y", old=1, revision=3), an_update("deleted", "x", old=5, revision=3)))
    assert await reading == [None, 5, None, None]
    assert watch.end_reason == "deleted"


async def test_the_filter_sees_the_value_before_and_after_and_not_the_first(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    session = a_session(channel)
    watch = session.watch_variable("x", filter_fn=lambda old, new: abs(new - old) > 0.05)
    following, peer = await begin(gateway, watch)
    peer.send(
        a_message(
            4,
            an_update("initial", value=0.5),
            an_update("updated", value=0.51, old=0.5, revision=2),
            an_update("updated", value=0.6, old=0.51, revision=3),
        )
    )
    assert [(await following).value, (await anext(watch)).value] == [0.5, 0.6]
    await watch.aclose()


async def test_a_filter_that_raises_is_heard_and_ends_the_watch(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    watch = a_session(channel).watch_variables(["x"], filter_fn=lambda name, old, new: 1 / 0)
    following, peer = await begin(gateway, watch)
    peer.send(a_message(1, an_update("updated", value=1, old=0)))
    with pytest.raises(ZeroDivisionError):
        await following
    with pytest.raises(StopAsyncIteration):
        await anext(watch)
    assert watch.end_reason == "failed"


async def test_throttle_delivers_the_last_value_when_its_time_has_come(
    gateway: ScriptedGateway, channel: grpc.aio.Channel, clock: ManualClock
) -> None:
    watch = a_session(channel, clock).watch_variable("progress", throttle_ms=500)
    following, peer = await begin(gateway, watch)
    peer.send(a_message(1, an_update("initial", "progress", 0.0)))
    assert (await following).value == 0.0
    for step in range(1, 5):
        peer.send(
            a_message(step + 1, an_update("updated", "progress", step * 25.0, (step - 1) * 25.0, revision=step + 1))
        )
    following = asyncio.ensure_future(anext(watch))
    await until(lambda: watch._feed.position.revision == 5, "all have come")
    await settle()
    assert clock.sleepers == [0.5]
    assert not following.done()
    await clock.advance(0.5)
    last = await following
    assert (last.value, last.old_value, last.skipped) == (100.0, 0.0, 3)
    await watch.aclose()


async def test_debounce_hands_out_one_update_for_a_burst_over_many_variables(
    gateway: ScriptedGateway, channel: grpc.aio.Channel, clock: ManualClock
) -> None:
    watch = a_session(channel, clock).watch_variables(
        ["query", "sort"], include_initial=False, debounce_ms=500, debounce_scope="all"
    )
    following, peer = await begin(gateway, watch)
    peer.send(a_message(2, an_update("updated", "query", "b", "a"), an_update("updated", "sort", "d", "c", revision=2)))
    await until(lambda: clock.sleepers == [0.5])
    await clock.advance(0.5)
    last = await following
    assert (last.name, last.value, last.skipped) == ("sort", "d", 1)
    await watch.aclose()


async def test_reconnects_are_spaced(gateway: ScriptedGateway, channel: grpc.aio.Channel, clock: ManualClock) -> None:
    watch = a_session(channel, clock).watch_variable("x")
    following, peer = await begin(gateway, watch)
    delays = []
    for attempt in range(1, 4):
        gateway.watches[-1].end(grpc.StatusCode.UNAVAILABLE)
        await until(lambda: clock.sleepers)
        (delay,) = clock.sleepers
        delays.append(delay)
        await clock.advance(delay)
        await until(lambda attempt=attempt: len(gateway.watches) == attempt + 1)
    assert all(bound / 2 <= delay <= bound for delay, bound in zip(delays, (0.05, 0.1, 0.2), strict=True))
    gateway.watches[-1].send(a_message(1, an_update("initial", value=1)))
    assert (await following).value == 1
    await watch.aclose()


@pytest.mark.parametrize(
    "wrong",
    [
        {"names": []},
        {"names": "x"},
        {"names": [""]},
        {"names": [1]},
        {"names": ["x"], "throttle_ms": -1},
        {"names": ["x"], "debounce_ms": float("nan")},
        {"names": ["x"], "debounce_scope": "some"},
    ],
    ids=str,
)
async def test_arguments_that_make_no_sense_are_refused_at_once(
    channel: grpc.aio.Channel, wrong: dict[str, Any]
) -> None:
    with pytest.raises(ValueError):
        a_session(channel).watch_variables(**wrong)


async def test_a_gateway_that_never_comes_is_told_after_the_timeout(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    await gateway.stop()
    # The time is over after the second attempt.
    caller = Caller(UnaryCarrier(channel), 60.0, PassingClock(15.0))
    with pytest.raises(ConnectionError):
        await anext(SessionContext("s", channel, caller=caller).watch_variable("x"))
