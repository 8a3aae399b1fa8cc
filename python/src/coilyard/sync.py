"""The same names without `await`, for code that has no event loop: `with coilyard.sync.connect(address) as client`.

Every call runs the asynchronous core on one background thread; there is no second implementation. Objects of this
module may be shared among threads.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import TracebackType
from typing import TYPE_CHECKING, Any

from typing_extensions import Self

from coilyard._calls import DEFAULT_TIMEOUT_S
from coilyard._client import Client as AsyncClient
from coilyard._loop_thread import LoopThread
from coilyard._records import SessionInfo
from coilyard._session.config import SessionConfig
from coilyard._session.facade import Facade, SessionContext, Watch, blocking

if TYPE_CHECKING:
    import grpc

__all__ = ["Client", "SessionContext", "Watch", "connect"]

_Settings = SessionConfig | Mapping[str, Any] | None


class Client(Facade[AsyncClient]):
    """A connection to a gateway; see the asynchronous `Client`."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Closes the connection and ends the background thread; may be called again."""
        if self._loop.alive:
            self._loop.run(self._inner.aclose)
            self._loop.stop()

    def session(
        self, session_id: str, *, create: bool = True, as_session: str | None = None, config: _Settings = None
    ) -> SessionContext:
        """The session of this id, created when there is none; see the asynchronous `Client.session`."""
        session = self._loop.run(self._inner.session, session_id, create=create, as_session=as_session, config=config)
        return SessionContext(session, self._loop)

    def create_session(
        self,
        session_id: str | None = None,
        *,
        ttl_ms: int | None = None,
        metadata: Mapping[str, Any] | None = None,
        config: _Settings = None,
    ) -> SessionContext:
        """Starts a new session."""
        session = self._loop.run(
            self._inner.create_session, session_id, ttl_ms=ttl_ms, metadata=metadata, config=config
        )
        return SessionContext(session, self._loop)

    def list_sessions(self, page_size: int = 100) -> Iterator[SessionInfo]:
        """Every living session in order of id."""
        pages = self._inner.list_sessions(page_size)

        async def following() -> SessionInfo | None:
            return await anext(pages, None)

        while (info := self._loop.run(following)) is not None:
            yield info

    ready = blocking(AsyncClient.ready)
    session_info = blocking(AsyncClient.session_info)
    stop_session = blocking(AsyncClient.stop_session)


def connect(
    address: str,
    *,
    token: str | None = None,
    credentials: grpc.ChannelCredentials | None = None,
    timeout: float = DEFAULT_TIMEOUT_S,
    multiplex: bool = True,
) -> Client:
    """Connects to a gateway; see `coilyard.connect`. Use it in a `with` block, or `close` it."""
    loop = LoopThread()
    try:
        inner = loop.call(
            AsyncClient, address, token=token, credentials=credentials, timeout=timeout, multiplex=multiplex
        )
    except BaseException:
        loop.stop()
        raise
    return Client(inner, loop)
