"""Tools that measure how good a value is: well, badly, and not at all."""

import asyncio
import os

from coilyard import tool


@tool
def closeness(value: float) -> float:
    """The best is 0.25."""
    return 1 - abs(value - 0.25)


@tool
def closeness_with_cost(value: float) -> dict:
    """The same as one of several metrics."""
    return {"closeness": closeness(value), "cost": value}


@tool
def difference(low: float, high: float) -> float:
    """Of two variables."""
    return high - low


@tool
def moody(value: float) -> float:
    """Does not like the upper half."""
    if value > 0.5:
        raise ValueError(f"{value} is too much for me")
    return value


@tool
def deadly(value: float) -> float:
    """Takes its process along in the upper half."""
    if value > 0.5:
        os._exit(9)
    return value


@tool
def wordy(value: float) -> str:
    """Measures in words."""
    return "good" if value > 0.5 else "bad"


@tool
async def endless(value: float) -> float:
    """Never ends by itself."""
    await asyncio.sleep(3600)
    return value


@tool
async def late(value: float) -> float:
    """Takes a while."""
    await asyncio.sleep(0.05)
    return value
