"""Unary requests to the gateway: the bearer token, one deadline over all attempts, and retries that are safe."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import Any, TypeVar

import grpc

from coilyard._backoff import Backoff
from coilyard._clock import Clock, SystemClock
from coilyard._errors import CoilyardError, ConnectionLost, InvalidArgument, Overloaded, Unavailable
from coilyard._wire_errors import error_from_rpc

Request = TypeVar("Request")
Reply = TypeVar("Reply")

Metadata = tuple[tuple[str, str], ...]

#: The metadata entry that names the calling session.
CALLING_SESSION = "coilyard-session"

#: Seconds for one request, retries included, unless the caller says otherwise.
DEFAULT_TIMEOUT_S = 10.0

#: Messages up to this many bytes are received. Sending has no limit of its own: the gateway's holds.
MAX_MESSAGE_BYTES = 64 * 1024 * 1024

CHANNEL_OPTIONS: Sequence[tuple[str, Any]] = (
    ("grpc.max_receive_message_length", MAX_MESSAGE_BYTES),
    ("grpc.max_send_message_length", -1),
    # gRPC's own delay before it dials again grows to minutes; a gateway that restarts is back in a second.
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 1000),
    # Finds peers that vanished without a word, which a stream that only receives would never notice.
    ("grpc.keepalive_time_ms", 30_000),
    ("grpc.keepalive_timeout_ms", 10_000),
    # Channels of one process would share a connection, and one client's trouble would be another's.
    ("grpc.use_local_subchannel_pool", 1),
)


def open_channel(address: str, credentials: grpc.ChannelCredentials | None = None) -> grpc.aio.Channel:
    """A channel with the options that the rest of the package counts on; plain text without `credentials`.

    Raises:
        InvalidArgument: The address is empty.
    """
    if not address or not isinstance(address, str):
        raise InvalidArgument(f"address: expected host:port, got {address!r}")
    if credentials is None:
        return grpc.aio.insecure_channel(address, options=CHANNEL_OPTIONS)
    return grpc.aio.secure_channel(address, credentials, options=CHANNEL_OPTIONS)


def bearer(token: str | None) -> Metadata:
    """The metadata that authenticates a call.

    Raises:
        InvalidArgument: The token cannot be sent in a header.
    """
    if token is None:
        return ()
    if not token.isascii() or not token.isprintable() or token != token.strip():
        raise InvalidArgument("token: expected printable ASCII without blanks around it")
    return (("authorization", f"Bearer {token}"),)


def acting_as(caller: Caller, session_id: str | None) -> Caller:
    """The same caller, on behalf of another session than the one that its requests name; None: as it is.

    Raises:
        InvalidArgument: The id cannot be sent in a header.
    """
    if session_id is None:
        return caller
    if not session_id or not session_id.isascii() or not session_id.isprintable():
        raise InvalidArgument(f"as_session: expected the id of a session, got {session_id!r:.80}")
    return Caller((*caller.metadata, (CALLING_SESSION, session_id)), caller.timeout_s, caller.clock, caller.backoff)


def new_request_id() -> str:
    """An id that makes the retry of one write recognisable."""
    return str(uuid.uuid4())


class Caller:
    """Sends requests that may be repeated: reads, and writes that carry a request id.

    A connection that breaks and a runtime that is busy are waited for, with the same request, until the deadline.
    What the gateway refused is raised at once.

    Args:
        metadata: Sent with every call.
        timeout_s: Seconds for one request, retries included.
        clock: The time that deadlines and delays are measured in.
        backoff: The delays between attempts.
    """

    def __init__(
        self,
        metadata: Metadata = (),
        timeout_s: float = DEFAULT_TIMEOUT_S,
        clock: Clock | None = None,
        backoff: Backoff | None = None,
    ) -> None:
        self.metadata = metadata
        self.clock = clock or SystemClock()
        self.backoff = backoff or Backoff()
        self.timeout_s = timeout_s

    async def __call__(
        self,
        method: grpc.aio.UnaryUnaryMultiCallable[Request, Reply],
        request: Request,
        timeout_s: float | None = None,
    ) -> Reply:
        """Sends `request` until it is answered.

        Raises:
            CoilyardError: As the gateway or the transport reported it, after the last attempt.
        """
        deadline = self.clock.now() + (self.timeout_s if timeout_s is None else timeout_s)
        attempt = 0
        while True:
            remaining = max(0.001, deadline - self.clock.now())
            try:
                return await method(request, timeout=remaining, metadata=self.metadata)
            except grpc.aio.AioRpcError as cause:
                error = error_from_rpc(cause)
                delay = self._delay(error, attempt)
                if delay is None or self.clock.now() + delay >= deadline:
                    raise error from cause
            except grpc.aio.UsageError as cause:
                raise ConnectionLost("the client is closed", execution="not_started") from cause
            attempt += 1
            await self.clock.sleep(delay)

    def _delay(self, error: CoilyardError, attempt: int) -> float | None:
        """Seconds until the next attempt, None when there is to be none."""
        if not isinstance(error, (Unavailable, Overloaded)):
            return None
        asked = (error.retry_after_ms or 0) / 1000
        return max(asked, self.backoff.delay(attempt))
