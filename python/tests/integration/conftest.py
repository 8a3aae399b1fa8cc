"""A real gateway for all tests of this folder, and sessions of their own for each."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from itertools import count

import pytest
import pytest_asyncio

import coilyard
from coilyard import _call_stream
from support.needs import needs_gateway
from support.real_gateway import GatewayProcess, Wire

_numbers = count(1)


@pytest.fixture(scope="session")
def real_gateway() -> Iterator[GatewayProcess]:
    needs_gateway()
    process = GatewayProcess()
    yield process
    assert process.stop() == 0


@pytest.fixture(params=["frames", "calls"])
def either_way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Has requests travel as frames on one stream, then as calls of their own, as to a gateway that has no stream."""
    if request.param == "calls":
        monkeypatch.setattr(_call_stream, "PATH", "/coilyard.v1.Calls/NoSuchMethod")


@pytest.fixture
def address(real_gateway: GatewayProcess) -> str:
    return real_gateway.address


@pytest.fixture
def session_id() -> str:
    return f"python-{next(_numbers)}"


@pytest_asyncio.fixture
async def client(address: str) -> AsyncIterator[coilyard.Client]:
    async with coilyard.connect(address) as client:
        yield client


@pytest_asyncio.fixture
async def other_client(address: str) -> AsyncIterator[coilyard.Client]:
    async with coilyard.connect(address) as client:
        yield client


@pytest_asyncio.fixture
async def session(client: coilyard.Client, session_id: str) -> AsyncIterator[coilyard.SessionContext]:
    session = await client.session(session_id, config={"cache_ttl": 30.0})
    yield session
    await session.cleanup()


@pytest_asyncio.fixture
async def other(address: str, session: coilyard.SessionContext) -> AsyncIterator[coilyard.SessionContext]:
    """The same session over another connection."""
    async with coilyard.connect(address) as client:
        yield await client.session(session.session_id, config={"cache_ttl": 30.0})


@pytest_asyncio.fixture
async def wire(address: str) -> AsyncIterator[Wire]:
    wire = Wire(address)
    await wire.open()
    yield wire
    await wire.close()
