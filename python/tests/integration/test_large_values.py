"""Values that no message of gRPC holds: 40 MB where a message takes 16 MiB."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import numpy as np
import pytest

import coilyard
from coilyard import SessionContext
from support.manual_clock import until

pytestmark = [pytest.mark.asyncio, pytest.mark.gateway, pytest.mark.timeout(120)]

SIZE = 10_000_000


@pytest.fixture(scope="module")
def large() -> Any:
    return np.random.default_rng(1).random(SIZE, dtype=np.float32)


async def patient(client: coilyard.Client, session_id: str) -> SessionContext:
    """A session for a machine that has much else to do."""
    return SessionContext(session_id, client.channel, {"timeout": 60.0, "cache_ttl": 60.0})


async def test_a_large_value_is_registered_set_and_read_from_the_gateway_and_from_the_cache(
    client: coilyard.Client, session_id: str, large: Any
) -> None:
    session = await patient(client, session_id)
    await session.register_variable("large", "tensor", large)
    assert np.array_equal(await session.get_variable("large", bypass_cache=True), large)
    await session.set_variable("large", large[::-1])
    assert np.array_equal(await session.get_variable("large"), large[::-1])
    await until(lambda: session.cache.live)
    misses = session.get_cache_stats()["misses"]
    for _ in range(3):
        assert (await session.get_variable("large"))[0] == large[-1]
    assert session.get_cache_stats()["misses"] == misses
    assert (await session.get_variables(["large"]))["large"].shape == (SIZE,)
    (described,) = await session.list_variables()
    assert (described["version"], described["value"].nbytes) == (1, 4 * SIZE)
    await session.stop()


async def test_a_large_value_is_watched_with_what_it_was_before_and_the_cache_asks_for_it_itself(
    client: coilyard.Client, other_client: coilyard.Client, session_id: str, large: Any
) -> None:
    session, other = await patient(client, session_id), await patient(other_client, session_id)
    await session.register_variable("large", "tensor", large)
    assert (await other.get_variable("large"))[0] == large[0]
    await until(lambda: other.cache.live)
    async with other.watch_variable("large") as watch:
        assert np.array_equal((await anext(watch)).value, large)
        await session.set_variable("large", large + 1)
        update = await anext(watch)
        assert np.array_equal(update.value, large + 1)
        assert np.array_equal(update.old_value, large)
        assert (update.version, update.type, update.too_large) == (1, "updated", False)
        assert other.cached("large", None) is None, "its cache heard that it changed"
        assert np.array_equal(await other.get_variable("large"), large + 1)
        await session.set_variable("large", np.zeros(3, "f4"))
        update = await anext(watch)
        assert (update.value.tolist(), update.version, update.old_value.size) == ([0, 0, 0], 2, SIZE)
    await until(lambda: other.cached("large", None) is not None and other.cached("large").size == 3)
    assert other.cache.live, "one stream, from the beginning"
    assert watch.end_reason == "cancelled"
    await session.stop()


async def test_a_snapshot_of_more_than_one_message_is_one_snapshot(
    client: coilyard.Client, other_client: coilyard.Client, session_id: str
) -> None:
    session, other = await patient(client, session_id), await patient(other_client, session_id)
    blocks = {f"v{index:02}": np.full(3_000_000, index, np.uint8) for index in range(12)}
    await session.register_variables([{"name": name, "initial_value": value} for name, value in blocks.items()])
    async with other.watch_variables([], pattern="v*") as watch:
        for name, value in blocks.items():
            update = await anext(watch)
            assert (update.name, update.type) == (name, "initial")
            assert np.array_equal(update.value, value)
        assert watch._feed.position is not None
        assert watch._feed.position.revision == update.revision
    await session.stop()


async def test_the_history_of_large_values_is_read_in_pages_that_fit(
    client: coilyard.Client, session_id: str, large: Any
) -> None:
    session = await patient(client, session_id)
    await session.register_variable("large", "tensor", np.zeros(60_000_000, np.uint8))
    for index in range(1, 5):
        await session.set_variable("large", np.full(60_000_000, index, np.uint8))
    with pytest.raises(coilyard.PayloadTooLarge) as refused:
        await session.get_variable_history("large")
    assert isinstance(refused.value, ValueError)
    assert (refused.value.code, refused.value.retryable) == ("payload_too_large", False)
    pages = [await session.get_variable_history("large", limit=2, offset=offset) for offset in (0, 2, 4)]
    assert [entry["value"][0] for page in pages for entry in page] == [4, 3, 2, 1, 0]
    await session.rollback_variable("large", 0)
    assert not (await session.get_variable("large")).any()
    await session.stop()


async def test_a_document_with_large_values_comes_whole_and_one_that_is_too_large_is_refused(
    client: coilyard.Client, session_id: str, large: Any
) -> None:
    session = await patient(client, session_id)
    await session.register_variable("large", "tensor", large)
    document = await session.export_variables()
    assert len(document) > 4 * SIZE
    copy = await patient(client, f"{session_id}-copy")
    with pytest.raises(coilyard.PayloadTooLarge) as refused:  # a document is parsed as a whole, and bounded
        await copy.import_variables(document)
    assert (refused.value.execution, refused.value.retryable) == ("not_started", False)
    assert str(refused.value).startswith("data: expected at most")
    assert await copy.list_variables() == []
    for index in range(4):
        await session.register_variable(f"more{index}", "tensor", np.zeros(60_000_000, np.uint8))
    with pytest.raises(coilyard.PayloadTooLarge):
        await session.export_variables()
    assert await session.get_variable("nothing", "alive") == "alive"
    await session.stop()
    await copy.stop()


@pytest.mark.parametrize(
    "write",
    [
        lambda s, value: s.register_variable("x", "tensor", value),
        lambda s, value: s.set_variable("kept", value),
        lambda s, value: s.set_variable("kept", np.zeros(1), metadata={"text": "x" * value.size}),
        lambda s, value: s.update_variables({"kept": value}),
    ],
    ids=["register", "set", "metadata", "update"],
)
async def test_what_is_too_large_for_any_request_is_refused_and_the_connection_lives(
    client: coilyard.Client, session_id: str, write: Callable[[SessionContext, Any], Awaitable[Any]]
) -> None:
    session = await patient(client, session_id)
    await session.register_variable("kept", "tensor", np.ones(1))
    with pytest.raises(coilyard.PayloadTooLarge) as refused:
        await write(session, np.zeros(270_000_000, np.uint8))
    assert (refused.value.execution, refused.value.retryable) == ("not_started", False)
    assert refused.value.details["limit"] > 0
    assert [(found["name"], found["version"]) for found in await session.list_variables()] == [("kept", 0)]
    await session.stop()


async def test_small_requests_do_not_wait_for_large_ones(client: coilyard.Client, session_id: str, large: Any) -> None:
    session = await patient(client, session_id)
    await session.register_variable("small", "integer", 0)
    writing = asyncio.ensure_future(session.register_variable("large", "tensor", large))
    answered = 0
    while not writing.done():
        await session.get_variable("small", bypass_cache=True)
        answered += 1
    await writing
    assert answered > 5, "as many as there were turns, and not one"
    await session.stop()


async def test_a_gateway_without_a_stream_refuses_what_no_message_holds(
    address: str, session_id: str, large: Any
) -> None:
    async with coilyard.connect(address, multiplex=False, timeout=60) as client:
        session = await client.session(session_id)
        with pytest.raises(coilyard.PayloadTooLarge):
            await session.register_variable("large", "tensor", large)
        assert await session.list_variables() == []
