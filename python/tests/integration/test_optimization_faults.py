"""Optimizations whose gateway, client or objective dies, sleeps or misbehaves, as processes of their own."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import subprocess
import sys
import textwrap
from collections.abc import Iterator
from typing import Any

import pytest

import coilyard
from coilyard import SessionContext
from support.needs import needs_gateway
from support.real_gateway import GatewayProcess

pytestmark = [pytest.mark.asyncio, pytest.mark.gateway, pytest.mark.timeout(120)]

#: What every client below begins with: its arguments are the address, the session, and what it needs.
BEGINNING = """
import asyncio, json, logging, sys, time
import coilyard

logging.basicConfig(level=logging.WARNING, format="%(message)s")
address, session_id, *given = sys.argv[1:]


def say(word, **what):
    print(json.dumps({"word": word, **what}), flush=True)


async def main():
    async with coilyard.connect(address) as client:
        session = await client.session(session_id)
        await work(session)


"""

DRIVES = """
async def work(session):
    def objective(value):
        time.sleep(0.01)
        return value

    await session.start_optimization(
        "temperature", "random_search", {"lease_s": 0.5}, 100_000, 0, objective=objective
    )
    say("started")
    while (status := await session.get_optimization_status("temperature"))["is_optimizing"]:
        await asyncio.sleep(0.01)
    say("ended", reason=status["reason"], committed=status["committed_version"])


asyncio.run(main())
"""

PULLS = """
async def work(session):
    run, hold_s = given
    while (trial := await session.ask_trial(run)) is not None:
        say("asked", number=trial.number)
        await asyncio.sleep(float(hold_s))
        await session.tell_trial(run, trial, trial.value)
    say("ended")


asyncio.run(main())
"""


class Program:
    """A client in a process of its own, which says in lines of JSON what happens to it."""

    def __init__(self, text: str, *arguments: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(BEGINNING + text), *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip

    async def hears(self, word: str) -> dict[str, Any]:
        """The next line with this word."""
        return await asyncio.to_thread(self._until, word)

    def _until(self, word: str) -> dict[str, Any]:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            said: dict[str, Any] = json.loads(line)
            if said["word"] == word:
                return said
        raise AssertionError(f"it never said {word!r}, but: {self._process.communicate()[1]}")

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    async def end(self) -> str:
        """What it has written to stderr, once it has ended by itself."""
        _, talk = await asyncio.to_thread(self._process.communicate, None, 60)
        return talk

    def kill(self) -> None:
        self._process.kill()
        self._process.communicate()


@pytest.fixture
def programs() -> Iterator[list[Program]]:
    begun: list[Program] = []
    yield begun
    for program in begun:
        program.kill()


@pytest.fixture
def gateway() -> Iterator[GatewayProcess]:
    """One that may be killed."""
    needs_gateway()
    process = GatewayProcess()
    yield process
    process.kill()


async def a_temperature(session: SessionContext) -> None:
    await session.register_variable("temperature", "float", 0.7, constraints={"min": 0.0, "max": 2.0})


async def over(session: SessionContext) -> dict[str, Any]:
    while (status := await session.get_optimization_status("temperature"))["is_optimizing"]:
        await asyncio.sleep(0.01)
    return status


async def test_a_client_that_sleeps_for_longer_than_its_lease_loses_the_run_and_says_so(
    session: SessionContext, address: str, programs: list[Program]
) -> None:
    await a_temperature(session)
    program = Program(DRIVES, address, session.session_id)
    programs.append(program)
    await program.hears("started")
    program.send(signal.SIGSTOP)
    status = await over(session)
    assert (status["reason"], status["committed_version"]) == ("lease_expired", None)
    program.send(signal.SIGCONT)
    assert await program.hears("ended") == {"word": "ended", "reason": "lease_expired", "committed": None}
    assert "has ended, and its best value was not written" in await program.end()


async def test_a_client_that_wakes_late_does_nothing_to_the_run_that_came_after_its_own(
    session: SessionContext, address: str, programs: list[Program]
) -> None:
    await a_temperature(session)
    program = Program(DRIVES, address, session.session_id)
    programs.append(program)
    await program.hears("started")
    program.send(signal.SIGSTOP)
    await over(session)
    run = await session.start_optimization("temperature", "grid_search", {"n_points": 3}, 3, 0)
    first = await session.ask_trial(run)
    assert first is not None
    program.send(signal.SIGCONT)
    # Three times its lease: all that it had to say was said.
    await asyncio.sleep(1.5)
    status = await session.get_optimization_status("temperature")
    assert (status["optimization_id"], status["is_optimizing"], status["iteration"]) == (run, True, 0)
    await session.tell_trial(run, first, 0.1)
    while (trial := await session.ask_trial(run)) is not None:
        await session.tell_trial(run, trial, 0.1)
    assert (await over(session))["iteration"] == 3


async def test_of_two_that_pull_from_one_run_one_is_killed_and_the_other_finishes(
    session: SessionContext, address: str, programs: list[Program]
) -> None:
    await a_temperature(session)
    run = await session.start_optimization("temperature", "grid_search", {"n_points": 9, "lease_s": 4}, 10, 0)
    killed = Program(PULLS, address, session.session_id, run, "60")
    programs.append(killed)
    held = await killed.hears("asked")
    survivor = Program(PULLS, address, session.session_id, run, "0.01")
    programs.append(survivor)
    killed.kill()
    await survivor.hears("ended")
    assert (await over(session))["iteration"] == 10
    history = await session.get_optimization_history("temperature", optimizer_id=run)
    failed = [(entry["value"], entry["error"]) for entry in history if entry["state"] == "failed"]
    assert (held["number"], failed) == (1, [(0.7, "its client was not heard of for 4000 ms")])


async def test_a_gateway_that_dies_ends_the_run_of_its_client_and_says_why_once(
    gateway: GatewayProcess, caplog: pytest.LogCaptureFixture
) -> None:
    port = gateway.address.rpartition(":")[2]
    async with coilyard.connect(gateway.address, timeout=60) as client:
        session = await client.session("s")
        await a_temperature(session)
        told: list[int] = []

        async def objective(value: float) -> float:
            await asyncio.sleep(0.01)
            return value

        await session.start_optimization(
            "temperature", "random_search", {"parallel": 4}, 100_000, 0, lambda *trial: told.append(trial[0]),
            objective=objective,
        )  # fmt: skip
        while len(told) < 5:
            await asyncio.sleep(0.01)
        gateway.kill()
        again = await asyncio.to_thread(GatewayProcess, "--port", port)
        try:
            with caplog.at_level(logging.WARNING):
                while len(_said(caplog)) < 2:
                    await asyncio.sleep(0.05)
            assert any(
                'ends: its trials cannot go on: SessionNotFound: there is no session "s"' in t for t in _said(caplog)
            )
            assert any('is told no more: there is no session "s"' in text for text in _said(caplog))
            with pytest.raises(KeyError):
                await session.get_optimization_status("temperature")
            count, left = len(told), len(_said(caplog))
            await asyncio.sleep(0.5)
            assert (len(told), len(_said(caplog)), left) == (count, 2, 2)
        finally:
            again.kill()


def _said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [r.getMessage() for r in caplog.records if r.name.startswith("coilyard") and r.levelno >= logging.WARNING]


async def test_a_start_that_is_cancelled_at_any_moment_leaves_the_variable_free(session: SessionContext) -> None:
    await a_temperature(session)
    for steps in range(40):
        starting = asyncio.ensure_future(session.start_optimization("temperature", "random_search", {}, 100_000, 0))
        for _ in range(steps):
            await asyncio.sleep(0)
        starting.cancel()
        try:
            await starting
        except asyncio.CancelledError:
            pass
        else:
            await session.stop_optimization("temperature")
        await asyncio.wait_for(over(session), 60)
