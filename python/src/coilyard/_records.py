"""What the SDK hands out besides plain values."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from coilyard._entries import CachedValue
from coilyard._proto import sessions_pb2, variables_pb2
from coilyard._rules import decode_rules
from coilyard._values import copier_of, decode_metadata, decode_value, to_datetime

UpdateKind = Literal["initial", "registered", "updated", "deleted"]

UPDATE_KINDS: dict[int, UpdateKind] = {
    variables_pb2.UPDATE_TYPE_INITIAL: "initial",
    variables_pb2.UPDATE_TYPE_REGISTERED: "registered",
    variables_pb2.UPDATE_TYPE_UPDATED: "updated",
    variables_pb2.UPDATE_TYPE_DELETED: "deleted",
}


@dataclass(frozen=True, slots=True)
class VariableUpdate:
    """One change of a watched variable.

    Attributes:
        variable_id: The variable's id.
        name: The variable's name.
        value: The value now; None when it was deleted.
        old_value: The stored value before; None when there was none, or when the two together are too large to send.
        metadata: What the writer said about this change.
        timestamp: When it was committed, in UTC.
        source: Who wrote it, such as `python`.
        version: The variable's version, 0 after registration.
        revision: The session's revision of the commit.
        type: `initial`, `registered`, `updated` or `deleted`.
        skipped: How many earlier changes this one stands for, too.
        reset_reason: Why the history could not be followed to here, such as `overflow`; None when it could.
        too_large: Whether the value exceeds what the gateway sends at all: `value` is None then, whatever it is.
    """

    variable_id: str
    name: str
    value: Any
    old_value: Any
    metadata: dict[str, Any]
    timestamp: datetime
    source: str
    version: int
    revision: int
    type: UpdateKind
    skipped: int = 0
    reset_reason: str | None = None
    too_large: bool = False

    @property
    def deleted(self) -> bool:
        """Whether the variable is gone."""
        return self.type == "deleted"


@dataclass(frozen=True, slots=True)
class SessionInfo:
    """A living session as the gateway describes it.

    Attributes:
        id: The session's id.
        revision: Raised by one with every commit.
        variable_count: How many variables it has.
        metadata: What its creator said about it.
        created_at: In UTC.
        expires_at: In UTC; None when it does not expire.
        ttl_ms: Its time to live in milliseconds; None when it does not expire.
    """

    id: str
    revision: int
    variable_count: int
    metadata: dict[str, Any] = field(default_factory=dict)
    created_at: datetime | None = None
    expires_at: datetime | None = None
    ttl_ms: int | None = None


def session_info(session: sessions_pb2.Session) -> SessionInfo:
    """The record of a message."""
    return SessionInfo(
        id=session.id,
        revision=session.revision,
        variable_count=session.variable_count,
        metadata=decode_metadata(session.metadata),
        created_at=to_datetime(session.created_at_ms),
        expires_at=to_datetime(session.expires_at_ms) if session.HasField("expires_at_ms") else None,
        ttl_ms=session.ttl_ms if session.HasField("ttl_ms") else None,
    )


def variable_update(
    update: variables_pb2.VariableUpdate, reset_reason: str | None = None, framework: str | None = None
) -> VariableUpdate:
    """The record of a message whose type is one of `UPDATE_KINDS`.

    Args:
        update: The message.
        reset_reason: Why the history could not be followed to here.
        framework: The library of the variable's tensors, which an update need not say itself.
    """
    metadata = decode_metadata(update.metadata)
    framework = framework or framework_in(update)
    return VariableUpdate(
        variable_id=update.variable_id,
        name=update.name,
        value=decode_value(update.value, framework) if update.HasField("value") else None,
        old_value=decode_value(update.old_value, framework) if update.HasField("old_value") else None,
        metadata=metadata,
        timestamp=to_datetime(update.timestamp_ms),
        source=update.source,
        version=update.version,
        revision=update.revision,
        type=UPDATE_KINDS[update.type],
        skipped=update.skipped,
        reset_reason=reset_reason,
        too_large=update.type != variables_pb2.UPDATE_TYPE_DELETED and not update.HasField("value"),
    )


def variable_dict(variable: variables_pb2.Variable, include_metadata: bool = True) -> dict[str, Any]:
    """A variable with all that is known of it, as `list_variables` and `get_variables` show it."""
    described: dict[str, Any] = {
        "id": variable.id,
        "name": variable.name,
        "type": variable.type,
        "value": value_of(variable),
        "version": variable.version,
        "revision": variable.revision,
        "constraints": decode_metadata(variable.constraints),
        "description": variable.description,
        "read_only": variable.read_only,
        "computed": variable.computed,
        "access_rules": decode_rules(variable.access_rules),
        "source": variable.source,
        "created_at": to_datetime(variable.created_at_ms),
        "updated_at": to_datetime(variable.updated_at_ms),
    }
    if include_metadata:
        described["metadata"] = decode_metadata(variable.metadata)
    return described


def value_of(variable: variables_pb2.Variable) -> Any:
    """The Python value of a variable."""
    return decode_value(variable.value, framework_in(variable))


def cached_value(variable: variables_pb2.Variable, pushed: bool = True) -> CachedValue:
    """A variable as the cache takes it.

    Args:
        variable: The message.
        pushed: Whether changes of it are pushed to this client.
    """
    copier = copier_of(variable.value, framework_in(variable))
    value = None if copier is not None else value_of(variable)
    return CachedValue(variable.id, variable.name, value, copier, variable.revision, variable.type, pushed)


def cached_update(update: variables_pb2.VariableUpdate, framework: str | None = None) -> CachedValue:
    """A pushed change as the cache takes it; `framework` as of `variable_update`."""
    framework = framework or framework_in(update)
    copier = copier_of(update.value, framework)
    value = None if copier is not None else decode_value(update.value, framework)
    return CachedValue(update.variable_id, update.name, value, copier, update.revision)


def framework_in(message: variables_pb2.Variable | variables_pb2.VariableUpdate) -> str | None:
    """The library that the metadata say a tensor belongs to."""
    return message.metadata["framework"].text or None if "framework" in message.metadata else None
