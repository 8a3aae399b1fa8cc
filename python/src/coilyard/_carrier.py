"""What carries one request to the gateway and its answer back; see `Caller` for what repeats them."""

from __future__ import annotations

from typing import Any, Protocol

import grpc

from coilyard._errors import ClientClosed
from coilyard._methods import Method, Reply, Request
from coilyard._wire_errors import error_from_rpc

Metadata = tuple[tuple[str, str], ...]

#: The metadata entry that names the calling session.
CALLING_SESSION = "coilyard-session"


class Carrier(Protocol):
    """One way to carry calls.

    Attributes:
        metadata: Proves who calls; sent with every stream and every call that has metadata of its own.
    """

    metadata: Metadata

    async def send(
        self, method: Method[Request, Reply], request: Request, timeout_s: float, calling_session: str | None
    ) -> Reply:
        """Sends a request once and returns its answer.

        Raises:
            CoilyardError: As the gateway or the transport reported it.
        """
        ...

    async def close(self) -> None:
        """Frees what it holds. It can be used again."""
        ...


def metadata_for(metadata: Metadata, calling_session: str | None) -> Metadata:
    """The metadata of a call on behalf of another session than the one that its request names."""
    return metadata if calling_session is None else (*metadata, (CALLING_SESSION, calling_session))


class UnaryCarrier:
    """Makes a gRPC call of each request.

    Args:
        channel: Stays the caller's.
        metadata: Sent with every call.
    """

    def __init__(self, channel: grpc.aio.Channel, metadata: Metadata = ()) -> None:
        self.metadata = metadata
        self._channel = channel
        self._callables: dict[str, Any] = {}

    async def send(
        self, method: Method[Request, Reply], request: Request, timeout_s: float, calling_session: str | None
    ) -> Reply:
        """See `Carrier`."""
        call = self._callables.get(method.path)
        if call is None:
            call = self._callables[method.path] = self._channel.unary_unary(
                method.path,
                request_serializer=method.request.SerializeToString,
                response_deserializer=method.reply.FromString,
            )
        try:
            reply: Reply = await call(request, timeout=timeout_s, metadata=metadata_for(self.metadata, calling_session))
        except grpc.aio.AioRpcError as cause:
            raise error_from_rpc(cause) from cause
        except grpc.aio.UsageError as cause:
            raise ClientClosed("the client is closed") from cause
        return reply

    async def close(self) -> None:
        """Holds nothing of its own."""
