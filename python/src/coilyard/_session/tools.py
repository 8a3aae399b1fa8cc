"""The part of a `SessionContext` that calls tools."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from coilyard._session.base import SessionBase
from coilyard._tools import ToolInfo, ToolRequest


class ToolCalling(SessionBase):
    """Calls functions by name on behalf of the session, in either language."""

    async def call(self, name: str, /, **arguments: Any) -> Any:
        """Calls a tool: `await session.call("lookup", key="a")`.

        Inside a worker it is a TypeScript function that the runtime registered; elsewhere also a Python tool.

        Raises:
            ToolNotFound: There is none of this name (also a KeyError).
            CoilyardError: What it raised, with its message and code.
        """
        return await self.call_tool(name, arguments)

    async def call_tool(
        self,
        name: str,
        arguments: Mapping[str, Any] | None = None,
        *,
        timeout: float | None = None,
        pool: str | None = None,
        idempotent: bool = False,
    ) -> Any:
        """Calls a tool; see `call`.

        Args:
            name: Of the tool.
            arguments: By name.
            timeout: Seconds until the call is given up on both sides.
            pool: The pool whose Python tool is meant.
            idempotent: It may be executed twice: a call that is lost is tried again.

        Raises:
            DeadlineExceeded: It did not answer in time (also a TimeoutError).
        """
        request = ToolRequest(name, {} if arguments is None else arguments, "", timeout, pool, idempotent)
        await self._core.initialize()
        return await self._core.tools.call_tool(replace(request, session_id=self._core.session_id))

    async def list_tools(self, pool: str | None = None) -> list[ToolInfo]:
        """The tools of the runtime, or of one pool."""
        return await self._core.gateway_tools.list_tools(pool)
