"""The way in: `coilyard.connect` and the `Client` it gives."""

from __future__ import annotations

import asyncio
import weakref
from collections.abc import AsyncIterator, Generator, Mapping
from dataclasses import replace
from types import TracebackType
from typing import TYPE_CHECKING, Any

from typing_extensions import Self

from coilyard import _arguments as given
from coilyard import _methods as methods
from coilyard._calls import DEFAULT_TIMEOUT_S, Caller, bearer, carrier_over, new_request_id, open_channel
from coilyard._proto import sessions_pb2
from coilyard._readiness import until_ready
from coilyard._records import SessionInfo, session_info
from coilyard._session.config import SessionConfig
from coilyard._session.context import SessionContext
from coilyard._values import encode_metadata

if TYPE_CHECKING:
    import grpc


class Client:
    """A connection to a gateway. Made by `connect`, inside a running event loop; belongs to that loop."""

    def __init__(
        self,
        address: str,
        *,
        token: str | None = None,
        credentials: grpc.ChannelCredentials | None = None,
        timeout: float = DEFAULT_TIMEOUT_S,
        multiplex: bool = True,
    ) -> None:
        timeout_s = given.amount(timeout, "timeout", "seconds", zero=False)
        given.flag(multiplex, "multiplex")
        bearer(token)  # refuses before there is a channel to close
        self._address = address
        self._channel = open_channel(address, credentials)
        self._caller = Caller(carrier_over(self._channel, token, multiplex), timeout_s, address=address)
        self._contexts: weakref.WeakSet[SessionContext] = weakref.WeakSet()

    def __repr__(self) -> str:
        return f"<Client of {self._address}>"

    @property
    def channel(self) -> grpc.aio.Channel:
        """The channel, for `SessionContext(session_id, channel)` and for stubs of your own."""
        return self._channel

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Cleans up every session that came from here, then closes the connection. Sessions live on."""
        await asyncio.gather(*(context.cleanup() for context in list(self._contexts)))
        await self._caller.carrier.close()
        await self._channel.close()

    async def ready(self, timeout: float | None = None) -> None:
        """Returns once the gateway is there and serves; requests need not wait for it, they do so by themselves.

        For programs that start beside their gateway, or that would rather find out now than with the first request.

        Args:
            timeout: Gives up after so many seconds; it waits for as long as it takes when left out.

        Raises:
            DeadlineExceeded: The time is over; the message says what was in the way (also a TimeoutError).
            TransportError: Something else answers at the address (also a grpc.RpcError).

        Example:
            >>> client = await coilyard.connect("127.0.0.1:50051")
            >>> await client.ready(timeout=30)
        """
        timeout_s = None if timeout is None else given.amount(timeout, "timeout", "seconds", zero=False)
        await until_ready(self._channel, self._caller, timeout_s)

    async def session(
        self,
        session_id: str,
        *,
        create: bool = True,
        as_session: str | None = None,
        config: SessionConfig | Mapping[str, Any] | None = None,
    ) -> SessionContext:
        """The session of this id, created when there is none.

        Args:
            session_id: Its id.
            create: False: a session that does not exist is an error.
            as_session: Call on behalf of this other session: access rules are matched with its id. At a session that is
                not among the caller's it may do what rules grant it, and is not told whether there is one.
            config: See `SessionConfig`.

        Raises:
            SessionNotFound: There is none and `create` is False (also a KeyError).
        """
        session_id = given.text(session_id, "session_id", "the id of a session")
        settings = SessionConfig.of(config)
        if not given.flag(create, "create"):
            settings = replace(settings, create_if_missing=False)
        if as_session is not None:
            settings = replace(settings, as_session=as_session)
        context = self._context(session_id, settings)
        await context.initialize()
        return context

    async def create_session(
        self,
        session_id: str | None = None,
        *,
        ttl_ms: int | None = None,
        metadata: Mapping[str, Any] | None = None,
        config: SessionConfig | Mapping[str, Any] | None = None,
    ) -> SessionContext:
        """Starts a new session.

        Args:
            session_id: Its id; the gateway makes one when left out.
            ttl_ms: Its time to live in milliseconds without use; as `config` has it when left out.
            metadata: Anything with a JSON form; as `config` has it when left out.
            config: See `SessionConfig`.

        Raises:
            SessionExists: The id is taken (also a ValueError).
        """
        settings = replace(SessionConfig.of(config), create_if_missing=False)
        ttl_ms = settings.ttl_ms if ttl_ms is None else ttl_ms
        request = sessions_pb2.CreateSessionRequest(
            request_id=new_request_id(),
            id="" if session_id is None else given.text(session_id, "session_id", "the id of a session or None"),
            ttl_ms=given.optional_whole(ttl_ms, "ttl_ms", least=1),
            metadata=encode_metadata(settings.metadata if metadata is None else metadata),
        )
        reply = await self._caller(methods.CreateSession, request)
        context = self._context(reply.session.id, settings)
        await context.initialize()
        return context

    async def list_sessions(self, page_size: int = 100) -> AsyncIterator[SessionInfo]:
        """Every living session in order of id, fetched page by page: `async for info in client.list_sessions()`."""
        token, size = "", given.whole(page_size, "page_size", least=1, most=given.UINT32_MAX)
        while True:
            request = sessions_pb2.ListSessionsRequest(page_size=size, page_token=token)
            reply = await self._caller(methods.ListSessions, request)
            for session in reply.sessions:
                yield session_info(session)
            token = reply.next_page_token
            if not token:
                return

    async def session_info(self, session_id: str) -> SessionInfo:
        """One session as the gateway describes it.

        Raises:
            SessionNotFound: There is none (also a KeyError).
        """
        wanted = given.text(session_id, "session_id", "the id of a session")
        request = sessions_pb2.GetSessionRequest(session_id=wanted)
        return session_info((await self._caller(methods.GetSession, request)).session)

    async def stop_session(self, session_id: str, keep: bool = False) -> None:
        """Stops a session for everyone and deletes its state unless `keep`.

        Raises:
            SessionNotFound: There is none (also a KeyError).
        """
        fields: dict[str, Any] = {
            "session_id": given.text(session_id, "session_id", "the id of a session"),
            "keep": given.flag(keep, "keep"),
        }
        request = sessions_pb2.StopSessionRequest(request_id=new_request_id(), **fields)
        await self._caller(methods.StopSession, request)

    def _context(self, session_id: str, config: SessionConfig) -> SessionContext:
        context = SessionContext(session_id, self._channel, config, caller=self._caller)
        self._contexts.add(context)
        return context


class Connector:
    """What `connect` returns: an async context manager, which can be awaited as well."""

    def __init__(self, address: str, options: Mapping[str, Any]) -> None:
        self._address = address
        self._options = options
        self._client: Client | None = None

    def __await__(self) -> Generator[Any, None, Client]:
        return self._open().__await__()

    async def _open(self) -> Client:
        return Client(self._address, **self._options)

    async def __aenter__(self) -> Client:
        self._client = await self._open()
        return self._client

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._client is not None:
            await self._client.aclose()


def connect(
    address: str,
    *,
    token: str | None = None,
    credentials: grpc.ChannelCredentials | None = None,
    timeout: float = DEFAULT_TIMEOUT_S,
    multiplex: bool = True,
) -> Connector:
    """Connects to a gateway: `async with coilyard.connect("127.0.0.1:50051") as client`, or `await` it and `aclose`.

    Nothing is sent before the first request.

    Args:
        address: `host:port`.
        token: The bearer token, if the gateway asks for one.
        credentials: TLS, as `grpc.ssl_channel_credentials()` makes them; plain text when left out.
        timeout: Seconds for one request, retries included.
        multiplex: Requests are frames on one stream, which takes less than half of the time. False: each is a gRPC call
            of its own, for proxies that cut long streams or balance by call.
    """
    options = {"token": token, "credentials": credentials, "timeout": timeout, "multiplex": multiplex}
    return Connector(address, options)
