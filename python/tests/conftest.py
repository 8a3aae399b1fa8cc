"""Fixtures that more than one room of tests uses."""

from __future__ import annotations

from collections.abc import AsyncIterator

import grpc
import pytest
import pytest_asyncio
from hypothesis import HealthCheck, settings

from coilyard._calls import open_channel
from support.manual_clock import ManualClock
from support.scripted_gateway import ScriptedGateway

# How long an example takes says how busy the machine is.
settings.register_profile("patient", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("patient")


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
def carrier() -> str:
    """How requests travel; a folder may ask its tests both ways."""
    return "frames"


@pytest_asyncio.fixture
async def gateway(carrier: str) -> AsyncIterator[ScriptedGateway]:
    gateway = ScriptedGateway()
    gateway.carries = carrier == "frames"
    await gateway.start()
    yield gateway
    await gateway.stop()


@pytest_asyncio.fixture
async def channel(gateway: ScriptedGateway) -> AsyncIterator[grpc.aio.Channel]:
    channel = open_channel(gateway.address)
    yield channel
    await channel.close()
