"""Every failure that a user of Coilyard meets. One tree; each class is also the built-in that its callers expect.

CoilyardError
├── NotFound (KeyError)
│   ├── SessionNotFound ── SessionExpired
│   ├── VariableNotFound
│   ├── ModuleNotFound
│   └── ToolNotFound
├── VersionNotFound (ValueError)
├── AlreadyExists (ValueError): SessionExists, VariableExists
├── InvalidArgument (ValueError): UnknownType, ConstraintViolation, CircularDependency
│   └── ValidationFailed (TypeError too: a wrong kind of value)
├── FailedPrecondition (ValueError): HasDependents, AlreadyOptimizing, NotOptimizing
├── PayloadTooLarge (ValueError)
├── AccessDenied (PermissionError): PermissionDenied, ReadOnly, Unauthenticated
├── Overloaded: RateLimited, MailboxFull, PoolSaturated
├── Unavailable (ConnectionError): SessionCrashed, StoreUnavailable, PoolUnavailable, WorkerLost
├── DeadlineExceeded (TimeoutError)
├── OperationCancelled (asyncio.CancelledError)
├── OptimisticLockFailure
├── HistoryCompacted
├── PythonError
├── InternalError
└── TransportError (grpc.RpcError): what gRPC itself reported, without a word from the gateway
    ├── ConnectionLost (Unavailable)
    │   └── ClientClosed
    ├── TransportTimeout (DeadlineExceeded)
    └── TransportDenied (AccessDenied)
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any, ClassVar, Literal

import grpc
from typing_extensions import Self

Execution = Literal["not_started", "done", "unknown"]


class CoilyardError(Exception):
    """A failure with a code that a program can read.

    Attributes:
        code: One of the closed set of codes, such as `variable_not_found`.
        message: The text, without the code.
        execution: Whether the work was done: `not_started` makes a retry safe.
        retryable: Whether the same request may succeed later.
        retry_after_ms: How long to wait before a retry, in milliseconds; None when nothing is known.
        details: Particulars such as `constraint`, `expected`, `actual`.
    """

    default_code: ClassVar[str] = "internal"
    default_execution: ClassVar[Execution] = "not_started"
    default_retryable: ClassVar[bool | Literal["by_execution"]] = False

    def __init__(
        self,
        message: str,
        *,
        code: str | None = None,
        execution: Execution | None = None,
        retryable: bool | None = None,
        retry_after_ms: int | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.code = self.default_code if code is None else code
        self.execution: Execution = self.default_execution if execution is None else execution
        if retryable is None:
            rule = self.default_retryable
            retryable = self.execution == "not_started" if rule == "by_execution" else rule
        self.retryable = retryable
        self.retry_after_ms = retry_after_ms
        self.details: dict[str, Any] = dict(details or {})

    def __str__(self) -> str:
        # KeyError would show the repr of the message, OSError its errno.
        return self.message

    def __reduce__(self) -> tuple[Any, ...]:
        # Exceptions cross process pools by pickle, which otherwise forgets what is not in `args`.
        return _rebuild, (type(self), self.message, self.__dict__.copy())


def _rebuild(kind: type[CoilyardError], message: str, state: dict[str, Any]) -> CoilyardError:
    error = kind(message)
    error.__dict__.update(state)
    return error


class NotFound(CoilyardError, KeyError):
    """Something that a name or an id points at does not exist."""


class SessionNotFound(NotFound):
    """There is no living session of this id."""

    default_code = "session_not_found"


class SessionExpired(SessionNotFound):
    """The session outlived its time to live."""

    default_code = "session_expired"


class VariableNotFound(NotFound):
    """The session has no variable of this name or id."""

    default_code = "variable_not_found"


class ModuleNotFound(NotFound):
    """No module of this name is known."""

    default_code = "module_not_found"


class ToolNotFound(NotFound):
    """No tool of this name is registered."""

    default_code = "tool_not_found"


class VersionNotFound(CoilyardError, ValueError):
    """The variable never had this version, or its history was pruned."""

    default_code = "version_not_found"


class AlreadyExists(CoilyardError, ValueError):
    """The name or id is taken; what it points at was left alone."""


class SessionExists(AlreadyExists):
    """A living session has this id."""

    default_code = "session_exists"


class VariableExists(AlreadyExists):
    """The session has a variable of this name, which keeps its id and value."""

    default_code = "variable_exists"


class InvalidArgument(CoilyardError, ValueError):
    """A request that can never succeed as it is."""

    default_code = "invalid_argument"


class UnknownType(InvalidArgument):
    """The variable type is not one of the known ones."""

    default_code = "unknown_type"


class ValidationFailed(InvalidArgument, TypeError):
    """A value of the wrong kind for its variable."""

    default_code = "validation_failed"


class ConstraintViolation(InvalidArgument):
    """A value of the right kind that the variable's constraints refuse."""

    default_code = "constraint_violation"


class CircularDependency(InvalidArgument):
    """The dependency would close a circle."""

    default_code = "circular_dependency"


class FailedPrecondition(CoilyardError, ValueError):
    """The request does not fit the present state."""


class HasDependents(FailedPrecondition):
    """Other variables depend on the one to delete."""

    default_code = "has_dependents"


class AlreadyOptimizing(FailedPrecondition):
    """The variable is being optimized."""

    default_code = "already_optimizing"


class NotOptimizing(FailedPrecondition):
    """The variable is not being optimized."""

    default_code = "not_optimizing"


class PayloadTooLarge(CoilyardError, ValueError):
    """The message exceeds a size limit."""

    default_code = "payload_too_large"


class AccessDenied(CoilyardError, PermissionError):
    """The caller may not do this."""

    default_code = "permission_denied"


class PermissionDenied(AccessDenied):
    """An access rule forbids it."""


class ReadOnly(AccessDenied):
    """The variable is read-only."""

    default_code = "read_only"


class Unauthenticated(AccessDenied):
    """The token is missing, malformed or not accepted."""

    default_code = "unauthenticated"


class Overloaded(CoilyardError):
    """The runtime refused work to stay responsive; `retry_after_ms` says when to come back."""

    default_retryable = True


class RateLimited(Overloaded):
    """Too many requests."""

    default_code = "rate_limited"


class MailboxFull(Overloaded):
    """The session's mailbox is full."""

    default_code = "mailbox_full"


class PoolSaturated(Overloaded):
    """Every worker is busy and the queue is full."""

    default_code = "pool_saturated"


class Unavailable(CoilyardError, ConnectionError):
    """Something that the request needs is not there now."""

    default_code = "unavailable"
    default_execution: ClassVar[Execution] = "unknown"
    default_retryable = "by_execution"


class SessionCrashed(Unavailable):
    """The session's actor crashed; it restarts from its last commit."""

    default_code = "session_crashed"


class StoreUnavailable(Unavailable):
    """The store cannot be reached."""

    default_code = "store_unavailable"


class PoolUnavailable(Unavailable):
    """The pool of workers is closed for now."""

    default_code = "pool_unavailable"
    default_execution: ClassVar[Execution] = "not_started"


class WorkerLost(Unavailable):
    """The worker died with the call in hand."""

    default_code = "worker_lost"


class DeadlineExceeded(CoilyardError, TimeoutError):
    """The time allowed for the request is over."""

    default_code = "deadline_exceeded"
    default_execution: ClassVar[Execution] = "unknown"
    default_retryable = "by_execution"


class OperationCancelled(CoilyardError, asyncio.CancelledError):
    """The work was cancelled on the other side."""

    default_code = "cancelled"
    default_execution: ClassVar[Execution] = "unknown"
    default_retryable = "by_execution"


class OptimisticLockFailure(CoilyardError):
    """The variable has another version than expected: read it again, then decide."""

    default_code = "optimistic_lock_failure"
    default_retryable = True


class HistoryCompacted(CoilyardError):
    """The position to resume from is no longer in the history."""

    default_code = "history_compacted"
    default_retryable = True


class PythonError(CoilyardError):
    """User code raised in a worker; `details` has `type`, `message` and `traceback`."""

    default_code = "python_error"
    default_execution: ClassVar[Execution] = "done"


class InternalError(CoilyardError):
    """A fault of the runtime."""

    default_code = "internal"
    default_execution: ClassVar[Execution] = "unknown"


class StatusText(str):
    """The code of a `TransportError`: a text like every other code, which can also be called as gRPC promises."""

    __slots__ = ("status",)
    status: grpc.StatusCode

    def __new__(cls, text: str, status: grpc.StatusCode) -> Self:
        """Makes the text of `status`; `text` differs from its name where a code of the closed set says it better."""
        self = super().__new__(cls, text)
        self.status = status
        return self

    def __call__(self) -> grpc.StatusCode:
        """The gRPC status, so that `error.code() == grpc.StatusCode.UNAVAILABLE` holds."""
        return self.status

    def __reduce__(self) -> tuple[Any, ...]:
        return StatusText, (str(self), self.status)


# The ignores below: a typed error has `code` as text, a gRPC error as a method. `StatusText` is both, which no type can
# say, so the type checker sees two bases that disagree.
class TransportError(CoilyardError, grpc.RpcError):  # type: ignore[misc]
    """What gRPC reported without a typed detail; `code` is the status in lower case, `code()` the status."""

    default_execution: ClassVar[Execution] = "unknown"


class ConnectionLost(TransportError, Unavailable):  # type: ignore[misc]
    """The gateway cannot be reached, or the connection broke."""

    default_code: ClassVar[str] = StatusText("unavailable", grpc.StatusCode.UNAVAILABLE)


class ClientClosed(ConnectionLost):
    """The client was closed here; asking again is of no use."""

    default_execution: ClassVar[Execution] = "not_started"


class TransportTimeout(TransportError, DeadlineExceeded):  # type: ignore[misc]
    """The deadline passed without an answer."""

    default_code: ClassVar[str] = StatusText("deadline_exceeded", grpc.StatusCode.DEADLINE_EXCEEDED)


class TransportDenied(TransportError, AccessDenied):  # type: ignore[misc]
    """The connection was refused before the gateway looked at the request."""


def _leaves(kind: type[CoilyardError]) -> dict[str, type[CoilyardError]]:
    found = {kind.default_code: kind} if "default_code" in vars(kind) else {}
    for child in kind.__subclasses__():
        if not issubclass(child, TransportError):
            found = {**_leaves(child), **found}
    return found


#: The class of each code of the closed set.
ERROR_CLASSES: Mapping[str, type[CoilyardError]] = {
    **{code: kind for code, kind in _leaves(CoilyardError).items() if code != "unavailable"},
    "permission_denied": PermissionDenied,
    "internal": InternalError,
}
