"""The tree of exceptions, and what it is made from."""

from __future__ import annotations

import asyncio
import pickle
import re
from pathlib import Path

import grpc
import pytest

import coilyard
from coilyard._errors import ERROR_CLASSES, CoilyardError, ConnectionLost, StatusText
from coilyard._proto import errors_pb2
from coilyard._values import encode_value
from coilyard._wire_errors import detail_from_error, error_from_detail, error_from_rpc
from support.scripted_gateway import status_bytes

KERNEL = Path(__file__).resolve().parents[3] / "src" / "kernel" / "errors.ts"


def the_table_of_typescript() -> dict[str, str]:
    """Codes and their usual execution, as the kernel has them."""
    table = KERNEL.read_text(encoding="utf-8").partition("export const errorKinds = {")[2].partition("} as const")[0]
    usual = {"refused": "not_started", "later": "not_started", "lost": "unknown"}
    found = {code: usual[kind] for code, kind in re.findall(r"(\w+): (refused|later|lost)\(", table)}
    found |= dict(re.findall(r"(\w+): \{[^}]*execution: '(\w+)'", table))
    return found


def test_every_code_of_the_runtime_has_its_class_and_the_same_usual_execution() -> None:
    table = the_table_of_typescript()
    assert len(table) > 30
    assert table.keys() == ERROR_CLASSES.keys()
    assert table == {code: kind("x", code=code).execution for code, kind in ERROR_CLASSES.items()}


@pytest.mark.parametrize(
    ("code", "builtin"),
    [
        ("session_not_found", KeyError),
        ("session_expired", KeyError),
        ("variable_not_found", KeyError),
        ("module_not_found", KeyError),
        ("tool_not_found", KeyError),
        ("version_not_found", ValueError),
        ("session_exists", ValueError),
        ("variable_exists", ValueError),
        ("unknown_type", ValueError),
        ("validation_failed", TypeError),
        ("validation_failed", ValueError),
        ("invalid_argument", ValueError),
        ("constraint_violation", ValueError),
        ("circular_dependency", ValueError),
        ("read_only", PermissionError),
        ("permission_denied", PermissionError),
        ("unauthenticated", PermissionError),
        ("has_dependents", ValueError),
        ("already_optimizing", ValueError),
        ("not_optimizing", ValueError),
        ("payload_too_large", ValueError),
        ("deadline_exceeded", TimeoutError),
        ("cancelled", asyncio.CancelledError),
        ("session_crashed", ConnectionError),
        ("store_unavailable", ConnectionError),
        ("pool_unavailable", ConnectionError),
        ("worker_lost", ConnectionError),
    ],
)
def test_each_code_is_also_the_builtin_that_callers_expect(code: str, builtin: type[BaseException]) -> None:
    error = error_from_detail(errors_pb2.ErrorDetail(code=code, message="no"))
    assert isinstance(error, builtin)
    assert isinstance(error, CoilyardError)
    assert (error.code, str(error)) == (code, "no")


def test_a_constraint_violation_is_no_type_error() -> None:
    assert not issubclass(coilyard.ConstraintViolation, TypeError)


def test_an_error_carries_everything_that_the_detail_says() -> None:
    detail = errors_pb2.ErrorDetail(
        code="mailbox_full",
        message="full",
        execution=errors_pb2.EXECUTION_NOT_STARTED,
        retryable=True,
        retry_after_ms=0,
        details={"limit": encode_value(10), "session": encode_value("s")},
    )
    error = error_from_detail(detail)
    assert (error.retryable, error.retry_after_ms, error.execution) == (True, 0, "not_started")
    assert error.details == {"limit": 10, "session": "s"}
    assert detail_from_error(error) == detail


def test_a_code_of_a_newer_gateway_is_a_plain_error() -> None:
    error = error_from_detail(errors_pb2.ErrorDetail(code="brand_new", message="?"))
    assert type(error) is CoilyardError
    assert error.code == "brand_new"


def test_particulars_that_cannot_be_read_do_not_hide_the_error() -> None:
    detail = errors_pb2.ErrorDetail(code="internal", message="no")
    detail.details["broken"].json = "{"
    detail.details["fine"].integer = 1
    assert error_from_detail(detail).details == {"fine": 1}


def rpc_error(status: grpc.StatusCode, trailers: tuple[tuple[str, bytes], ...] = ()) -> grpc.aio.AioRpcError:
    return grpc.aio.AioRpcError(status, grpc.aio.Metadata(), grpc.aio.Metadata(*trailers), "said so")


def test_the_detail_in_the_status_decides() -> None:
    sent = coilyard.ConstraintViolation("above maximum 2", details={"constraint": "max", "expected": 2.0})
    trailer = ("grpc-status-details-bin", status_bytes(sent))
    error = error_from_rpc(rpc_error(grpc.StatusCode.INVALID_ARGUMENT, (("other", b"x"), trailer)))
    assert type(error) is coilyard.ConstraintViolation
    assert error.details == {"constraint": "max", "expected": 2.0}


@pytest.mark.parametrize("junk", [b"", b"\xff\xff", b"\x1a\x02\x08\x01", b"\x1a\x7fshort"])
def test_a_status_that_cannot_be_read_falls_back_to_what_grpc_knows(junk: bytes) -> None:
    error = error_from_rpc(rpc_error(grpc.StatusCode.INTERNAL, (("grpc-status-details-bin", junk),)))
    assert isinstance(error, coilyard.TransportError)
    assert error.code == "internal"


def test_a_lost_connection_is_a_connection_error_and_an_rpc_error_with_its_status() -> None:
    error = error_from_rpc(rpc_error(grpc.StatusCode.UNAVAILABLE))
    with pytest.raises(grpc.RpcError) as raised:
        raise error
    assert raised.value.code() == grpc.StatusCode.UNAVAILABLE
    assert isinstance(error, ConnectionError)
    assert error.code == "unavailable"
    assert error.execution == "unknown"


def test_a_deadline_without_a_word_from_the_gateway_is_a_timeout_error() -> None:
    error = error_from_rpc(rpc_error(grpc.StatusCode.DEADLINE_EXCEEDED))
    assert isinstance(error, TimeoutError)
    assert error.code == "deadline_exceeded"


def test_errors_survive_pickling() -> None:
    error = ConnectionLost("gone", code=StatusText("unavailable", grpc.StatusCode.UNAVAILABLE), details={"a": 1})
    back = pickle.loads(pickle.dumps(error))
    assert (type(back), str(back), back.details, back.code()) == (
        ConnectionLost, "gone", {"a": 1}, grpc.StatusCode.UNAVAILABLE,
    )  # fmt: skip
