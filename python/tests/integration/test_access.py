"""Access rules against the real gateway: who is asked for, and what a cache may keep."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

import coilyard
from coilyard import SessionContext
from support.manual_clock import until
from support.real_gateway import Wire

pytestmark = [pytest.mark.asyncio, pytest.mark.gateway, pytest.mark.usefixtures("either_way")]

READ_ALL = {"session_pattern": "any", "permissions": ["read"]}
ADMIN = {"session_pattern": "admin_*", "permissions": ["read", "write", "observe", "optimize"]}


@pytest_asyncio.fixture
async def guest(client: coilyard.Client, session: SessionContext) -> AsyncIterator[SessionContext]:
    """The same session, called by another one."""
    yield await client.session(session.session_id, as_session="guest_1", config={"cache_ttl": 30.0})


async def everything(session: SessionContext, guest: SessionContext) -> None:
    """Registers x = 1 and has both caches live."""
    await session.register_variable("x", "integer", 1)
    for reader in (session, guest):
        assert await reader.get_variable("x") == 1
        await until(lambda reader=reader: reader.cache.live, "live")
        assert reader.cached("x") == 1


async def rights(session: SessionContext, variable: str) -> list[str]:
    words = ["read", "write", "observe", "optimize"]
    return [word for word in words if await session.check_variable_access(variable, word)]


async def test_without_rules_everybody_has_every_right(session: SessionContext, guest: SessionContext) -> None:
    await session.register_variable("x", "integer", 1)
    for caller in (session, guest):
        assert await rights(caller, "x") == ["read", "write", "observe", "optimize"]


async def test_the_rules_of_document_5_hold_for_the_calling_session(
    client: coilyard.Client, session: SessionContext, guest: SessionContext
) -> None:
    await session.register_variable("api_key", "string", "secret")
    await session.set_variable_permissions("api_key", [READ_ALL, ADMIN])
    assert await rights(guest, "api_key") == ["read"]
    assert await guest.get_variable("api_key") == "secret"
    with pytest.raises(PermissionError):
        await guest.set_variable("api_key", "mine")
    admin = await client.session(session.session_id, as_session="admin_7")
    assert await rights(admin, "api_key") == ["read", "write", "observe", "optimize"]
    await admin.set_variable("api_key", "new")
    (described,) = await session.list_variables()
    assert described["access_rules"] == [{**rule, "conditions": {}} for rule in (READ_ALL, ADMIN)]
    assert described["value"] == "new"


async def test_only_the_owning_session_changes_rules_and_it_always_may(
    session: SessionContext, guest: SessionContext
) -> None:
    await session.register_variable("x", "integer", 1, access_rules=[ADMIN])
    with pytest.raises(PermissionError):
        await session.get_variable("x", default=0)
    with pytest.raises(coilyard.PermissionDenied):
        await guest.set_variable_permissions("x", [])
    await session.set_variable_permissions("x", [])
    assert await guest.get_variable("x") == 1


@pytest.mark.parametrize(
    "rules",
    [
        [{"session_pattern": "any", "permissions": ["fly"]}],
        [{"session_pattern": "", "permissions": ["read"]}],
        [{"session_pattern": "any", "permissions": ["read"], "conditions": {"hour": "9"}}],
        [{"session_pattern": "any", "permissions": ["read"], "until": "noon"}],
        ["any"],
        {"session_pattern": "any", "permissions": ["read"]},
        None,
    ],
    ids=str,
)
async def test_rules_that_mean_nothing_are_a_value_error_and_change_nothing(
    session: SessionContext, rules: Any
) -> None:
    await session.register_variable("x", "integer", 1, access_rules=[READ_ALL])
    with pytest.raises(ValueError):
        await session.set_variable_permissions("x", rules)
    assert await rights(session, "x") == ["read"]


async def test_asking_for_no_right_that_there_is_is_a_value_error(session: SessionContext) -> None:
    await session.register_variable("x", "integer", 1)
    with pytest.raises(ValueError, match="permission"):
        await session.check_variable_access("x", "fly")
    with pytest.raises(KeyError):
        await session.check_variable_access("nothing", "read")
    with pytest.raises(KeyError):
        await session.set_variable_permissions("nothing", [])


async def test_a_cached_value_does_not_survive_a_revoked_right_to_read(
    session: SessionContext, guest: SessionContext
) -> None:
    await everything(session, guest)
    await session.set_variable_permissions("x", [ADMIN])
    with pytest.raises(LookupError):
        session.cached("x")
    for caller in (session, guest):
        await until(lambda caller=caller: caller.cached("x", None) is None, "the cache has heard of it")
        for read in (caller.get_variable("x", default=0), caller.get_variables(["x"], defaults={"x": 0})):
            with pytest.raises(PermissionError):
                await read
    await session.set_variable_permissions("x", [READ_ALL])
    await until(lambda: guest.cached("x", None) is None)
    assert await guest.get_variable("x") == 1


async def test_a_right_that_is_revoked_while_the_connection_is_down_is_not_missed(
    session: SessionContext, wire: Wire
) -> None:
    async with coilyard.connect(wire.address) as client:
        guest = await client.session(session.session_id, as_session="guest_1", config={"cache_ttl": 60})
        await session.register_variable("x", "integer", 1)
        for _ in range(5):
            await session.set_variable_permissions("x", [])
            assert await guest.get_variable("x", bypass_cache=True) == 1
            await until(lambda: guest.cache.live)
            assert await guest.get_variable("x") == 1
            wire.cut()
            await session.set_variable_permissions("x", [ADMIN])
            await until(lambda: guest.cached("x", None) is None, "the cache has heard of it")
            with pytest.raises(PermissionError):
                await guest.get_variable("x", default=0)


async def test_who_may_read_and_not_observe_is_not_told_of_changes_and_caches_by_time(
    session: SessionContext, guest: SessionContext
) -> None:
    await everything(session, guest)
    guest.set_cache_config(ttl=0.05)
    await session.set_variable_permissions(
        "x", [READ_ALL, {"session_pattern": session.session_id, "permissions": ["write"]}]
    )
    await until(lambda: guest.cached("x", None) is None)
    assert await guest.get_variable("x") == 1
    await session.set_variable("x", 2)
    await asyncio.sleep(0.06)
    assert await guest.get_variable("x") == 2


async def test_who_may_write_and_not_read_cannot_read_what_was_written_from_the_cache(
    session: SessionContext, guest: SessionContext
) -> None:
    await session.register_variable(
        "x", "integer", 1, access_rules=[{"session_pattern": "guest_*", "permissions": ["write"]}]
    )
    await guest.set_variable("x", 2)
    with pytest.raises(PermissionError):
        await guest.get_variable("x", default=0)
    assert len(guest.cache) == 0


async def test_a_watch_of_what_may_not_be_observed_is_refused_and_settings_are_nobodys_update(
    session: SessionContext, guest: SessionContext
) -> None:
    await session.register_variables(
        [{"name": "x", "initial_value": 1}, {"name": "y", "initial_value": 1, "access_rules": [READ_ALL]}]
    )
    with pytest.raises(PermissionError):
        await anext(guest.watch_variable("y"))
    watch = guest.watch_variables([], pattern="*")
    assert (await anext(watch)).name == "x"
    await session.set_variable_permissions("x", [{"session_pattern": "*", "permissions": ["write", "observe"]}])
    await session.set_variable("x", 2)
    following = await anext(watch)
    assert (following.type, following.value) == ("updated", 2)
    await watch.aclose()


async def test_an_id_that_no_session_can_have_is_refused(client: coilyard.Client, session: SessionContext) -> None:
    for bad in ("", "grüße", "a\nb"):
        with pytest.raises(ValueError, match="as_session"):
            await client.session(session.session_id, as_session=bad)
    with pytest.raises(ValueError, match="coilyard-session"):
        await client.session(session.session_id, as_session="not an id")
