"""`SessionContext`: a session as Python code sees it."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timezone
from types import TracebackType
from typing import TYPE_CHECKING, Any

from typing_extensions import Self

from coilyard import _arguments as given
from coilyard import _methods as methods
from coilyard._calls import Caller, new_request_id
from coilyard._proto import sessions_pb2
from coilyard._records import SessionInfo, session_info
from coilyard._session.access import VariableAccess
from coilyard._session.caching import CacheControl
from coilyard._session.config import SessionConfig
from coilyard._session.core import SessionCore
from coilyard._session.dependencies import VariableDependencies
from coilyard._session.history import VariableHistory
from coilyard._session.optimization import VariableOptimization
from coilyard._session.reads import VariableReads
from coilyard._session.statistics import VariableStatistics
from coilyard._session.tools import ToolCalling
from coilyard._session.transfer import VariableTransfer
from coilyard._session.watching import VariableWatching
from coilyard._session.writes import VariableWrites
from coilyard._tools import ToolCaller

if TYPE_CHECKING:
    import grpc


class SessionContext(
    VariableReads,
    VariableWrites,
    VariableDependencies,
    VariableAccess,
    VariableHistory,
    VariableTransfer,
    VariableStatistics,
    VariableWatching,
    VariableOptimization,
    ToolCalling,
    CacheControl,
):
    """One session's variables: read, written, watched.

    Share one among the tasks of an event loop; for threads there is `coilyard.sync`. The first request creates the
    session or attaches to it, so that `initialize` need not be called.

    Args:
        session_id: The session's id.
        channel: A `grpc.aio` channel to the gateway. It stays yours: `cleanup` does not close it.
        config: See `SessionConfig`; a dict with its keys does as well.

    Example:
        >>> session = SessionContext("session_123", channel, {"cache_ttl": 5.0})
        >>> await session.initialize()
    """

    def __init__(
        self,
        session_id: str,
        channel: grpc.aio.Channel,
        config: SessionConfig | Mapping[str, Any] | None = None,
        *,
        caller: Caller | None = None,
        tools: ToolCaller | None = None,
    ) -> None:
        super().__init__(SessionCore(session_id, channel, SessionConfig.of(config), caller, tools))
        self.created_at = datetime.now(timezone.utc)

    @property
    def session_id(self) -> str:
        """The session's id; empty until `initialize` when the gateway is to choose it."""
        return self._core.session_id

    @property
    def channel(self) -> grpc.aio.Channel:
        """The channel that it was made with."""
        return self._core.channel

    @property
    def metadata(self) -> dict[str, Any]:
        """What the session is given as metadata if it is created here."""
        return dict(self._core.config.metadata)

    def __repr__(self) -> str:
        return f"<SessionContext {self.session_id}>"

    async def __aenter__(self) -> Self:
        await self.initialize()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.cleanup()

    async def initialize(self) -> None:
        """Creates the session or attaches to it; does nothing the second time."""
        await self._core.initialize()

    async def info(self) -> SessionInfo:
        """The session as the gateway describes it now.

        Raises:
            SessionNotFound: It is gone (also a KeyError).
        """
        await self._core.initialize()
        request = sessions_pb2.GetSessionRequest(session_id=self.session_id)
        return session_info((await self._core.call(methods.GetSession, request)).session)

    async def touch(self) -> SessionInfo:
        """Extends the session's life by its time to live."""
        await self._core.initialize()
        return session_info(await self._core.touch())

    async def stop(self, keep: bool = False) -> None:
        """Stops the session for everyone: watches end, and its state is deleted unless `keep`."""
        is_kept = given.flag(keep, "keep")
        request = sessions_pb2.StopSessionRequest(request_id=new_request_id(), session_id=self.session_id, keep=is_kept)
        await self._core.call(methods.StopSession, request)
        await self.cleanup()

    async def cleanup(self) -> None:
        """Frees what this client holds: watches, the cache and its stream. The session lives on; see `stop`.

        Optimizations that were started here, except by the name of a tool, are stopped: their best values are written.
        """
        await self._core.close()
