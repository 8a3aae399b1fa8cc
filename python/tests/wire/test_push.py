"""The cache on the wire: pushes, late replies, broken streams."""

from __future__ import annotations

import asyncio
from typing import Any

import grpc
import pytest

import coilyard
from coilyard import SessionContext
from coilyard._proto import variables_pb2
from support.manual_clock import settle, until
from support.scripted_gateway import ScriptedGateway, a_message, a_variable, an_update

pytestmark = pytest.mark.asyncio


class Replies:
    """Answers `GetVariable` when the test lets it."""

    def __init__(self, gateway: ScriptedGateway) -> None:
        self.waiting: list[asyncio.Future[Any]] = []
        self.now: tuple[Any, int] | None = None
        gateway.handlers["GetVariable"] = self._answer

    async def _answer(self, request: Any, context: Any) -> Any:
        if self.now is not None:
            value, revision = self.now
            return variables_pb2.GetVariableResponse(
                revision=revision, variable=a_variable(value=value, revision=revision)
            )
        future = asyncio.get_running_loop().create_future()
        self.waiting.append(future)
        return await future

    def answer(self, value: Any, *, written_at: int, as_of: int) -> None:
        variable = a_variable(value=value, revision=written_at)
        self.waiting.pop(0).set_result(variables_pb2.GetVariableResponse(revision=as_of, variable=variable))


def a_session(channel: grpc.aio.Channel, **config: Any) -> SessionContext:
    return SessionContext("s", channel, {"cache_ttl": 60.0, **config})


async def a_live_session(gateway: ScriptedGateway, channel: grpc.aio.Channel, **config: Any) -> SessionContext:
    """A session whose cache holds x=1 of revision 1 and is live."""
    replies = Replies(gateway)
    replies.now = (1, 1)
    session = a_session(channel, **config)
    assert await session.get_variable("x") == 1
    await until(lambda: gateway.watches, "a watch")
    gateway.watches[0].send(a_message(1))
    await until(lambda: session.cache.live, "live")
    return session


async def test_the_first_cached_read_opens_one_watch_on_everything(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    session = await a_live_session(gateway, channel)
    await session.get_variable("x")
    await session.get_variables(["x"])
    (watch,) = gateway.watches
    assert (list(watch.request.variables), watch.request.pattern) == ([], "")
    assert (watch.request.coalesce, watch.request.include_initial) == (True, False)
    await session.cleanup()


async def test_a_pushed_change_is_read_without_asking(gateway: ScriptedGateway, channel: grpc.aio.Channel) -> None:
    session = await a_live_session(gateway, channel)
    gateway.watches[0].send(a_message(2, an_update("updated", value=2, old=1, revision=2)))
    await until(lambda: session.cached("x") == 2)
    assert await session.get_variable("x") == 2
    assert len(gateway.of("GetVariable")) == 1
    await session.cleanup()


async def test_a_slow_reply_never_overwrites_a_pushed_change(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    session = await a_live_session(gateway, channel)
    replies = Replies(gateway)
    late = asyncio.ensure_future(session.get_variable("x", bypass_cache=True))
    await until(lambda: replies.waiting)
    gateway.watches[0].send(a_message(3, an_update("updated", value=3, old=1, revision=3)))
    await until(lambda: session.cached("x") == 3)
    replies.answer(1, written_at=1, as_of=1)
    assert await late == 3, "a reader is never told something older than this client has seen"
    assert session.cached("x") == 3
    await session.cleanup()


async def test_a_reply_that_is_newer_than_the_push_is_kept(gateway: ScriptedGateway, channel: grpc.aio.Channel) -> None:
    session = await a_live_session(gateway, channel)
    replies = Replies(gateway)
    replies.now = (9, 9)
    assert await session.get_variable("x", bypass_cache=True) == 9
    gateway.watches[0].send(a_message(5, an_update("updated", value=5, old=1, revision=5)))
    gateway.watches[0].send(a_message(6, an_update("updated", name="marker", value=1, old=0, revision=6)))
    await settle()
    assert session.cached("x") == 9
    await session.cleanup()


async def test_a_reply_from_before_the_watch_is_asked_for_again(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    replies = Replies(gateway)
    session = a_session(channel)
    reading = asyncio.ensure_future(session.get_variable("x"))
    await until(lambda: replies.waiting and gateway.watches)
    gateway.watches[0].send(a_message(5))
    await until(lambda: session.cache.live)
    replies.answer(1, written_at=1, as_of=4)
    assert await reading == 1
    replies.now = (2, 5)
    assert await session.get_variable("x") == 2
    await session.cleanup()


async def test_a_writer_reads_its_own_write_at_once(gateway: ScriptedGateway, channel: grpc.aio.Channel) -> None:
    session = await a_live_session(gateway, channel)

    async def stored(request: Any, context: Any) -> Any:
        variable = a_variable(value=request.value.integer * 10, revision=7, version=1)
        return variables_pb2.SetVariableResponse(revision=7, variable=variable)

    gateway.handlers["SetVariable"] = stored
    await session.set_variable("x", 4)
    assert session.cached("x") == 40, "what the gateway stored, not what was sent"
    await session.cleanup()


async def test_a_deleted_variable_leaves_the_cache(gateway: ScriptedGateway, channel: grpc.aio.Channel) -> None:
    session = await a_live_session(gateway, channel)
    gateway.watches[0].send(a_message(2, an_update("deleted", old=1, revision=2)))
    await until(lambda: len(session.cache) == 0)
    with pytest.raises(LookupError):
        session.cached("x")
    assert session.cached("x", 5) == 5
    await session.cleanup()


async def test_a_broken_stream_leaves_the_time_to_live_and_resumes_behind_its_position(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    session = await a_live_session(gateway, channel)
    gateway.watches[0].end(grpc.StatusCode.UNAVAILABLE)
    await until(lambda: not session.cache.live)
    assert await session.get_variable("x") == 1
    await until(lambda: len(gateway.watches) == 2)
    second = gateway.watches[1]
    assert (second.request.after.revision, second.request.after.tag) == (1, "t")
    second.send(a_message(3, an_update("updated", value=3, old=1, revision=3)))
    await until(lambda: session.cache.live)
    assert session.cached("x") == 3
    assert len(gateway.of("GetVariable")) == 1
    await session.cleanup()


@pytest.mark.parametrize("status", [grpc.StatusCode.OK, grpc.StatusCode.CANCELLED, grpc.StatusCode.UNAVAILABLE])
async def test_a_stream_that_ends_without_a_reason_is_opened_again(
    gateway: ScriptedGateway, channel: grpc.aio.Channel, status: grpc.StatusCode
) -> None:
    session = await a_live_session(gateway, channel)
    if status is grpc.StatusCode.OK:
        await gateway.restart()
    else:
        gateway.watches[0].end(status)
    await until(lambda: len(gateway.watches) == 2)
    await session.cleanup()


async def test_a_reset_refreshes_what_is_cached_and_drops_what_is_gone(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    session = await a_live_session(gateway, channel)
    reset = an_update("reset", reset_reason="diverged", revision=0)
    first = an_update("initial", value="new", revision=1)
    gateway.watches[0].send(a_message(1, reset, first, tag="other"))
    await until(lambda: session.cached("x", None) == "new")
    gateway.watches[0].send(a_message(1, reset, tag="another"))
    await until(lambda: len(session.cache) == 0)
    await session.cleanup()


async def test_the_end_of_the_session_empties_the_cache(gateway: ScriptedGateway, channel: grpc.aio.Channel) -> None:
    session = await a_live_session(gateway, channel)
    gateway.watches[0].end(grpc.StatusCode.NOT_FOUND, coilyard.SessionNotFound("stopped"))
    await until(lambda: len(session.cache) == 0 and not session.cache.live)
    await settle()
    assert len(gateway.watches) == 1
    await session.cleanup()


async def test_where_watching_is_refused_the_cache_lives_by_its_time_to_live(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    Replies(gateway).now = (1, 1)
    session = a_session(channel)
    await session.get_variable("x")
    await until(lambda: gateway.watches)
    gateway.watches[0].end(grpc.StatusCode.PERMISSION_DENIED, coilyard.PermissionDenied("no"))
    await settle()
    assert await session.get_variable("x") == 1
    assert len(gateway.of("GetVariable")) == 1
    await session.cleanup()


async def test_without_push_no_watch_is_opened(gateway: ScriptedGateway, channel: grpc.aio.Channel) -> None:
    Replies(gateway).now = (1, 1)
    session = a_session(channel, push=False)
    assert [await session.get_variable("x") for _ in range(3)] == [1, 1, 1]
    assert (len(gateway.of("GetVariable")), gateway.watches) == (1, [])


@pytest.mark.parametrize("switch", [{"push": False}, {"ttl": 0}, {"enabled": False}])
async def test_switching_off_frees_the_watch_and_switching_on_opens_a_new_one(
    gateway: ScriptedGateway, channel: grpc.aio.Channel, switch: dict[str, Any]
) -> None:
    session = await a_live_session(gateway, channel)
    session.set_cache_config(**switch)
    await gateway.watches[0].closed.wait()
    assert not session.cache.live
    session.set_cache_config(ttl=60, enabled=True, push=True)
    await session.get_variable("x")
    await until(lambda: len(gateway.watches) == 2)
    gateway.watches[1].send(a_message(1))
    await until(lambda: session.cache.live)
    await session.cleanup()


async def test_cleanup_frees_the_stream(gateway: ScriptedGateway, channel: grpc.aio.Channel) -> None:
    session = await a_live_session(gateway, channel)
    await session.cleanup()
    await gateway.watches[0].closed.wait()
    assert len(session.cache) == 0


async def test_many_tasks_that_miss_the_same_variable_make_one_request(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    replies = Replies(gateway)
    session = a_session(channel, push=False)
    reading = [asyncio.ensure_future(session.get_variable("x")) for _ in range(50)]
    await until(lambda: replies.waiting)
    await settle()
    replies.answer(7, written_at=1, as_of=1)
    assert await asyncio.gather(*reading) == [7] * 50
    assert len(gateway.of("GetVariable")) == 1
    stats = session.get_cache_stats()
    assert (stats["misses"], stats["hits"]) == (50, 0)


async def test_who_reads_after_an_invalidation_does_not_join_a_request_from_before(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    replies = Replies(gateway)
    session = a_session(channel, push=False)
    before = asyncio.ensure_future(session.get_variable("x"))
    await until(lambda: len(replies.waiting) == 1)
    session.invalidate_cache("x")
    after = asyncio.ensure_future(session.get_variable("x"))
    await until(lambda: len(replies.waiting) == 2)
    replies.answer("old", written_at=1, as_of=1)
    assert await before == "old"
    replies.answer("new", written_at=2, as_of=2)
    assert (await after, session.cached("x")) == ("new", "new")


async def test_a_bypass_never_shares_a_request(gateway: ScriptedGateway, channel: grpc.aio.Channel) -> None:
    replies = Replies(gateway)
    session = a_session(channel, push=False)
    reading = [asyncio.ensure_future(session.get_variable("x", bypass_cache=True)) for _ in range(2)]
    await until(lambda: len(replies.waiting) == 2)
    for _ in reading:
        replies.answer(1, written_at=1, as_of=1)
    assert await asyncio.gather(*reading) == [1, 1]


async def test_lists_and_maps_are_pushed_too_and_each_reader_gets_its_own(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    session = await a_live_session(gateway, channel)
    gateway.watches[0].send(a_message(2, an_update("updated", value={"a": [1]}, old=1, revision=2)))
    await until(lambda: session.cached("x") == {"a": [1]})
    (await session.get_variable("x"))["a"].append(2)
    assert await session.get_variable("x") == {"a": [1]}
    assert len(gateway.of("GetVariable")) == 1
    await session.cleanup()


async def test_a_cached_read_is_not_older_than_what_a_watch_of_ones_own_has_told(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    session = await a_live_session(gateway, channel)
    watch = session.watch_variable("x")
    following = asyncio.ensure_future(anext(watch))
    await until(lambda: len(gateway.watches) == 2, "a watch of the user beside that of the cache")
    told = gateway.watches[1]
    told.send(a_message(1, an_update("initial", value=1, revision=1)))
    assert (await following).value == 1
    assert session.cached("x") == 1

    told.send(a_message(2, an_update("updated", value=2, old=1, revision=2)))
    assert (await anext(watch)).value == 2
    assert session.cached("x") == 2, "although the cache was not told yet"
    gateway.watches[0].send(a_message(2, an_update("updated", value=2, old=1, revision=2)))
    await settle()
    assert (session.cached("x"), session.get_cache_stats()["pushes"]) == (2, 1), "which hears it once"

    large = an_update("updated", value=0, old=2, revision=3)
    large.ClearField("value")
    told.send(a_message(3, large))
    assert (await anext(watch)).too_large
    assert session.cached("x", None) is None

    told.send(a_message(4, an_update("deleted", old=3, revision=4)))
    assert (await anext(watch)).deleted
    assert session.cached("x", None) is None
    await session.cleanup()


async def test_an_older_watch_of_ones_own_changes_nothing_in_a_newer_cache(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    session = await a_live_session(gateway, channel)
    gateway.watches[0].send(a_message(5, an_update("updated", value=5, old=1, revision=5)))
    await until(lambda: session.cached("x") == 5)
    watch = session.watch_variable("x")
    following = asyncio.ensure_future(anext(watch))
    await until(lambda: len(gateway.watches) == 2)
    folded = an_update("updated", value=3, old=2, revision=3, skipped=1)
    gateway.watches[1].send(a_message(4, an_update("initial", value=2, revision=2), folded))
    assert [(await following).value, (await anext(watch)).value] == [2, 3]
    assert session.cached("x") == 5
    await session.cleanup()
