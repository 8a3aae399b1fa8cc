"""What a cache may keep, on the wire: new settings, folded changes, rules, and on whose behalf it is asked."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest

from coilyard import SessionContext
from coilyard._proto import variables_pb2
from support.manual_clock import until
from support.scripted_gateway import ScriptedGateway, a_message, a_variable, an_update

pytestmark = pytest.mark.asyncio


def answer_with(gateway: ScriptedGateway, *variables: variables_pb2.Variable) -> list[variables_pb2.Variable]:
    """Answers each `GetVariable` with the next of `variables`, the last one for ever."""
    left = list(variables)

    async def answer(request: Any, context: Any) -> Any:
        variable = left.pop(0) if len(left) > 1 else left[0]
        return variables_pb2.GetVariableResponse(revision=variable.revision, variable=variable)

    gateway.handlers["GetVariable"] = answer
    return left


async def a_live_session(gateway: ScriptedGateway, channel: grpc.aio.Channel, **config: Any) -> SessionContext:
    session = SessionContext("s", channel, {"cache_ttl": 60.0, **config})
    await session.get_variable("x")
    await until(lambda: gateway.watches, "a watch")
    gateway.watches[0].send(a_message(1))
    await until(lambda: session.cache.live, "live")
    return session


def rule(pattern: str, *permissions: str) -> variables_pb2.AccessRule:
    return variables_pb2.AccessRule(session_pattern=pattern, permissions=permissions)


async def test_new_settings_drop_the_cached_value_with_or_without_a_value_of_their_own(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    answer_with(gateway, a_variable())
    session = await a_live_session(gateway, channel)
    assert gateway.watches[0].request.include_settings
    heard = []

    async def hear(variable_id: str, reason: str) -> None:
        heard.append(reason)

    session.cache.subscribe_invalidation("x", hear)
    for revision in (2, 3):
        gateway.watches[0].send(a_message(revision, an_update("configured", revision=revision)))
        await until(lambda revision=revision: len(heard) == revision - 1)
        assert session.cached("x", None) is None
        answer_with(gateway, a_variable(revision=revision))
        assert await session.get_variable("x") == 1
    assert heard == ["configured", "configured"]
    await session.cleanup()


async def test_a_change_that_stands_for_many_may_hide_new_settings_and_is_asked_for(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    answer_with(gateway, a_variable())
    session = await a_live_session(gateway, channel)
    gateway.watches[0].send(a_message(9, an_update("updated", value=5, old=1, revision=9, skipped=4)))
    await until(lambda: session.cached("x", None) is None)
    answer_with(gateway, a_variable(value=5, revision=9))
    assert await session.get_variable("x") == 5
    without_value = an_update("updated", value=6, old=5, revision=10)
    without_value.ClearField("value")
    gateway.watches[0].send(a_message(10, without_value))
    await until(lambda: session.cached("x", None) is None)
    assert session.cache.live
    await session.cleanup()


async def test_a_reply_from_before_new_settings_is_asked_for_again(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    answer_with(gateway, a_variable())
    session = await a_live_session(gateway, channel)
    session.invalidate_cache()
    late = asyncio.get_running_loop().create_future()
    asked = []

    async def answer(request: Any, context: Any) -> Any:
        asked.append(request)
        variable = await late if len(asked) == 1 else a_variable(value=2, revision=5)
        return variables_pb2.GetVariableResponse(revision=variable.revision, variable=variable)

    gateway.handlers["GetVariable"] = answer
    reading = asyncio.ensure_future(session.get_variable("x"))
    await until(lambda: asked)
    gateway.watches[0].send(a_message(5, an_update("configured", revision=5)))
    await until(lambda: session.cache.seen.is_outdated("var_x_1", 1))
    late.set_result(a_variable(value=1, revision=1))
    assert await reading == 2
    await session.cleanup()


async def test_what_may_not_be_observed_is_not_pushed_and_holds_by_time_alone(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    answer_with(gateway, a_variable(access_rules=[rule("s", "read")]), a_variable(value=2, revision=2))
    session = await a_live_session(gateway, channel, cache_ttl=0.05)
    assert await session.get_variable("x") in {1, 2}
    await asyncio.sleep(0.06)
    assert await session.get_variable("x") == 2
    assert session.cache.live
    await session.cleanup()


@pytest.mark.parametrize(
    ("rules", "kept"),
    [
        ([], True),
        ([rule("any", "read", "observe")], True),
        ([rule("adm*", "read"), rule("*_1", "observe")], True),
        ([rule("s", "read", "observe")], False),
        ([rule("any", "write")], False),
    ],
)
async def test_a_written_value_is_kept_only_where_the_calling_session_may_read_it(
    gateway: ScriptedGateway, channel: grpc.aio.Channel, rules: Any, kept: bool
) -> None:
    async def answer(request: Any, context: Any) -> Any:
        return variables_pb2.SetVariableResponse(revision=2, variable=a_variable(revision=2, access_rules=rules))

    gateway.handlers["SetVariable"] = answer
    session = SessionContext("s", channel, {"cache_ttl": 60.0, "as_session": "admin_1"})
    await session.set_variable("x", 1)
    assert len(session.cache) == kept
    await session.cleanup()


async def test_every_call_and_the_watch_name_the_calling_session(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    answer_with(gateway, a_variable())
    session = SessionContext("s", channel, {"as_session": "admin_1", "token": "t"})
    await session.get_variable("x")
    assert {entries.get("coilyard-session") for entries in gateway.metadata} == {"admin_1"}
    assert {entries.get("authorization") for entries in gateway.metadata} == {"Bearer t"}
    plain = SessionContext("s", channel)
    await plain.get_variable("x")
    assert "coilyard-session" not in gateway.metadata[-1]
    await session.cleanup()
    await plain.cleanup()


async def test_a_watch_yields_no_settings(gateway: ScriptedGateway, channel: grpc.aio.Channel) -> None:
    session = SessionContext("s", channel)
    watch = session.watch_variable("x")
    following = asyncio.ensure_future(anext(watch))
    await until(lambda: gateway.watches)
    assert not gateway.watches[0].request.include_settings
    gateway.watches[0].send(a_message(2, an_update("configured", revision=2), an_update("initial", value=1)))
    assert (await following).type == "initial"
    await watch.aclose()
