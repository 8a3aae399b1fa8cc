"""A session with a time to live is kept by cached reads, which the gateway does not see, and by nothing else."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
import pytest_asyncio

import coilyard
from coilyard import SessionContext
from coilyard._calls import Caller, carrier_over
from coilyard._proto import sessions_pb2, variables_pb2
from support.manual_clock import ManualClock, until
from support.scripted_gateway import ScriptedGateway, a_variable, refuse

pytestmark = pytest.mark.asyncio

TTL_S = 60.0


@pytest_asyncio.fixture
async def session(gateway: ScriptedGateway, channel: grpc.aio.Channel, clock: ManualClock) -> AsyncIterator[Any]:
    async def create(request: Any, context: Any) -> Any:
        session = sessions_pb2.Session(id="s", ttl_ms=int(TTL_S * 1000))
        return sessions_pb2.CreateSessionResponse(session=session, created=True)

    async def answer(request: Any, context: Any) -> Any:
        return variables_pb2.GetVariableResponse(revision=1, variable=a_variable())

    gateway.handlers.update(CreateSession=create, GetVariable=answer)
    caller = Caller(carrier_over(channel, None), 5.0, clock)
    session = SessionContext("s", channel, {"push": False, "cache_ttl": 600.0}, caller=caller)
    yield session
    await session.cleanup()
    assert not clock.sleepers


async def look(clock: ManualClock) -> None:
    """A third of the time to live passes."""
    await until(lambda: clock.sleepers)
    await clock.advance(TTL_S / 3)


async def test_cached_reads_extend_its_life_and_no_read_does_not(
    gateway: ScriptedGateway, session: SessionContext, clock: ManualClock
) -> None:
    await session.get_variable("x")
    await look(clock)
    assert len(gateway.of("TouchSession")) == 0, "the gateway has seen that read"
    for touched in (1, 2):
        await session.get_variable("x")
        await session.get_variable("x")
        await look(clock)
        await until(lambda touched=touched: len(gateway.of("TouchSession")) == touched)
    for _ in range(5):
        await look(clock)
    assert len(gateway.of("TouchSession")) == 2
    await session.cleanup()
    clock.move(1.0)
    await session.get_variable("x")
    await session.get_variable("x")
    await look(clock)
    await until(lambda: len(gateway.of("TouchSession")) == 3, "it is read again")


async def test_a_session_that_is_gone_is_left_alone(
    gateway: ScriptedGateway, session: SessionContext, clock: ManualClock
) -> None:
    async def gone(request: Any, context: Any) -> None:
        await refuse(context, coilyard.SessionExpired("too old"), grpc.StatusCode.NOT_FOUND)

    gateway.handlers["TouchSession"] = gone
    await session.get_variable("x")
    await session.get_variable("x")
    await look(clock)
    await until(lambda: len(gateway.of("TouchSession")) == 1)
    await until(lambda: not clock.sleepers)
