"""What plain functions do on the worker's loop from their threads."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest

from coilyard._worker.hops import Hops

pytestmark = pytest.mark.asyncio


async def fail() -> None:
    raise RuntimeError("mine")


def fail_at_once() -> None:
    raise RuntimeError("mine")


@pytest.mark.parametrize("place", ["the loop", "a thread", "a thread with a loop"])
async def test_what_a_hop_raises_is_raised_wherever_it_came_from(place: str) -> None:
    hops = Hops()

    async def on_a_loop() -> None:
        with pytest.raises(RuntimeError, match="mine"):
            await hops.run(fail)
        with pytest.raises(RuntimeError, match="mine"):
            hops.call(fail_at_once)

    def in_a_thread() -> None:
        for work in (lambda: hops.wait(fail), lambda: hops.call(fail_at_once)):
            with pytest.raises(RuntimeError, match="mine"):
                work()

    if place == "the loop":
        await on_a_loop()
    elif place == "a thread":
        await asyncio.to_thread(in_a_thread)
    else:
        await asyncio.to_thread(asyncio.run, on_a_loop())


async def test_on_the_loop_itself_nothing_may_wait_for_it() -> None:
    with pytest.raises(RuntimeError, match="use await"):
        Hops().wait(fail)


@pytest.mark.parametrize("kind", ["waits", "awaits"])
async def test_a_call_that_is_stopped_waits_for_its_hops_no_longer(kind: str) -> None:
    hops = Hops()
    begun, cancelled = asyncio.Event(), asyncio.Event()

    async def hang() -> None:
        begun.set()
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            cancelled.set()
            raise

    waiting: Callable[[], Any] = (lambda: hops.wait(hang)) if kind == "waits" else (lambda: asyncio.run(hops.run(hang)))

    def in_a_thread() -> str:
        try:
            waiting()
        except asyncio.CancelledError:
            return "cancelled"
        return "went on"

    thread = asyncio.ensure_future(asyncio.to_thread(in_a_thread))
    await begun.wait()
    hops.stop()
    assert await thread == "cancelled"
    assert cancelled.is_set()
