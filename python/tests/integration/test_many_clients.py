"""What one client does and another sees; threads; connections that break."""

from __future__ import annotations

import asyncio
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

import coilyard
from coilyard import SessionContext
from support.manual_clock import PassingClock, until
from support.real_gateway import GatewayProcess, Wire

pytestmark = pytest.mark.gateway


@pytest.mark.asyncio
async def test_a_cached_read_sees_the_write_of_another_client_without_a_time_to_live(
    session: SessionContext, other: SessionContext
) -> None:
    await session.register_variable("x", "integer", 0)
    assert await other.get_variable("x") == 0
    await until(lambda: other.cache.live)
    for number in range(1, 50):
        await session.set_variable("x", number)
        await until(lambda number=number: other.cached("x") == number)
    stats = other.get_cache_stats()
    assert (stats["misses"], stats["pushes"]) == (1, 49)


@pytest.mark.asyncio
async def test_a_reader_never_goes_back_in_time_while_others_write(
    session: SessionContext, other: SessionContext
) -> None:
    await session.register_variable("x", "integer", 0)
    done = asyncio.Event()

    async def write() -> None:
        for number in range(1, 300):
            await session.set_variable("x", number)
        done.set()

    async def read(bypass: bool) -> None:
        last = -1
        while not done.is_set():
            value = await other.get_variable("x", bypass_cache=bypass)
            assert value >= last
            last = value
            await asyncio.sleep(0)

    await asyncio.gather(write(), read(False), read(True))
    # Many changes that were told as one leave nothing in the cache: the next read asks.
    while await other.get_variable("x") != 299:
        await asyncio.sleep(0.001)


@pytest.mark.asyncio
async def test_a_watch_sees_each_change_once_and_in_order(session: SessionContext, other: SessionContext) -> None:
    await session.register_variable("x", "integer", 0)
    watch = other.watch_variable("x")
    assert (await anext(watch)).type == "initial"
    for number in range(1, 100):
        await session.set_variable("x", number, metadata={"n": number})
    seen = 0
    while seen < 99:
        update = await anext(watch)
        assert update.value == update.metadata["n"] == seen + 1 + update.skipped
        assert update.old_value == seen
        seen = update.value
    await watch.aclose()


@pytest.mark.asyncio
async def test_watches_end_when_their_variable_is_deleted_or_their_session_stopped(
    session: SessionContext, other: SessionContext
) -> None:
    await session.register_variables([{"name": "x", "initial_value": 1}, {"name": "y", "initial_value": 1}])
    x, y = other.watch_variable("x"), other.watch_variables(["y"])
    assert ((await anext(x)).value, (await anext(y)).value) == (1, 1)
    await session.delete_variable("x")
    assert [update.type async for update in x] == ["deleted"]
    assert x.end_reason == "deleted"
    await session.stop()
    assert [update async for update in y] == []
    assert y.end_reason == "session_not_found"


@pytest.mark.asyncio
async def test_a_watch_on_nothing_is_a_key_error(session: SessionContext) -> None:
    with pytest.raises(KeyError):
        await anext(session.watch_variable("nothing"))


@pytest.mark.asyncio
async def test_writes_over_a_connection_that_keeps_breaking_happen_once_each(
    wire: Wire, session: SessionContext
) -> None:
    await session.register_variable("x", "integer", 0)
    async with coilyard.connect(wire.address) as client:
        writer = await client.session(session.session_id)
        stop = asyncio.Event()
        written = 0

        async def break_it() -> None:
            while not stop.is_set():
                before = written
                await asyncio.sleep(0.03)
                # However slow everything is, something gets through in between.
                await until(lambda before=before: written > before or stop.is_set())
                wire.cut()

        breaking = asyncio.ensure_future(break_it())
        for number in range(1, 151):
            await writer.set_variable("x", number)
            written = number
        stop.set()
        await breaking
    (variable,) = await session.list_variables()
    assert (variable["value"], variable["version"]) == (150, 150)
    assert wire.opened > 1, "the connection did break"


@pytest.mark.asyncio
async def test_a_watch_over_a_connection_that_keeps_breaking_misses_and_repeats_nothing(
    wire: Wire, session: SessionContext
) -> None:
    await session.register_variable("x", "integer", 0)
    async with coilyard.connect(wire.address) as client:
        watcher = await client.session(session.session_id)
        watch = watcher.watch_variable("x")
        seen = (await anext(watch)).value

        async def write() -> None:
            for number in range(1, 101):
                await session.set_variable("x", number)
                if number % 20 == 0:
                    wire.cut()
                    await asyncio.sleep(0.05)

        writing = asyncio.ensure_future(write())
        while seen < 100:
            update = await anext(watch)
            assert update.reset_reason is None
            assert update.old_value == seen
            assert update.value == seen + 1 + update.skipped
            seen = update.value
        await writing
        await watch.aclose()


@pytest.mark.asyncio
async def test_the_cache_falls_back_and_becomes_true_again_by_itself(wire: Wire, session: SessionContext) -> None:
    await session.register_variable("x", "integer", 0)
    async with coilyard.connect(wire.address) as client:
        reader = await client.session(session.session_id, config={"cache_ttl": 60})
        assert await reader.get_variable("x") == 0
        await until(lambda: reader.cache.live)
        wire.cut()
        await until(lambda: not reader.cache.live)
        await session.set_variable("x", 1)
        # It may be live again before the write, of which it hears then a moment after who wrote.
        await until(lambda: reader.cache.live and reader.cached("x", None) == 1)
        assert (await reader.get_variable("x"), reader.get_cache_stats()["misses"]) == (1, 1)


@pytest.mark.asyncio
async def test_a_gateway_that_was_killed_is_a_connection_error_and_nothing_hangs() -> None:
    process = await asyncio.to_thread(GatewayProcess)
    async with coilyard.connect(process.address) as client:
        session = await client.session("s")
        await session.register_variable("x", "integer", 1)
        await session.get_variable("x")
        watch = session.watch_variable("x")
        await anext(watch)
        await asyncio.to_thread(process.kill)
        client._caller.clock, client._caller.timeout_s = PassingClock(15.0), 60.0  # which are over after two attempts
        with pytest.raises(ConnectionError):
            await session.set_variable("x", 2)
        await watch.aclose()


@pytest.mark.asyncio
async def test_a_hundred_watchers_hear_the_same(session: SessionContext, other: SessionContext) -> None:
    await session.register_variable("x", "integer", 0)
    watches = [other.watch_variable("x") for _ in range(100)]
    for watch in watches:
        await anext(watch)
    await session.set_variable("x", 1)
    assert {(await anext(watch)).value for watch in watches} == {1}
    await other.cleanup()
    assert {watch.end_reason for watch in watches} == {"cancelled"}


def test_the_synchronous_facade_does_the_same_without_await(address: str, session_id: str) -> None:
    with coilyard.sync.connect(address) as client:
        session = client.session(session_id)
        session.register_variable("x", "integer", 1, constraints={"max": 1000})
        assert [session.get_variable("x") for _ in range(3)] == [1, 1, 1]
        session.set_variable("x", 2)
        assert (session.get_variable("x"), session.cached("x")) == (2, 2)
        with pytest.raises(ValueError, match="above maximum 1000"):
            session.set_variable("x", 1001)
        assert session.update_variables({"x": 3}) == {"x": True}
        assert session.get_variable_history("x", limit=1)[0]["value"] == 3
        assert session_id in [info.id for info in client.list_sessions()]
        with session.watch_variables(["x"]) as watch:
            assert next(watch).value == 3
            session.set_variable("x", 4)
            assert next(watch).value == 4
        assert watch.end_reason == "cancelled"
        assert session.get_cache_stats()["hits"] >= 2
        session.delete_variable("x")
        with pytest.raises(KeyError):
            session.get_variable("x")
        session.stop()
    with pytest.raises(coilyard.ClientClosed, match="closed"):
        client.session(session_id)


def test_the_facade_may_be_shared_among_threads_and_counts_every_read(address: str, session_id: str) -> None:
    with coilyard.sync.connect(address) as client:
        session = client.session(session_id)
        session.register_variable("x", "integer", 7)
        session.get_variable("x")
        before = session.get_cache_stats()
        with ThreadPoolExecutor(8) as pool:
            assert set(pool.map(lambda _: session.get_variable("x"), range(4_000))) == {7}
        after = session.get_cache_stats()
        reads = after["hits"] + after["misses"] - before["hits"] - before["misses"]
        assert reads == 4_000
        session.stop()


def test_a_watch_of_the_facade_can_be_cancelled_from_another_thread(address: str, session_id: str) -> None:
    with coilyard.sync.connect(address) as client:
        session = client.session(session_id)
        session.register_variable("x", "integer", 7)
        watch = session.watch_variable("x", include_initial=False)
        threading.Timer(0.1, session.cancel_watch, (watch,)).start()
        assert list(watch) == []
        session.stop()
