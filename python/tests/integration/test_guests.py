"""Access rules against a gateway that asks for tokens: sessions of one principal at a session of another."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

import coilyard
from coilyard import PermissionDenied, SessionContext
from support.manual_clock import until
from support.needs import needs_gateway
from support.real_gateway import GatewayProcess, Wire

pytestmark = [pytest.mark.asyncio, pytest.mark.gateway, pytest.mark.usefixtures("either_way")]

OWNER = {"session_pattern": "a-*", "permissions": ["read", "write", "observe", "optimize"]}


def granted(*permissions: str, pattern: str = "b-*") -> list[dict[str, Any]]:
    return [OWNER, {"session_pattern": pattern, "permissions": list(permissions)}]


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a gateway with two principals."""
    needs_gateway()
    config: Path = tmp_path_factory.mktemp("gateway") / "config.json"
    principals = [{"name": f"team-{x}", "token": f"token-of-{x}", "sessions": [f"{x}-*"]} for x in "ab"]
    config.write_text(json.dumps({"gateway": {"principals": principals}}))
    process = GatewayProcess("--config", str(config))
    yield process.address
    assert process.stop() == 0


@pytest_asyncio.fixture
async def owner(guarded: str, session_id: str) -> AsyncIterator[SessionContext]:
    """A session of the one principal, with `x` = 1 and `plain` = 1."""
    async with coilyard.connect(guarded, token="token-of-a") as client:
        session = await client.session(f"a-{session_id}", config={"cache_ttl": 60})
        await session.register_variables([{"name": "x", "initial_value": 1}, {"name": "plain", "initial_value": 1}])
        yield session


@pytest_asyncio.fixture
async def visitor(guarded: str) -> AsyncIterator[coilyard.Client]:
    """The other principal."""
    async with coilyard.connect(guarded, token="token-of-b") as client:
        yield client


async def a_guest(visitor: coilyard.Client, session: SessionContext | str, **config: Any) -> SessionContext:
    session_id = session if isinstance(session, str) else session.session_id
    return await visitor.session(session_id, as_session="b-1", config={"cache_ttl": 60, **config})


async def test_a_rule_lets_a_session_of_another_principal_in(owner: SessionContext, visitor: coilyard.Client) -> None:
    await owner.set_variable_permissions("x", granted("read", "write", "observe"))
    guest = await a_guest(visitor, owner)
    assert await guest.get_variable("x") == 1
    await guest.set_variable("x", 2)
    assert await owner.get_variable("x", bypass_cache=True) == 2
    assert [variable["name"] for variable in await guest.list_variables()] == ["x"]
    assert await guest.get_variables(["x", "plain"]) == {"x": 2}
    assert [await guest.check_variable_access("x", right) for right in ("write", "optimize")] == [True, False]


async def test_what_no_rule_grants_and_what_is_not_there_are_denied_in_the_same_words(
    owner: SessionContext, visitor: coilyard.Client
) -> None:
    await owner.set_variable_permissions("x", granted("read", pattern="c-*"))
    said = set()
    for session_id in (owner.session_id, "a-nowhere"):
        guest = await a_guest(visitor, session_id)
        assert guest.session_id == session_id
        for request in (
            guest.get_variable("x", default=0),
            guest.get_variable("missing", default=0),
            guest.get_variables(["x"], defaults={"x": 0}),
            guest.list_variables(),
            guest.set_variable("plain", 2),
            guest.register_variable("new", "integer", 1),
            guest.info(),
            guest.touch(),
            guest.stop(),
            anext(guest.watch_variables([], pattern="*")),
        ):
            with pytest.raises(PermissionDenied) as denied:
                await request
            said.add(str(denied.value).replace(session_id, "<id>"))
    assert said == {'team-b may not use session "<id>"'}
    assert await owner.get_variable("plain", bypass_cache=True) == 1


async def test_a_session_that_is_not_the_callers_own_is_refused_at_once(
    owner: SessionContext, visitor: coilyard.Client
) -> None:
    for act in ({"as_session": "c-1"}, {}):
        with pytest.raises(PermissionDenied):
            await visitor.session(owner.session_id, **act)
    with pytest.raises(PermissionDenied):
        await visitor.session("b-1", as_session=owner.session_id)


async def test_what_a_guest_reads_is_pushed_to_its_cache_and_goes_with_its_right(
    owner: SessionContext, visitor: coilyard.Client
) -> None:
    await owner.set_variable_permissions("x", granted("read", "observe"))
    guest = await a_guest(visitor, owner)
    assert await guest.get_variable("x") == 1
    await until(lambda: guest.cache.live, "live")
    await owner.set_variable("x", 2)
    await until(lambda: guest.cached("x", None) == 2, "pushed")
    await owner.set_variable_permissions("x", granted("read", pattern="c-*"))
    await until(lambda: guest.cached("x", None) is None, "dropped")
    with pytest.raises(PermissionDenied):
        await guest.get_variable("x", default=0)
    await owner.set_variable_permissions("x", granted("read", "observe"))
    assert await guest.get_variable("x") == 2
    await owner.set_variable("x", 3)
    await until(lambda: guest.cached("x", None) == 3, "pushed again")


async def test_a_right_to_read_without_one_to_observe_is_cached_by_time_and_dropped_when_it_goes(
    owner: SessionContext, visitor: coilyard.Client
) -> None:
    await owner.set_variable_permissions("x", granted("read"))
    guest = await a_guest(visitor, owner)
    assert await guest.get_variable("x") == 1
    await until(lambda: guest.cache.live, "live")
    assert guest.cached("x") == 1
    await owner.set_variable_permissions("x", [])
    await until(lambda: guest.cached("x", None) is None, "dropped")


async def test_a_right_that_comes_later_opens_the_push_that_was_refused(
    owner: SessionContext, visitor: coilyard.Client
) -> None:
    guest = await a_guest(visitor, owner)
    with pytest.raises(PermissionDenied):
        await guest.get_variable("x")
    await owner.set_variable_permissions("x", granted("read", "observe"))

    async def live() -> bool:
        assert await guest.get_variable("x") == 1
        return guest.cache.live

    while not await live():
        guest.invalidate_cache()
    await owner.set_variable("x", 2)
    await until(lambda: guest.cached("x", None) == 2, "pushed")


async def test_a_right_that_goes_while_the_connection_is_down_is_not_missed(
    guarded: str, owner: SessionContext
) -> None:
    wire = Wire(guarded)
    await wire.open()
    async with coilyard.connect(wire.address, token="token-of-b") as visitor:
        guest = await a_guest(visitor, owner)
        await owner.set_variable_permissions("plain", granted("observe"))
        for _ in range(3):
            await owner.set_variable_permissions("x", granted("read", "observe"))
            assert await guest.get_variable("x", bypass_cache=True) == 1
            await until(lambda: guest.cache.live, "live")
            assert await guest.get_variable("x") == 1
            wire.cut()
            await owner.set_variable_permissions("x", [])
            await until(lambda: guest.cached("x", None) is None, "dropped")
            with pytest.raises(PermissionDenied):
                await guest.get_variable("x", default=0)
    await wire.close()


async def test_the_end_of_a_session_is_a_denial_to_its_guests(owner: SessionContext, visitor: coilyard.Client) -> None:
    await owner.set_variable_permissions("x", granted("read", "observe"))
    guest = await a_guest(visitor, owner)
    watch = guest.watch_variable("x", include_initial=True)
    assert (await anext(watch)).value == 1
    await owner.stop()
    with pytest.raises(PermissionDenied):
        await anext(watch)
    with pytest.raises(PermissionDenied):
        await guest.get_variable("x", default=0)
