"""Waiting for a gateway that takes requests, for callers that want to wait rather than to fail."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import grpc

from coilyard._errors import ClientClosed, ConnectionLost, TransportError, TransportTimeout
from coilyard._wire_errors import error_from_rpc

if TYPE_CHECKING:
    from coilyard._calls import Caller

PATH = "/grpc.health.v1.Health/Check"

#: The `HealthCheckResponse` of who serves: field 1 is 1.
_SERVING = b"\x08\x01"

#: Seconds after which a question that nobody answers is asked again, perhaps over another connection.
_PATIENCE_S = 5.0


async def until_ready(channel: grpc.aio.Channel, caller: Caller, timeout_s: float | None) -> None:
    """Returns once the gateway says that it serves.

    Args:
        channel: To the gateway.
        caller: Lends its clock, its delays and its metadata.
        timeout_s: Gives up after so many seconds; None: never.

    Raises:
        TransportTimeout: The time is over; the message says what was in the way.
        TransportError: Something answers that is no gateway, or it refuses the caller.
    """
    deadline = None if timeout_s is None else caller.clock.now() + timeout_s
    attempt = 0
    obstacle: TransportError | None = None
    while True:
        left = _PATIENCE_S if deadline is None else deadline - caller.clock.now()
        found = await _obstacle(channel, caller, max(0.001, min(_PATIENCE_S, left)))
        if found is None:
            return
        # The last question may have next to no time: that nobody answered says less than what was in the way before.
        if obstacle is None or not isinstance(found, TransportTimeout):
            obstacle = found
        left = _PATIENCE_S if deadline is None else deadline - caller.clock.now()
        if left <= 0:
            text = f"the gateway{caller.address and f' {caller.address}'} was not ready within {timeout_s:.3g} s"
            raise TransportTimeout(f"{text}: {obstacle.message}", execution="not_started") from obstacle
        await caller.clock.sleep(min(left, caller.backoff.delay(attempt)))
        attempt += 1


async def _obstacle(channel: grpc.aio.Channel, caller: Caller, timeout_s: float) -> TransportError | None:
    """What keeps the gateway from serving now; None: nothing."""
    try:
        check: Any = channel.unary_unary(PATH)
        answer = await check(b"", timeout=timeout_s, metadata=caller.metadata)
    except grpc.aio.UsageError as cause:
        raise ClientClosed("the client is closed") from cause
    except grpc.aio.AioRpcError as cause:
        error = error_from_rpc(cause)
        if isinstance(error, (ConnectionLost, TransportTimeout)):
            return error
        raise error from cause
    return None if answer == _SERVING else ConnectionLost("it is shutting down, or not serving yet")
