"""The event loop of those who have none: whatever ends it, nobody waits for it for ever."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from coilyard._errors import ClientClosed
from coilyard._loop_thread import LoopThread

pytestmark = pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")


async def answer() -> int:
    return 7


def ends_by(loop: LoopThread, interrupt: BaseException) -> None:
    """Has code on the loop raise an interrupt, as an objective does that calls `sys.exit`."""

    async def begin() -> None:
        asyncio.get_running_loop().call_soon(fall)

    def fall() -> None:
        raise interrupt

    loop.run(begin)


@pytest.mark.parametrize("interrupt", [SystemExit(3), KeyboardInterrupt()], ids=repr)
def test_an_interrupt_on_the_loop_ends_every_call_that_waits_and_says_why(interrupt: BaseException) -> None:
    for _ in range(20):  # calls that come while it ends are the hard ones
        loop, begun = LoopThread(), threading.Barrier(9)

        def call(loop: LoopThread = loop, begun: threading.Barrier = begun) -> BaseException:
            begun.wait()
            try:
                while True:
                    loop.run(answer)
            except BaseException as closed:
                return closed

        with ThreadPoolExecutor(8) as threads:
            calls = [threads.submit(call) for _ in range(8)]
            begun.wait()
            with contextlib.suppress(ClientClosed):  # it may have ended before this was answered
                ends_by(loop, interrupt)
            for ended in (called.result() for called in calls):
                assert isinstance(ended, ClientClosed)
                assert ended.execution in {"not_started", "unknown"}
                assert str(ended) == f"the client is closed: {type(interrupt).__name__} was raised on its event loop"
        assert not loop.alive
        loop.stop()


def test_a_loop_that_was_stopped_is_closed_for_everybody() -> None:
    loop = LoopThread()
    assert loop.run(answer) == 7
    loop.stop()
    loop.stop()
    with pytest.raises(ClientClosed, match=r"^the client is closed$") as closed:
        loop.run(answer)
    assert closed.value.execution == "not_started"
