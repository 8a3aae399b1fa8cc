"""Requests on a real connection: deadlines, retries, request ids, tokens."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest

import coilyard
from coilyard import SessionContext
from coilyard._backoff import Backoff
from coilyard._calls import Caller, bearer, carrier_over
from coilyard._proto import variables_pb2
from support.manual_clock import PassingClock
from support.scripted_gateway import ScriptedGateway, a_variable, refuse

pytestmark = pytest.mark.asyncio


def a_session(channel: grpc.aio.Channel, **config: Any) -> SessionContext:
    return SessionContext("s", channel, {"push": False, "timeout": 60.0, **config})


async def test_a_write_is_repeated_with_its_request_id_until_it_is_answered(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    async def answer(request: Any, context: Any) -> Any:
        if len(gateway.of("SetVariable")) < 3:
            await context.abort(grpc.StatusCode.UNAVAILABLE, "lost")
        return variables_pb2.SetVariableResponse(revision=1, variable=a_variable())

    gateway.handlers["SetVariable"] = answer
    await a_session(channel).set_variable("x", 1)
    ids = {request.request_id for request in gateway.of("SetVariable")}
    assert len(gateway.of("SetVariable")) == 3
    assert len(ids) == 1
    assert len(ids.pop()) == 36


async def test_two_writes_have_two_request_ids(gateway: ScriptedGateway, channel: grpc.aio.Channel) -> None:
    async def answer(request: Any, context: Any) -> Any:
        return variables_pb2.SetVariableResponse(revision=1, variable=a_variable())

    gateway.handlers["SetVariable"] = answer
    session = a_session(channel)
    await session.set_variable("x", 1)
    await session.set_variable("x", 1)
    first, second = gateway.of("SetVariable")
    assert first.request_id != second.request_id


async def test_what_the_gateway_refused_is_not_repeated(gateway: ScriptedGateway, channel: grpc.aio.Channel) -> None:
    async def answer(request: Any, context: Any) -> None:
        await refuse(context, coilyard.ReadOnly("x is read-only"), grpc.StatusCode.PERMISSION_DENIED)

    gateway.handlers["SetVariable"] = answer
    with pytest.raises(PermissionError, match="x is read-only"):
        await a_session(channel).set_variable("x", 1)
    assert len(gateway.of("SetVariable")) == 1


async def test_a_busy_runtime_is_asked_again_when_it_said_to(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    async def answer(request: Any, context: Any) -> Any:
        if len(gateway.of("GetVariable")) == 1:
            busy = coilyard.MailboxFull("full", retry_after_ms=20)
            await refuse(context, busy, grpc.StatusCode.RESOURCE_EXHAUSTED)
        return variables_pb2.GetVariableResponse(revision=1, variable=a_variable(value=5))

    gateway.handlers["GetVariable"] = answer
    assert await a_session(channel).get_variable("x") == 5


async def test_a_gateway_that_stays_away_is_a_connection_error_within_the_deadline(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    await gateway.stop()
    # The time is over after the second attempt.
    caller = Caller(carrier_over(channel, None), 60.0, PassingClock(15.0))
    with pytest.raises(ConnectionError) as lost:
        await SessionContext("s", channel, {"push": False}, caller=caller).get_variable("x")
    assert isinstance(lost.value, grpc.RpcError)


async def test_a_gateway_that_never_answers_is_a_timeout(gateway: ScriptedGateway, channel: grpc.aio.Channel) -> None:
    async def hang(request: Any, context: Any) -> None:
        await asyncio.sleep(60)

    gateway.handlers["GetVariable"] = hang
    with pytest.raises(TimeoutError):
        await a_session(channel, timeout=0.2).get_variable("x", default=1)


async def test_a_gateway_that_comes_back_finishes_what_was_asked(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    async def answer(request: Any, context: Any) -> Any:
        return variables_pb2.GetVariableResponse(revision=1, variable=a_variable(value=5))

    gateway.handlers["GetVariable"] = answer
    await gateway.stop()
    reading = asyncio.ensure_future(a_session(channel).get_variable("x"))
    await asyncio.sleep(0.1)
    await gateway.start(gateway.port)
    assert await reading == 5


async def test_the_token_travels_with_every_call(gateway: ScriptedGateway, channel: grpc.aio.Channel) -> None:
    async def answer(request: Any, context: Any) -> Any:
        return variables_pb2.GetVariableResponse(revision=1, variable=a_variable())

    gateway.handlers["GetVariable"] = answer
    await a_session(channel, token="secret").get_variable("x")
    assert [metadata["authorization"] for metadata in gateway.metadata] == ["Bearer secret"] * 2


@pytest.mark.parametrize("token", ["ümlaut", "line\nbreak", " blank", ""])
async def test_a_token_that_no_header_can_carry_is_refused_at_once(token: str) -> None:
    if token:
        with pytest.raises(ValueError, match="token"):
            bearer(token)
    else:
        assert bearer(None) == ()


async def test_a_closed_client_says_so(gateway: ScriptedGateway) -> None:
    async with coilyard.connect(gateway.address) as client:
        session = await client.session("s")
    with pytest.raises(ConnectionError, match="closed"):
        await session.get_variable("x")


async def test_delays_grow_are_bounded_and_are_spread() -> None:
    backoff = Backoff(first_s=1, longest_s=8, chance=lambda: 1.0)
    assert [backoff.delay(attempt) for attempt in range(5)] == [1, 2, 4, 8, 8]
    assert Backoff(first_s=1, longest_s=8, chance=lambda: 0.0).delay(10_000) == 4
    assert len({Backoff().delay(5) for _ in range(20)}) > 10


async def test_cancelling_the_task_cancels_the_call(gateway: ScriptedGateway, channel: grpc.aio.Channel) -> None:
    ended = asyncio.Event()

    async def hang(request: Any, context: Any) -> None:
        try:
            await asyncio.sleep(60)
        finally:
            ended.set()

    gateway.handlers["GetVariable"] = hang
    reading = asyncio.ensure_future(a_session(channel).get_variable("x"))
    while not gateway.of("GetVariable"):
        await asyncio.sleep(0.001)
    reading.cancel()
    await ended.wait()
    assert reading.cancelled() or reading.cancelling()


async def test_a_session_is_created_once_however_many_tasks_begin(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    async def answer(request: Any, context: Any) -> Any:
        return variables_pb2.GetVariableResponse(revision=1, variable=a_variable())

    gateway.handlers["GetVariable"] = answer
    session = a_session(channel, metadata={"owner": "test"}, ttl_ms=1000)
    await asyncio.gather(*(session.get_variable("x", bypass_cache=True) for _ in range(20)))
    (created,) = gateway.of("CreateSession")
    assert (created.id, created.attach_if_exists, created.ttl_ms) == ("s", True, 1000)
    assert created.metadata["owner"].text == "test"


async def test_a_session_that_is_made_has_what_its_settings_say_and_none_is_made_for_wrong_ones(
    gateway: ScriptedGateway,
) -> None:
    async with coilyard.connect(gateway.address, token="t") as client:
        settings = coilyard.SessionConfig(ttl_ms=7, metadata={"k": 1})
        await client.create_session("a", config=settings)
        await client.create_session("b", ttl_ms=8, metadata={"m": 2}, config=settings)
        with pytest.raises(ValueError, match="unknown key"):
            await client.create_session("c", config={"cash_ttl": 1})
    of_settings, of_its_own = gateway.of("CreateSession")
    assert (of_settings.ttl_ms, list(of_settings.metadata)) == (7, ["k"])
    assert (of_its_own.ttl_ms, list(of_its_own.metadata)) == (8, ["m"])


async def test_a_client_makes_and_finds_sessions(gateway: ScriptedGateway) -> None:
    async with coilyard.connect(gateway.address, token="t") as client:
        session = await client.create_session("a", ttl_ms=5, metadata={"k": 1})
        assert session.session_id == "a"
        with pytest.raises(ValueError, match="unknown key"):
            await client.session("b", config={"cash_ttl": 1})
