"""Sessions that tools ask for, over the worker's own channel to the gateway."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import grpc

from coilyard._calls import Caller, carrier_over
from coilyard._carrier import Carrier
from coilyard._errors import InvalidArgument
from coilyard._session.config import SessionConfig
from coilyard._session.context import SessionContext
from coilyard._tools import ToolCaller

#: Sessions that are kept ready when nobody uses them, each with its cache and perhaps a watch.
KEPT = 32


class Sessions:
    """One `SessionContext` per session, shared by its calls so that they share its cache.

    Args:
        channel: Gives the channel, which stays the maker's; asked for when a session is first needed.
        token: Opens the gateway.
        tools: Calls TypeScript functions.
    """

    def __init__(self, channel: Callable[[], grpc.aio.Channel], token: str, tools: ToolCaller | None = None) -> None:
        self._channel = channel
        self._token = token
        self._tools = tools
        self._carrier: Carrier | None = None
        self._config = SessionConfig(create_if_missing=False)
        self._contexts: OrderedDict[str, SessionContext] = OrderedDict()
        self._users: dict[str, int] = {}

    @asynccontextmanager
    async def lend(self, session_id: str) -> AsyncIterator[SessionContext]:
        """The context of a session, kept for as long as somebody uses it.

        Raises:
            InvalidArgument: The call belongs to no session.
        """
        if not session_id:
            raise InvalidArgument("this tool works on a session, and the call belongs to none")
        context = self._contexts.get(session_id)
        if context is None:
            context = self._contexts[session_id] = self._context_of(session_id)
        self._contexts.move_to_end(session_id)
        self._users[session_id] = self._users.get(session_id, 0) + 1
        try:
            yield context
        finally:
            self._users[session_id] -= 1
            if self._users[session_id] == 0:
                del self._users[session_id]
            await self._trim()

    def _context_of(self, session_id: str) -> SessionContext:
        channel = self._channel()
        if self._carrier is None:
            self._carrier = carrier_over(channel, self._token)
        return SessionContext(session_id, channel, self._config, caller=Caller(self._carrier), tools=self._tools)

    async def _trim(self) -> None:
        idle = [session_id for session_id in self._contexts if session_id not in self._users]
        for session_id in idle[: max(0, len(self._contexts) - KEPT)]:
            await self._contexts.pop(session_id).cleanup()

    async def close(self) -> None:
        """Frees all of them."""
        while self._contexts:
            await self._contexts.popitem()[1].cleanup()
        if self._carrier is not None:
            await self._carrier.close()
