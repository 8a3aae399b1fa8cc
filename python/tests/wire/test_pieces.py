"""What is too large for one message of a watch: several that belong together, and pieces of one."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import numpy as np
import pytest

import coilyard
from coilyard import SessionContext
from coilyard._proto import variables_pb2
from support.manual_clock import settle, until
from support.scripted_gateway import ScriptedGateway, WatchPeer, a_message, a_variable, an_update

pytestmark = pytest.mark.asyncio


def some(*updates: variables_pb2.VariableUpdate) -> variables_pb2.WatchResponse:
    """A message that more belongs to."""
    return variables_pb2.WatchResponse(updates=updates)


def in_pieces(message: variables_pb2.WatchResponse, size: int = 20) -> list[variables_pb2.WatchResponse]:
    data = message.SerializeToString()
    pieces = [variables_pb2.WatchResponse(piece=data[at : at + size]) for at in range(0, len(data), size)]
    pieces[-1].last_piece = True
    assert len(pieces) > 2
    return pieces


async def first_of(gateway: ScriptedGateway, session: SessionContext) -> tuple[Any, Any, WatchPeer]:
    watch = session.watch_variables(["x", "y"])
    following = asyncio.ensure_future(anext(watch))
    await until(lambda: gateway.watches, "the watch is open")
    return watch, following, gateway.watches[-1]


async def test_an_update_in_pieces_is_whole_when_it_is_handed_out(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    watch, following, peer = await first_of(gateway, SessionContext("s", channel))
    assert peer.request.pieces
    value = np.arange(100, dtype=np.int16)
    for message in in_pieces(a_message(3, an_update("initial", value=value, revision=3))):
        await settle()
        assert not following.done()
        peer.send(message)
    assert np.array_equal((await following).value, value)
    for message in (*in_pieces(some(an_update("updated", value=[1], old=value, revision=4))), a_message(4)):
        peer.send(message)
    assert (await anext(watch)).value == [1]
    await watch.aclose()


async def test_a_snapshot_in_several_messages_deletes_nothing_that_comes_with_the_next_one(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    watch, following, peer = await first_of(gateway, SessionContext("s", channel))
    both = [an_update("initial", name, value=1, revision=1) for name in ("x", "y")]
    peer.send(a_message(1, *both))
    assert [(await following).name, (await anext(watch)).name] == ["x", "y"]
    peer.send(some(an_update("reset", name="", reset_reason="overflow", revision=5)))
    peer.send(some(an_update("initial", "x", value=1, revision=1)))
    peer.send(a_message(5, an_update("initial", "y", value=7, revision=5)))
    update = await anext(watch)
    assert (update.name, update.value, update.type, update.reset_reason) == ("y", 7, "initial", "overflow")
    await watch.aclose()


async def test_a_connection_that_breaks_within_what_belongs_together_resumes_before_it(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    watch, following, peer = await first_of(gateway, SessionContext("s", channel))
    peer.send(a_message(3, an_update("initial", value=1, revision=3)))
    await following
    following = asyncio.ensure_future(anext(watch))
    lost = some(an_update("updated", value=2, old=1, revision=4))
    large = a_message(5, an_update("updated", value=[0] * 50, old=2, revision=5))
    for message in (lost, *in_pieces(large)[:-1]):
        peer.send(message)
    await settle()
    peer.end(grpc.StatusCode.UNAVAILABLE)
    await until(lambda: len(gateway.watches) == 2, "the watch is opened again")
    again = gateway.watches[-1]
    assert again.request.after.revision == 3
    for message in (lost, *in_pieces(large)):
        again.send(message)
    assert [(await following).value, (await anext(watch)).value] == [2, [0] * 50]
    await watch.aclose()


async def test_pieces_that_make_no_message_end_the_watch_with_a_fault_of_the_gateway(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    watch, following, peer = await first_of(gateway, SessionContext("s", channel))
    peer.send(variables_pb2.WatchResponse(piece=b"\xff\xff\xff", last_piece=True))
    with pytest.raises(coilyard.InternalError, match="no update"):
        await following
    assert (watch.end_reason, len(gateway.watches)) == ("internal", 1)


async def test_a_value_that_does_not_travel_at_all_is_said_and_not_shown_to_the_filter(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    seen: list[tuple[Any, Any]] = []
    session = SessionContext("s", channel)
    watch = session.watch_variable("x", filter_fn=lambda old, new: not seen.append((old, new)))
    following = asyncio.ensure_future(anext(watch))
    await until(lambda: gateway.watches, "the watch is open")
    peer = gateway.watches[-1]
    peer.send(a_message(1, an_update("initial", value=1, revision=1, version=1)))
    await following
    without = an_update("updated", value=None, old=1, revision=2, version=2)
    without.ClearField("value")
    peer.send(a_message(2, without))
    update = await anext(watch)
    assert (update.value, update.too_large, update.old_value, update.deleted) == (None, True, 1, False)
    deleted = an_update("deleted", old=None, revision=3)
    peer.send(a_message(3, an_update("updated", value=None, old=1, revision=3, version=3), deleted))
    assert [((await anext(watch)).too_large), (await anext(watch)).too_large] == [False, False]
    assert seen == [(1, None)], "a value that is None, and not one that is missing"
    await watch.aclose()


async def test_the_value_before_that_was_too_large_to_come_along_is_the_one_that_came_last(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    watch, following, peer = await first_of(gateway, SessionContext("s", channel))
    peer.send(a_message(1, an_update("initial", value=1, revision=1, version=1)))
    await following

    def bare(value: int, version: int, skipped: int = 0) -> variables_pb2.WatchResponse:
        update = an_update("updated", value=value, revision=version, version=version, skipped=skipped)
        update.ClearField("old_value")
        return a_message(version, update)

    for message in (bare(2, 2), bare(5, 5, skipped=2), bare(8, 8)):
        peer.send(message)
    assert [(await anext(watch)).old_value for _ in range(3)] == [1, 2, None]
    await watch.aclose()


async def test_the_cache_takes_no_pieces_and_asks_for_what_came_without_its_value(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    revision = 1

    async def answer(request: Any, _: Any) -> Any:
        variable = a_variable(request.variable, value=revision, revision=revision)
        return variables_pb2.GetVariableResponse(revision=revision, variable=variable)

    gateway.handlers["GetVariable"] = answer
    session = SessionContext("s", channel, {"cache_ttl": 60.0})
    assert [await session.get_variable(name) for name in ("x", "y")] == [1, 1]
    await until(lambda: gateway.watches, "a watch")
    peer = gateway.watches[0]
    assert not peer.request.pieces
    peer.send(a_message(1))
    await until(lambda: session.cache.live, "live")

    revision = 2
    without = an_update("updated", value=0, revision=2)
    without.ClearField("value")
    peer.send(a_message(2, without))
    await until(lambda: session.cached("x", None) is None)
    assert (await session.get_variable("x"), session.cached("x"), session.cached("y")) == (2, 2, 1)

    revision = 3
    bare = an_update("initial", "x", value=0, revision=3)
    bare.ClearField("value")
    peer.send(a_message(3, an_update("reset", name="", reset_reason="overflow"), bare, an_update("initial", "y", 9)))
    await until(lambda: session.cached("y") == 9)
    assert session.cached("x", None) is None
    assert (await session.get_variable("x"), session.cache.live, len(gateway.watches)) == (3, True, 1)
    await session.cleanup()
