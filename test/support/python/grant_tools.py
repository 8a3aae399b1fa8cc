"""Tools that try sessions besides their own."""

import asyncio

from coilyard import CoilyardError, SessionContext, tool

_tasks = set()


@tool
async def trespass(session: SessionContext, other: str) -> dict:
    """Uses another session with all that the worker has been given, and says how that ended."""
    core = session._core
    config = {"create_if_missing": False}
    stranger = SessionContext(other, session.channel, config, caller=core.call, tools=core.tools)
    client = SessionContext(other, session.channel, config, caller=core.call)
    in_its_name = SessionContext(session.session_id, session.channel, {**config, "as_session": other}, caller=core.call)
    return {
        "read": await _outcome(stranger.get_variable("x")),
        "write": await _outcome(stranger.set_variable("x", 5)),
        "ask": await _outcome(stranger.call("whose")),
        "call": await _outcome(client.call("whose")),
        "watch": await _outcome(_first(stranger)),
        "as it": await _outcome(in_its_name.get_variable("x")),
        "own": await _outcome(session.get_variable("x")),
        "own call": await _outcome(session.call("whose")),
    }


@tool
async def work_on(session: SessionContext, seconds: float) -> str:
    """Goes on with its session when the call has ended long ago."""

    async def later() -> None:
        await asyncio.sleep(seconds)
        await session.set_variable("x", 2)
        await session.set_variable("whose", await session.call("whose"))

    task = asyncio.get_running_loop().create_task(later())
    _tasks.add(task)
    task.add_done_callback(_tasks.discard)
    return "answered"


@tool
async def remember(session: SessionContext, value: int) -> int:
    """Writes a variable of its session over the connection of the worker."""
    await session.set_variable("x", value)
    return await session.get_variable("x")


async def _first(session: SessionContext) -> str:
    async for update in session.watch_variables(["x"]):
        return update.name
    return "nothing"


async def _outcome(work) -> str:
    try:
        return str(await work)
    except CoilyardError as error:
        return error.code
