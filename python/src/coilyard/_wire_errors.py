"""Between exceptions and what travels: the typed detail in a gRPC status, and the error of a frame or a batch."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable
from typing import Any, cast

import grpc
from google.protobuf import empty_pb2, unknown_fields
from google.protobuf.message import DecodeError

from coilyard._errors import (
    ERROR_CLASSES,
    CoilyardError,
    ConnectionLost,
    Execution,
    PayloadTooLarge,
    StatusText,
    TransportDenied,
    TransportError,
    TransportTimeout,
)
from coilyard._proto import errors_pb2
from coilyard._values import decode_value, encode_value

DETAIL_TYPE_URL = "type.googleapis.com/coilyard.v1.ErrorDetail"
STATUS_TRAILER = "grpc-status-details-bin"

_EXECUTIONS: dict[int, Execution] = {
    errors_pb2.EXECUTION_NOT_STARTED: "not_started",
    errors_pb2.EXECUTION_DONE: "done",
    errors_pb2.EXECUTION_UNKNOWN: "unknown",
}
_EXECUTION_NUMBERS = {name: number for number, name in _EXECUTIONS.items()}

#: How gRPC begins its report of a call that found no connection to be sent over. Another wording is `unknown` only.
_NEVER_SENT = ("failed to connect to all addresses", "errors resolving ", "DNS resolution failed")

#: Part of its report of a call that HTTP/2 ended, whatever status it makes of that: the gateway itself ends calls with
#: a status. A server that was sent very many cancellations in a short time protects itself in this way.
_RESET = "RST_STREAM"

#: Part of its report of a message that one of the two sides does not take.
_TOO_LARGE = "larger than max"

_TRANSPORT_CLASSES = {
    grpc.StatusCode.UNAVAILABLE: ConnectionLost,
    grpc.StatusCode.DEADLINE_EXCEEDED: TransportTimeout,
    grpc.StatusCode.UNAUTHENTICATED: TransportDenied,
    grpc.StatusCode.PERMISSION_DENIED: TransportDenied,
}


def error_from_rpc(error: grpc.aio.AioRpcError, is_sent: bool = True) -> CoilyardError:
    """The exception for a failed call: the gateway's own when it sent one, else what gRPC knows.

    Args:
        error: What gRPC reported.
        is_sent: Whether the request may have left this process.
    """
    for key, value in error.trailing_metadata() or ():
        if key == STATUS_TRAILER:
            detail = _detail_of_status(value if isinstance(value, bytes) else value.encode())
            if detail is not None:
                return error_from_detail(detail)
    status = error.code()
    text = error.details() or status.name
    if status is grpc.StatusCode.RESOURCE_EXHAUSTED and _TOO_LARGE in text:
        return PayloadTooLarge(text, execution="unknown" if is_sent else "not_started")
    if _RESET in text:
        status = grpc.StatusCode.UNAVAILABLE
    kind = _TRANSPORT_CLASSES.get(status, TransportError)
    never_began = not is_sent or text.startswith(_NEVER_SENT) or status is grpc.StatusCode.UNIMPLEMENTED
    code = StatusText(status.name.lower(), status)
    return kind(text, code=code, execution="not_started" if never_began else None)


def error_from_detail(detail: errors_pb2.ErrorDetail) -> CoilyardError:
    """The exception that a detail describes; a code of a newer gateway becomes a plain `CoilyardError`."""
    kind = ERROR_CLASSES.get(detail.code, CoilyardError)
    return kind(
        detail.message or detail.code,
        code=detail.code,
        execution=_EXECUTIONS.get(detail.execution, "unknown"),
        retryable=detail.retryable,
        retry_after_ms=detail.retry_after_ms if detail.HasField("retry_after_ms") else None,
        details=_readable(detail),
    )


def detail_from_error(error: CoilyardError) -> errors_pb2.ErrorDetail:
    """What travels for an exception."""
    detail = errors_pb2.ErrorDetail(
        code=error.code,
        message=error.message,
        execution=cast("errors_pb2.Execution", _EXECUTION_NUMBERS[error.execution]),
        retryable=error.retryable,
        retry_after_ms=error.retry_after_ms,
    )
    for key, value in error.details.items():
        detail.details[key].CopyFrom(encode_value(value))
    return detail


def _readable(detail: errors_pb2.ErrorDetail) -> dict[str, Any]:
    """The particulars; one that cannot be read must not hide the error it belongs to."""
    readable: dict[str, Any] = {}
    for key, value in detail.details.items():
        with contextlib.suppress(CoilyardError):
            readable[key] = decode_value(value)
    return readable


def _detail_of_status(status: bytes) -> errors_pb2.ErrorDetail | None:
    """Finds our detail in a serialized `google.rpc.Status`, whose generated class is not among our dependencies.

    Field 3 of a status is a list of `Any`; field 1 of an `Any` is its type URL, field 2 its content.
    """
    try:
        for number, packed in _fields(status):
            content = dict(_fields(packed)) if number == 3 and isinstance(packed, bytes) else {}
            if content.get(1) == DETAIL_TYPE_URL.encode():
                return errors_pb2.ErrorDetail.FromString(cast("bytes", content.get(2, b"")))
    except DecodeError:
        return None
    return None


def _fields(message: bytes) -> list[tuple[int, object]]:
    parsed = empty_pb2.Empty.FromString(message)
    return [(field.field_number, field.data) for field in cast("Iterable[Any]", unknown_fields.UnknownFieldSet(parsed))]
