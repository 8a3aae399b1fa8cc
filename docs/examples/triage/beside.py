"""What the worker beside the agent imports: it follows the agent's variables, sets one, and takes the yardstick."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import coilyard
import yardstick


@coilyard.tool
async def follow(names: list[str], session: coilyard.SessionContext) -> AsyncIterator[dict[str, Any]]:
    """Hand out each change of the variables as this process hears of it, their present values first."""
    async for update in session.watch_variables(names):
        yield {
            "name": update.name,
            "oldValue": update.old_value,
            "value": update.value,
            "version": update.version,
            "revision": update.revision,
        }


@coilyard.tool
async def retune(name: str, value: float | str, session: coilyard.SessionContext) -> None:
    """Set a variable from Python."""
    await session.set_variable(name, value)


@coilyard.tool
def measure_yardstick(held_out: int) -> dict[str, Any]:
    """Score TF-IDF with logistic regression on the same mails."""
    return yardstick.measure(held_out)
