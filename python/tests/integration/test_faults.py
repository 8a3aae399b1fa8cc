"""Networks that delay, cut up, fall silent, and deliver late what everybody had given up."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

import coilyard
from coilyard import SessionContext
from support.faulty_wire import FaultyWire
from support.manual_clock import until

pytestmark = [pytest.mark.asyncio, pytest.mark.gateway, pytest.mark.usefixtures("either_way")]


@pytest_asyncio.fixture
async def faulty(address: str) -> AsyncIterator[FaultyWire]:
    wire = FaultyWire(address, seed=20_261_120)
    await wire.open()
    yield wire
    await wire.close()


async def test_a_slow_wire_that_cuts_every_message_up_changes_nothing_but_the_time(
    faulty: FaultyWire, session: SessionContext
) -> None:
    await session.register_variables([{"name": f"x{n}", "type": "integer", "initial_value": 0} for n in range(4)])
    faulty.delay_s, faulty.fragment = 0.002, 37
    async with coilyard.connect(faulty.address) as client:
        far = await client.session(session.session_id)
        watch = far.watch_variable("x0")
        await anext(watch)

        async def write(name: str) -> None:
            for number in range(1, 11):
                assert (await far.get_variable(name, bypass_cache=True)) == number - 1
                await far.set_variable(name, number)

        await asyncio.gather(*(write(f"x{n}") for n in range(4)))
        seen = []
        while not seen or seen[-1] < 10:
            seen.append((await anext(watch)).value)
        assert seen == sorted(seen)
        await watch.aclose()
    variables = await session.list_variables()
    assert [(variable["value"], variable["version"]) for variable in variables] == [(10, 10)] * 4


async def test_a_write_that_is_delivered_after_its_retry_has_its_effect_once_and_undoes_nothing(
    faulty: FaultyWire, session: SessionContext
) -> None:
    await session.register_variable("x", "integer", 0)
    async with coilyard.connect(faulty.address, timeout=30.0) as client:
        far = await client.session(session.session_id, config={"push": False})
        (stuck,) = faulty.lines
        stuck.silence()
        writing = asyncio.ensure_future(far.set_variable("x", 1))
        await until(lambda: stuck.held_bytes > 0, "the write is on its way")
        stuck.drop_client()
        await writing
        assert len(faulty.lines) > 1
        await session.set_variable("x", 2)
        await stuck.deliver()
        # Whatever the gateway makes of what came late is done before an answer over the same gateway can come.
        for _ in range(5):
            assert await session.get_variable("x", bypass_cache=True) == 2
    (variable,) = await session.list_variables()
    assert (variable["value"], variable["version"]) == (2, 2)
    history = await session.get_variable_history("x")
    assert [entry["value"] for entry in history] == [2, 1, 0]


async def test_a_wire_that_falls_silent_is_a_timeout_and_the_client_recovers(
    faulty: FaultyWire, session: SessionContext
) -> None:
    await session.register_variable("x", "integer", 0)
    async with coilyard.connect(faulty.address) as client:
        far = await client.session(session.session_id, config={"push": False})
        (stuck,) = faulty.lines
        stuck.silence()
        client._caller.timeout_s = 0.3
        with pytest.raises(TimeoutError):
            await far.get_variable("x", bypass_cache=True)
        stuck.hang_up()
        client._caller.timeout_s = 60.0
        assert await far.get_variable("x", bypass_cache=True) == 0


async def test_connections_that_come_and_go_in_any_order_lose_no_write_and_repeat_none(
    faulty: FaultyWire, session: SessionContext
) -> None:
    await session.register_variable("sum", "integer", 0)
    await session.register_variable("x", "integer", 0)
    faulty.delay_s = 0.003
    done = asyncio.Event()
    written = 0

    async def trouble() -> None:
        while not done.is_set():
            before = written
            await asyncio.sleep(0.04)
            # However slow everything is, something gets through in between.
            await until(lambda before=before: written > before or done.is_set())
            living = [line for line in faulty.lines if not line.is_silent]
            if living:
                living[0].silence()
                living[0].drop_client()
            for line in faulty.lines[:-2]:
                if line.held_bytes:
                    await line.deliver()

    async with coilyard.connect(faulty.address, timeout=30.0) as client:
        far = await client.session(session.session_id, config={"push": False})
        troubling = asyncio.ensure_future(trouble())
        for number in range(1, 41):
            await far.set_variable("x", number)
            written = number
        done.set()
        await troubling
    (_, variable) = await session.list_variables()
    assert (variable["name"], variable["value"], variable["version"]) == ("x", 40, 40)
    history = await session.get_variable_history("x")
    assert [entry["value"] for entry in history] == list(range(40, -1, -1))
    assert len(faulty.lines) > 2
