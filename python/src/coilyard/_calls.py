"""Requests to the gateway: the bearer token, one deadline over all attempts, and retries that are safe."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Sequence
from typing import Any

import grpc

from coilyard import _arguments as given
from coilyard._backoff import Backoff
from coilyard._call_stream import StreamCarrier
from coilyard._carrier import Carrier, Metadata, UnaryCarrier, metadata_for
from coilyard._clock import Clock, SystemClock
from coilyard._errors import (
    ClientClosed,
    CoilyardError,
    ConnectionLost,
    InvalidArgument,
    Overloaded,
    TransportError,
    TransportTimeout,
    Unavailable,
)
from coilyard._methods import Method, Reply, Request

#: Seconds for one request, retries included, unless the caller says otherwise.
DEFAULT_TIMEOUT_S = 10.0

#: Messages up to this many bytes are received. Sending has no limit of its own: the gateway's holds.
MAX_MESSAGE_BYTES = 64 * 1024 * 1024

CHANNEL_OPTIONS: Sequence[tuple[str, Any]] = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", -1),
    # gRPC's own delay before it dials again grows to minutes; a gateway that restarts is back in a second.
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 1000),
    # In spite of its name: how long an attempt to connect may take. Who is far away, or slow, is not absent.
    ("grpc.min_reconnect_backoff_ms", 5000),
    # Finds peers that vanished without a word, which a stream that only receives would never notice.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # Channels of one process would share a connection, and one client's trouble would be another's.
    ("grpc.use_local_subchannel_pool", 1),
)


#: Seconds that the last attempt of a request has at least.
_LAST_ATTEMPT_S = 0.1

#: Seconds until the next attempt by the error, the attempt's number and the seconds that are left; None: there is none.
_DelayOf = Callable[[CoilyardError, int, float], "float | None"]


def open_channel(address: str, credentials: grpc.ChannelCredentials | None = None) -> grpc.aio.Channel:
    """A channel with the options that the rest of the package counts on; plain text without `credentials`.

    Raises:
        InvalidArgument: The address is empty.
    """
    address = given.text(address, "address", "host:port")
    if credentials is None:
        return grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS)
    if not isinstance(credentials, grpc.ChannelCredentials):
        raise given.wrong_kind("credentials", "credentials of grpc, or None for plain text", credentials)
    return grpc.aio.secure_channel(address, credentials, options=CHANNEL_OPTIONS)


def bearer(token: str | None) -> Metadata:
    """The metadata that authenticates a call.

    Raises:
        InvalidArgument: The token cannot be sent in a header.
    """
    if token is None:
        return ()
    token = given.text(token, "token")
    if not token.isascii() or not token.isprintable() or token != token.strip():
        raise InvalidArgument("token: expected printable ASCII without blanks around it")
    return (("authorization", f"Bearer {token}"),)


def carrier_over(channel: grpc.aio.Channel, token: str | None, multiplex: bool = True) -> Carrier:
    """What carries requests over a channel: one stream for all, or a gRPC call for each."""
    return (StreamCarrier if multiplex else UnaryCarrier)(channel, bearer(token))


def new_request_id() -> str:
    """An id that makes the retry of one write recognisable."""
    return str(uuid.uuid4())


class Caller:
    """Sends requests that may be repeated: reads, and writes that carry a request id.

    A connection that breaks and a runtime that is busy are waited for, with the same request, until the deadline.
    What the gateway refused is raised at once.

    Args:
        carrier: What each attempt is sent with. Stays the maker's.
        timeout_s: Seconds for one request, retries included.
        clock: The time that deadlines and delays are measured in.
        backoff: The delays between attempts.
        calling_session: On whose behalf requests are made; None: the session that each one names.
        address: Where the gateway is, for messages; empty when that is not known.
    """

    def __init__(
        self,
        carrier: Carrier,
        timeout_s: float = DEFAULT_TIMEOUT_S,
        clock: Clock | None = None,
        backoff: Backoff | None = None,
        calling_session: str | None = None,
        address: str = "",
    ) -> None:
        self.carrier = carrier
        self.address = address
        self.clock = clock or SystemClock()
        self.backoff = backoff or Backoff()
        self.timeout_s = timeout_s
        self.calling_session = calling_session

    @property
    def metadata(self) -> Metadata:
        """For streams, which are opened beside the carrier."""
        return metadata_for(self.carrier.metadata, self.calling_session)

    def acting_as(self, session_id: str | None) -> Caller:
        """The same caller, on behalf of another session than the one that its requests name; None: as it is.

        Raises:
            InvalidArgument: The id cannot be sent in a header.
        """
        if session_id is None:
            return self
        session_id = given.text(session_id, "as_session", "the id of a session")
        if not session_id.isascii() or not session_id.isprintable():
            raise InvalidArgument(f"as_session: expected the id of a session, got {session_id!r:.80}")
        return Caller(self.carrier, self.timeout_s, self.clock, self.backoff, session_id, self.address)

    async def __call__(self, method: Method[Request, Reply], request: Request, timeout_s: float | None = None) -> Reply:
        """Sends `request` until it is answered.

        Raises:
            CoilyardError: As the gateway or the transport reported it, after the last attempt.
        """
        return await self._send(method, request, self.timeout_s if timeout_s is None else timeout_s, self._delay)

    async def once(self, method: Method[Request, Reply], request: Request, timeout_s: float) -> Reply:
        """Sends a `request` that must not be executed twice: again only what certainly did not reach the gateway.

        Raises:
            CoilyardError: As the gateway or the transport reported it.
        """
        return await self._send(method, request, timeout_s, self._delay_of_unsent)

    async def _send(
        self, method: Method[Request, Reply], request: Request, timeout_s: float, delay_of: _DelayOf
    ) -> Reply:
        deadline = self.clock.now() + timeout_s
        attempt = 0
        before: CoilyardError | None = None
        while True:
            try:
                left = max(0.001, deadline - self.clock.now())
                return await self.carrier.send(method, request, left, self.calling_session)
            except CoilyardError as error:
                if isinstance(before, ConnectionLost) and _never_left(error):
                    # The time was over before it could be sent: what kept it here is known from the attempt before.
                    raise before from error
                delay = delay_of(error, attempt, deadline - self.clock.now())
                self._tell(error, before, timeout_s)
                if delay is None:
                    raise
                before = error
            attempt += 1
            await self.clock.sleep(delay)

    def _tell(self, error: CoilyardError, before: CoilyardError | None, timeout_s: float) -> None:
        """Adds to what the transport reported of one attempt what is known of all of them."""
        is_refusal = not isinstance(error, (Unavailable, Overloaded, TransportTimeout))
        if before is not None and before.execution != "not_started" and not is_refusal:
            # This attempt may have done nothing, an earlier one may have.
            error.execution, error.retryable = "unknown", error.retryable and isinstance(error, Overloaded)
        if isinstance(error, TransportTimeout):
            reason = "" if before is None else f"; before that: {before.message}"
            error.message = f"no answer within {timeout_s:.3g} s{reason}"
        if isinstance(error, TransportError) and self.address not in error.message:
            error.message = f"{error.message} (gateway {self.address})"
        error.args = (error.message,)

    def _delay(self, error: CoilyardError, attempt: int, left: float) -> float | None:
        """Seconds until the next attempt, None when there is to be none in the seconds that are left."""
        if not isinstance(error, (Unavailable, Overloaded)) or isinstance(error, ClientClosed):
            return None
        asked = (error.retry_after_ms or 0) / 1000
        delay = max(asked, self.backoff.delay(attempt))
        # The last attempt comes shortly before the end, not up to one delay earlier, and has some time of its own.
        latest = left - max(_LAST_ATTEMPT_S, left * 0.2)
        if delay <= latest:
            return delay
        return latest if latest > max(asked, _LAST_ATTEMPT_S / 2) else None

    def _delay_of_unsent(self, error: CoilyardError, attempt: int, left: float) -> float | None:
        is_unsent = isinstance(error, ConnectionLost) and error.execution == "not_started"
        return self._delay(error, attempt, left) if is_unsent else None


def _never_left(error: CoilyardError) -> bool:
    return isinstance(error, TransportTimeout) and error.execution == "not_started"
