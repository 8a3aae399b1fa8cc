"""One request for many tasks."""

from __future__ import annotations

import asyncio

import pytest

from coilyard._single_flight import SingleFlight
from support.manual_clock import settle

pytestmark = pytest.mark.asyncio


class Work:
    def __init__(self) -> None:
        self.started = 0
        self.cancelled = 0
        self.result: asyncio.Future[int] = asyncio.get_running_loop().create_future()

    async def run(self) -> int:
        self.started += 1
        try:
            return await asyncio.shield(self.result)
        except asyncio.CancelledError:
            self.cancelled += 1
            raise


async def test_many_tasks_share_one_result() -> None:
    flights: SingleFlight[int] = SingleFlight()
    work = Work()
    waiting = [asyncio.ensure_future(flights.run("x", work.run)) for _ in range(100)]
    await settle()
    work.result.set_result(7)
    assert await asyncio.gather(*waiting) == [7] * 100
    assert work.started == 1


async def test_a_failure_reaches_everybody_and_is_not_remembered() -> None:
    flights: SingleFlight[int] = SingleFlight()
    work = Work()
    waiting = [asyncio.ensure_future(flights.run("x", work.run)) for _ in range(3)]
    await settle()
    work.result.set_exception(ValueError("no"))
    assert [str(error) for error in await asyncio.gather(*waiting, return_exceptions=True)] == ["no"] * 3
    again = Work()
    again.result.set_result(1)
    assert await flights.run("x", again.run) == 1


async def test_cancelling_one_waiter_leaves_the_others_alone() -> None:
    flights: SingleFlight[int] = SingleFlight()
    work = Work()
    first, second = (asyncio.ensure_future(flights.run("x", work.run)) for _ in range(2))
    await settle()
    first.cancel()
    await settle()
    work.result.set_result(7)
    assert await second == 7
    assert first.cancelled()
    assert work.cancelled == 0


async def test_cancelling_the_last_waiter_cancels_the_work() -> None:
    flights: SingleFlight[int] = SingleFlight()
    work = Work()
    waiting = [asyncio.ensure_future(flights.run("x", work.run)) for _ in range(2)]
    await settle()
    for task in waiting:
        task.cancel()
    await settle()
    assert work.cancelled == 1


async def test_whoever_comes_after_forget_starts_anew() -> None:
    flights: SingleFlight[int] = SingleFlight()
    old, new = Work(), Work()
    first = asyncio.ensure_future(flights.run("x", old.run))
    await settle()
    flights.forget("x")
    second = asyncio.ensure_future(flights.run("x", new.run))
    await settle()
    old.result.set_result(1)
    new.result.set_result(2)
    assert (await first, await second) == (1, 2)
