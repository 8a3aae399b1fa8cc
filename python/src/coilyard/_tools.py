"""Tools of the runtime, called from here: TypeScript functions, and Python tools of its pools."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from coilyard import _arguments as given
from coilyard import _methods as methods
from coilyard._calls import Caller, new_request_id
from coilyard._proto import workers_pb2
from coilyard._values import decode_value, encode_metadata

#: Seconds that a tool may take unless the caller says otherwise.
TOOL_TIMEOUT_S = 300.0


@dataclass(frozen=True)
class ToolInfo:
    """A tool as the runtime describes it.

    Attributes:
        name: How it is called.
        description: What it does.
        parameters: JSON Schema of its arguments.
        pool: The pool whose workers have it; None for a TypeScript function.
        streaming: Whether it yields chunks; `call_tool` gives the list of them.
        variables: The session variables that are filled in as arguments.
    """

    name: str
    description: str
    parameters: dict[str, Any]
    pool: str | None
    streaming: bool
    variables: tuple[str, ...]


@dataclass(frozen=True)
class ToolRequest:
    """One call of a tool; `session_id` is empty when it belongs to no session."""

    name: str
    arguments: Mapping[str, Any]
    session_id: str = ""
    timeout_s: float | None = None
    pool: str | None = None
    idempotent: bool = False

    def __post_init__(self) -> None:
        given.text(self.name, "name", "the name of a tool")
        given.mapping(self.arguments, "arguments", "a dict of arguments by name")
        if self.timeout_s is not None:
            timeout_s = given.amount(self.timeout_s, "timeout", "seconds", zero=False)
            object.__setattr__(self, "timeout_s", timeout_s)  # a scalar of numpy may not hold its milliseconds
        given.optional_text(self.pool, "pool", "the name of a pool or None")
        given.flag(self.idempotent, "idempotent")


class ToolCaller(Protocol):
    """A way to call tools."""

    async def call_tool(self, request: ToolRequest) -> Any:
        """Calls a tool and returns its result."""


class GatewayTools:
    """Calls tools over the gateway."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def call_tool(self, request: ToolRequest) -> Any:
        """Calls a tool; one that is not idempotent is sent once, whatever happens to the connection.

        Raises:
            CoilyardError: What the tool raised, or why it was not called.
        """
        message = workers_pb2.CallToolRequest(
            request_id=new_request_id(),
            name=request.name,
            arguments=encode_metadata(request.arguments, "arguments"),
            session_id=request.session_id,
            pool=request.pool or "",
            idempotent=request.idempotent,
        )
        timeout_s = TOOL_TIMEOUT_S if request.timeout_s is None else request.timeout_s
        reply = await self._send(message, timeout_s)
        return decode_value(reply.result)

    async def _send(self, message: workers_pb2.CallToolRequest, timeout_s: float) -> workers_pb2.CallToolResponse:
        if message.idempotent:
            return await self._caller(methods.CallTool, message, timeout_s)
        return await self._caller.once(methods.CallTool, message, timeout_s)

    async def list_tools(self, pool: str | None = None) -> list[ToolInfo]:
        """What there is to call, of one pool or of the whole runtime."""
        wanted = given.optional_text(pool, "pool", "the name of a pool or None")
        reply = await self._caller(methods.ListTools, workers_pb2.ListToolsRequest(pool=wanted))
        return [_info(listed) for listed in reply.tools]


def _info(listed: workers_pb2.ListedTool) -> ToolInfo:
    tool = listed.tool
    return ToolInfo(
        name=tool.name,
        description=tool.description,
        parameters=json.loads(tool.parameters_schema or "{}"),
        pool=listed.pool or None,
        streaming=tool.streaming,
        variables=tuple(tool.variables),
    )
