"""Values that no message of gRPC holds: 40 MB where a message takes 16 MiB, and 3 MB where it takes one.

What is beyond every limit is asked of a gateway with small ones: what is bounded is the same.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from typing import Any

import numpy as np
import pytest
import pytest_asyncio

import coilyard
from coilyard import SessionContext
from support.manual_clock import until
from support.needs import needs_gateway
from support.real_gateway import GatewayProcess

pytestmark = [pytest.mark.asyncio, pytest.mark.gateway, pytest.mark.timeout(120)]

SIZE = 10_000_000


@pytest.fixture(scope="module")
def large() -> Any:
    return np.random.default_rng(1).random(SIZE, dtype=np.float32)


@pytest.fixture(scope="module")
def narrow_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[GatewayProcess]:
    """Takes messages of 1 MiB, and 8 MiB in pieces."""
    needs_gateway()
    config = tmp_path_factory.mktemp("narrow") / "config.json"
    config.write_text(json.dumps({"gateway": {"maxMessageBytes": 2**20, "maxCallBytes": 8 * 2**20}}))
    process = GatewayProcess("--config", str(config))
    yield process
    assert process.stop() == 0


@pytest_asyncio.fixture
async def narrow(narrow_gateway: GatewayProcess) -> AsyncIterator[coilyard.Client]:
    async with coilyard.connect(narrow_gateway.address, timeout=60) as client:
        yield client


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


async def test_the_history_of_large_values_is_read_in_pages_that_fit(narrow: coilyard.Client, session_id: str) -> None:
    session = await patient(narrow, session_id)
    await session.register_variable("large", "tensor", np.zeros(3_000_000, np.uint8))
    for index in range(1, 5):
        await session.set_variable("large", np.full(3_000_000, index, np.uint8))
    with pytest.raises(coilyard.PayloadTooLarge) as refused:
        await session.get_variable_history("large")
    assert isinstance(refused.value, ValueError)
    assert (refused.value.code, refused.value.retryable) == ("payload_too_large", False)
    pages = [await session.get_variable_history("large", limit=2, offset=offset) for offset in (0, 2, 4)]
    assert [entry["value"][0] for page in pages for entry in page] == [4, 3, 2, 1, 0]
    await session.rollback_variable("large", 0)
    assert not (await session.get_variable("large")).any()
    await session.stop()


async def test_a_document_with_a_large_value_comes_whole_and_is_too_large_to_be_read_again(
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
    await session.stop()
    await copy.stop()


async def test_a_document_that_is_too_large_to_be_sent_is_refused_and_a_part_of_it_is_not(
    narrow: coilyard.Client, session_id: str
) -> None:
    session = await patient(narrow, session_id)
    for index in range(4):
        await session.register_variable(f"v{index}", "tensor", np.full(2_000_000, index, np.uint8))
    for kind in ("json", "yaml", "pickle"):
        with pytest.raises(coilyard.PayloadTooLarge) as refused:
            await session.export_variables(format=kind, include_history=True)
        assert (refused.value.code, refused.value.retryable) == ("payload_too_large", False)
    document = await session.export_variables(filter_pattern="^v1$")
    copy = await patient(narrow, f"{session_id}-copy")
    assert (await copy.import_variables(document))["imported"] == 1
    assert np.array_equal(await copy.get_variable("v1"), np.full(2_000_000, 1, np.uint8))
    await session.stop()
    await copy.stop()


async def test_the_value_before_one_that_leaves_no_room_for_it_is_known_to_who_was_told(
    narrow: coilyard.Client, session_id: str
) -> None:
    session = await patient(narrow, session_id)
    await session.register_variable("large", "tensor", np.zeros(6_000_000, np.uint8))
    async with session.watch_variable("large", filter_fn=lambda old, new: bool(old[0] != new[0])) as watch:
        await anext(watch)
        for index in (1, 1, 2):
            await session.set_variable("large", np.full(6_000_000, index, np.uint8))
        seen = [await anext(watch) for _ in range(2)]
        assert [(update.old_value[0], update.value[0], update.too_large) for update in seen] == [
            (0, 1, False),
            (1, 2, False),
        ]
    await session.stop()


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
    narrow: coilyard.Client, session_id: str, write: Callable[[SessionContext, Any], Awaitable[Any]]
) -> None:
    session = await patient(narrow, session_id)
    await session.register_variable("kept", "tensor", np.ones(1))
    with pytest.raises(coilyard.PayloadTooLarge) as refused:
        await write(session, np.zeros(9_000_000, np.uint8))
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
