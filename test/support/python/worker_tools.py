"""Tools that tests call. Nothing here is an example to follow."""

import asyncio
import logging
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from coilyard import CoilyardError, SessionContext, progress, sync, tool


@tool
def echo(value=None):
    """Gives back what it got."""
    return value


@tool
async def add(a: int, b: int) -> int:
    """Adds two integers."""
    return a + b


@tool
def repeat(text: str, times: int) -> str:
    """Makes a long text of a short one."""
    return text * times


@tool
def pid() -> int:
    """The process that serves the call."""
    return os.getpid()


@tool
def fail(message: str):
    """Fails with a chain of two exceptions."""
    try:
        raise KeyError("inner")
    except KeyError as error:
        raise ValueError(message) from error


@tool
async def wait(seconds: float, marker: str = "", begun: str = "") -> str:
    """Sleeps as a coroutine; writes one marker when it begins and one when it is cancelled."""
    if begun:
        Path(begun).write_text("begun")
    try:
        await asyncio.sleep(seconds)
    except asyncio.CancelledError:
        if marker:
            Path(marker).write_text("cancelled")
        raise
    return "slept"


@tool
def block(seconds: float, begun: str = "") -> str:
    """Sleeps without giving anything up; writes a marker when it begins."""
    if begun:
        Path(begun).write_text("begun")
    time.sleep(seconds)
    return "slept"


@tool
def swell(until: str) -> str:
    """Takes a little more memory all the time and gives nothing up, until there is that file."""
    while not Path(until).exists():
        hoard(100_000)
        time.sleep(0.02)
    return "done"


_met = 0
_all_met: asyncio.Event | None = None


@tool
async def meet(others: int) -> str:
    """Waits as a coroutine until so many are in here at the same time."""
    global _met, _all_met
    _all_met = _all_met or asyncio.Event()
    _met += 1
    if _met == others:
        _all_met.set()
    await _all_met.wait()
    return "met"


_barriers: dict[int, threading.Barrier] = {}


@tool
def meet_in_threads(others: int) -> str:
    """Waits as a plain function until so many are in here at the same time."""
    _barriers.setdefault(others, threading.Barrier(others)).wait()
    return "met"


@tool
async def count(to: int, marker: str = ""):
    """Counts; writes how far it came when it is left."""
    n = 0
    try:
        while n < to:
            n += 1
            yield n
    finally:
        if marker:
            Path(marker).write_text(str(n))


@tool
def count_sync(to: int):
    """Counts in a plain generator."""
    for n in range(1, to + 1):
        yield n


_made = 0


@tool
async def make(to: int, size: int = 1):
    """Yields texts, and counts them as it makes them."""
    global _made
    for _made in range(1, to + 1):
        yield "x" * size


@tool
def make_in_thread(to: int, size: int = 1):
    """The same in a plain generator."""
    global _made
    for _made in range(1, to + 1):
        yield "x" * size


@tool
async def made() -> int:
    """How many texts were made so far."""
    return _made


@tool
def append(path: str, line: str) -> None:
    """Leaves a trace of each execution."""
    with open(path, "a", encoding="utf-8") as file:
        file.write(f"{line}\n")


@tool
async def hold(until: str, path: str = "") -> int:
    """Leaves a trace of its execution and then waits until there is that file."""
    if path:
        append(path, "x")
    while not Path(until).exists():
        await asyncio.sleep(0.01)
    return os.getpid()


@tool
async def append_slowly(path: str, line: str, seconds: float) -> int:
    """Leaves a trace and then takes its time."""
    append(path, line)
    await asyncio.sleep(seconds)
    return os.getpid()


@tool
def noise(lines: int) -> str:
    """Prints to both streams, and to file descriptor 1 behind Python's back."""
    for n in range(lines):
        print("to stdout", n)
        print("to stderr", n, file=sys.stderr)
        os.write(1, b"\x00\xff raw bytes \xc3\x28\n")
    return "quiet now"


@tool
def crash() -> None:
    """Dies as a segmentation fault does."""
    import ctypes

    ctypes.string_at(0)


@tool
def assert_in_c() -> None:
    """Dies as a failed assertion of a C library does."""
    os.abort()


@tool
def allocate_in_cpp() -> None:
    """Dies as a C++ library does that gets no memory."""
    import ctypes

    ctypes.CDLL("libstdc++.so.6")._ZSt17__throw_bad_allocv()


@tool
def leave(code: int) -> None:
    """Ends the process without a word."""
    os._exit(code)


@tool
def child() -> int:
    """Starts a process of its own that nobody waits for."""
    return subprocess.Popen(["sleep", "1000"]).pid


@tool
async def ask(
    session: SessionContext, name: str, arguments: dict, timeout: float | None = None
):
    """Calls a TypeScript function and says how that ended."""
    try:
        return {"result": await session.call_tool(name, arguments, timeout=timeout)}
    except CoilyardError as error:
        return {
            "type": type(error).__name__,
            "code": error.code,
            "message": str(error),
            "details": error.details,
        }


@tool
async def doubled(session: SessionContext, name: str, array):
    """Hands twice an array to a TypeScript function, and gives what that gives."""
    return await session.call_tool(name, {"array": array * 2})


@tool
def ask_from_thread(session: SessionContext, name: str):
    """Calls a TypeScript function from a loop of its own."""
    return asyncio.run(session.call(name))


@tool
def use_session_in_thread(session: SessionContext) -> dict:
    """What a plain function can do with a session, in loops of its own."""

    async def work() -> list:
        before = await session.get_variable("x")
        await session.set_variable("x", before + 1)
        async with session.watch_variable("x") as watch:
            async for update in watch:
                return [before, update.value, await session.get_variable("x")]
        return []

    return {
        "rounds": [asyncio.run(work()), asyncio.run(work())],
        "cached": session.cached("x"),
        "id": session.session_id,
        "is_context": isinstance(session, SessionContext),
    }


@tool
def use_session_without_await(session: sync.SessionContext) -> dict:
    """The same with the session whose methods wait."""
    before = session.get_variable("x")
    session.set_variable("x", before + 1)
    with session.watch_variable("x") as watch:
        watched = next(watch).value
    return {"values": [before, watched, session.get_variable("x")], "back": session.call("back")}


@tool(variables=("temperature", "style"))
def sample(prompt: str, temperature: float, style: str = "plain") -> dict:
    """Says what it was given.

    Args:
        prompt: What to say.
    """
    return {"prompt": prompt, "temperature": temperature, "style": style}


@tool
def report(steps: int) -> str:
    """Tells how far it is, and logs."""
    for step in range(steps):
        progress((step + 1) / steps, f"step {step + 1}")
        logging.getLogger("reports").info("at %d", step + 1)
    return "done"


@tool
async def hang(seconds: float) -> str:
    """Blocks the event loop, as a coroutine never should."""
    time.sleep(seconds)
    return "slept"


_hoard = []


@tool
def hoard(size: int, keep: bool = True) -> int:
    """Takes memory, and touches all of it."""
    memory = bytearray(size)
    memory[::4096] = b"x" * len(memory[::4096])
    if keep:
        _hoard.append(memory)
    return len(memory)


@tool
def restrictions() -> dict:
    """What the process may use."""
    import resource

    return {
        "nice": os.nice(0),
        "core": resource.getrlimit(resource.RLIMIT_CORE)[0],
        "nofile": resource.getrlimit(resource.RLIMIT_NOFILE)[0],
        "omp": os.environ.get("OMP_NUM_THREADS"),
    }


@tool
def threads() -> int:
    """How many threads there are."""
    return threading.active_count()
