from . import errors_pb2 as _errors_pb2
from . import value_pb2 as _value_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class UpdateType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    UPDATE_TYPE_UNSPECIFIED: _ClassVar[UpdateType]
    UPDATE_TYPE_INITIAL: _ClassVar[UpdateType]
    UPDATE_TYPE_REGISTERED: _ClassVar[UpdateType]
    UPDATE_TYPE_UPDATED: _ClassVar[UpdateType]
    UPDATE_TYPE_DELETED: _ClassVar[UpdateType]
    UPDATE_TYPE_RESET: _ClassVar[UpdateType]
UPDATE_TYPE_UNSPECIFIED: UpdateType
UPDATE_TYPE_INITIAL: UpdateType
UPDATE_TYPE_REGISTERED: UpdateType
UPDATE_TYPE_UPDATED: UpdateType
UPDATE_TYPE_DELETED: UpdateType
UPDATE_TYPE_RESET: UpdateType

class Variable(_message.Message):
    __slots__ = ("id", "name", "type", "value", "version", "revision", "constraints", "metadata", "description", "read_only", "source", "created_at_ms", "updated_at_ms")
    class ConstraintsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _value_pb2.Value
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_value_pb2.Value, _Mapping]] = ...) -> None: ...
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _value_pb2.Value
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_value_pb2.Value, _Mapping]] = ...) -> None: ...
    ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    CONSTRAINTS_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    READ_ONLY_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    CREATED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    id: str
    name: str
    type: str
    value: _value_pb2.Value
    version: int
    revision: int
    constraints: _containers.MessageMap[str, _value_pb2.Value]
    metadata: _containers.MessageMap[str, _value_pb2.Value]
    description: str
    read_only: bool
    source: str
    created_at_ms: int
    updated_at_ms: int
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., type: _Optional[str] = ..., value: _Optional[_Union[_value_pb2.Value, _Mapping]] = ..., version: _Optional[int] = ..., revision: _Optional[int] = ..., constraints: _Optional[_Mapping[str, _value_pb2.Value]] = ..., metadata: _Optional[_Mapping[str, _value_pb2.Value]] = ..., description: _Optional[str] = ..., read_only: bool = ..., source: _Optional[str] = ..., created_at_ms: _Optional[int] = ..., updated_at_ms: _Optional[int] = ...) -> None: ...

class VariableSpec(_message.Message):
    __slots__ = ("name", "type", "initial_value", "constraints", "metadata", "description", "read_only")
    class ConstraintsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _value_pb2.Value
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_value_pb2.Value, _Mapping]] = ...) -> None: ...
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _value_pb2.Value
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_value_pb2.Value, _Mapping]] = ...) -> None: ...
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    INITIAL_VALUE_FIELD_NUMBER: _ClassVar[int]
    CONSTRAINTS_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    DESCRIPTION_FIELD_NUMBER: _ClassVar[int]
    READ_ONLY_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: str
    initial_value: _value_pb2.Value
    constraints: _containers.MessageMap[str, _value_pb2.Value]
    metadata: _containers.MessageMap[str, _value_pb2.Value]
    description: str
    read_only: bool
    def __init__(self, name: _Optional[str] = ..., type: _Optional[str] = ..., initial_value: _Optional[_Union[_value_pb2.Value, _Mapping]] = ..., constraints: _Optional[_Mapping[str, _value_pb2.Value]] = ..., metadata: _Optional[_Mapping[str, _value_pb2.Value]] = ..., description: _Optional[str] = ..., read_only: bool = ...) -> None: ...

class RegisterVariablesRequest(_message.Message):
    __slots__ = ("request_id", "session_id", "variables", "source")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    VARIABLES_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    session_id: str
    variables: _containers.RepeatedCompositeFieldContainer[VariableSpec]
    source: str
    def __init__(self, request_id: _Optional[str] = ..., session_id: _Optional[str] = ..., variables: _Optional[_Iterable[_Union[VariableSpec, _Mapping]]] = ..., source: _Optional[str] = ...) -> None: ...

class RegisterVariablesResponse(_message.Message):
    __slots__ = ("revision", "variables")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    VARIABLES_FIELD_NUMBER: _ClassVar[int]
    revision: int
    variables: _containers.RepeatedCompositeFieldContainer[Variable]
    def __init__(self, revision: _Optional[int] = ..., variables: _Optional[_Iterable[_Union[Variable, _Mapping]]] = ...) -> None: ...

class GetVariableRequest(_message.Message):
    __slots__ = ("session_id", "variable")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    VARIABLE_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    variable: str
    def __init__(self, session_id: _Optional[str] = ..., variable: _Optional[str] = ...) -> None: ...

class GetVariableResponse(_message.Message):
    __slots__ = ("revision", "variable")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    VARIABLE_FIELD_NUMBER: _ClassVar[int]
    revision: int
    variable: Variable
    def __init__(self, revision: _Optional[int] = ..., variable: _Optional[_Union[Variable, _Mapping]] = ...) -> None: ...

class GetVariablesRequest(_message.Message):
    __slots__ = ("session_id", "variables")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    VARIABLES_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    variables: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, session_id: _Optional[str] = ..., variables: _Optional[_Iterable[str]] = ...) -> None: ...

class GetVariablesResponse(_message.Message):
    __slots__ = ("revision", "variables")
    class VariablesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: Variable
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[Variable, _Mapping]] = ...) -> None: ...
    REVISION_FIELD_NUMBER: _ClassVar[int]
    VARIABLES_FIELD_NUMBER: _ClassVar[int]
    revision: int
    variables: _containers.MessageMap[str, Variable]
    def __init__(self, revision: _Optional[int] = ..., variables: _Optional[_Mapping[str, Variable]] = ...) -> None: ...

class SetVariableRequest(_message.Message):
    __slots__ = ("request_id", "session_id", "variable", "value", "expected_version", "metadata", "source")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _value_pb2.Value
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_value_pb2.Value, _Mapping]] = ...) -> None: ...
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    VARIABLE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_VERSION_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    session_id: str
    variable: str
    value: _value_pb2.Value
    expected_version: int
    metadata: _containers.MessageMap[str, _value_pb2.Value]
    source: str
    def __init__(self, request_id: _Optional[str] = ..., session_id: _Optional[str] = ..., variable: _Optional[str] = ..., value: _Optional[_Union[_value_pb2.Value, _Mapping]] = ..., expected_version: _Optional[int] = ..., metadata: _Optional[_Mapping[str, _value_pb2.Value]] = ..., source: _Optional[str] = ...) -> None: ...

class SetVariableResponse(_message.Message):
    __slots__ = ("revision", "variable")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    VARIABLE_FIELD_NUMBER: _ClassVar[int]
    revision: int
    variable: Variable
    def __init__(self, revision: _Optional[int] = ..., variable: _Optional[_Union[Variable, _Mapping]] = ...) -> None: ...

class VariableWrite(_message.Message):
    __slots__ = ("variable", "value", "expected_version")
    VARIABLE_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_VERSION_FIELD_NUMBER: _ClassVar[int]
    variable: str
    value: _value_pb2.Value
    expected_version: int
    def __init__(self, variable: _Optional[str] = ..., value: _Optional[_Union[_value_pb2.Value, _Mapping]] = ..., expected_version: _Optional[int] = ...) -> None: ...

class UpdateVariablesRequest(_message.Message):
    __slots__ = ("request_id", "session_id", "writes", "atomic", "metadata", "source")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _value_pb2.Value
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_value_pb2.Value, _Mapping]] = ...) -> None: ...
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    WRITES_FIELD_NUMBER: _ClassVar[int]
    ATOMIC_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    session_id: str
    writes: _containers.RepeatedCompositeFieldContainer[VariableWrite]
    atomic: bool
    metadata: _containers.MessageMap[str, _value_pb2.Value]
    source: str
    def __init__(self, request_id: _Optional[str] = ..., session_id: _Optional[str] = ..., writes: _Optional[_Iterable[_Union[VariableWrite, _Mapping]]] = ..., atomic: bool = ..., metadata: _Optional[_Mapping[str, _value_pb2.Value]] = ..., source: _Optional[str] = ...) -> None: ...

class VariableOutcome(_message.Message):
    __slots__ = ("variable", "updated", "error")
    VARIABLE_FIELD_NUMBER: _ClassVar[int]
    UPDATED_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    variable: str
    updated: Variable
    error: _errors_pb2.ErrorDetail
    def __init__(self, variable: _Optional[str] = ..., updated: _Optional[_Union[Variable, _Mapping]] = ..., error: _Optional[_Union[_errors_pb2.ErrorDetail, _Mapping]] = ...) -> None: ...

class UpdateVariablesResponse(_message.Message):
    __slots__ = ("ok", "revision", "outcomes")
    OK_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    OUTCOMES_FIELD_NUMBER: _ClassVar[int]
    ok: bool
    revision: int
    outcomes: _containers.RepeatedCompositeFieldContainer[VariableOutcome]
    def __init__(self, ok: bool = ..., revision: _Optional[int] = ..., outcomes: _Optional[_Iterable[_Union[VariableOutcome, _Mapping]]] = ...) -> None: ...

class DeleteVariableRequest(_message.Message):
    __slots__ = ("request_id", "session_id", "variable", "cascade")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    VARIABLE_FIELD_NUMBER: _ClassVar[int]
    CASCADE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    session_id: str
    variable: str
    cascade: bool
    def __init__(self, request_id: _Optional[str] = ..., session_id: _Optional[str] = ..., variable: _Optional[str] = ..., cascade: bool = ...) -> None: ...

class DeleteVariableResponse(_message.Message):
    __slots__ = ("revision",)
    REVISION_FIELD_NUMBER: _ClassVar[int]
    revision: int
    def __init__(self, revision: _Optional[int] = ...) -> None: ...

class ListVariablesRequest(_message.Message):
    __slots__ = ("session_id", "type", "source", "pattern")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    PATTERN_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    type: str
    source: str
    pattern: str
    def __init__(self, session_id: _Optional[str] = ..., type: _Optional[str] = ..., source: _Optional[str] = ..., pattern: _Optional[str] = ...) -> None: ...

class ListVariablesResponse(_message.Message):
    __slots__ = ("revision", "variables")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    VARIABLES_FIELD_NUMBER: _ClassVar[int]
    revision: int
    variables: _containers.RepeatedCompositeFieldContainer[Variable]
    def __init__(self, revision: _Optional[int] = ..., variables: _Optional[_Iterable[_Union[Variable, _Mapping]]] = ...) -> None: ...

class GetVariableHistoryRequest(_message.Message):
    __slots__ = ("session_id", "variable", "limit", "offset")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    VARIABLE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    OFFSET_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    variable: str
    limit: int
    offset: int
    def __init__(self, session_id: _Optional[str] = ..., variable: _Optional[str] = ..., limit: _Optional[int] = ..., offset: _Optional[int] = ...) -> None: ...

class HistoryEntry(_message.Message):
    __slots__ = ("version", "revision", "value", "updated_at_ms", "source", "metadata")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _value_pb2.Value
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_value_pb2.Value, _Mapping]] = ...) -> None: ...
    VERSION_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    UPDATED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    version: int
    revision: int
    value: _value_pb2.Value
    updated_at_ms: int
    source: str
    metadata: _containers.MessageMap[str, _value_pb2.Value]
    def __init__(self, version: _Optional[int] = ..., revision: _Optional[int] = ..., value: _Optional[_Union[_value_pb2.Value, _Mapping]] = ..., updated_at_ms: _Optional[int] = ..., source: _Optional[str] = ..., metadata: _Optional[_Mapping[str, _value_pb2.Value]] = ...) -> None: ...

class GetVariableHistoryResponse(_message.Message):
    __slots__ = ("revision", "entries")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    revision: int
    entries: _containers.RepeatedCompositeFieldContainer[HistoryEntry]
    def __init__(self, revision: _Optional[int] = ..., entries: _Optional[_Iterable[_Union[HistoryEntry, _Mapping]]] = ...) -> None: ...

class Position(_message.Message):
    __slots__ = ("revision", "tag")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    TAG_FIELD_NUMBER: _ClassVar[int]
    revision: int
    tag: str
    def __init__(self, revision: _Optional[int] = ..., tag: _Optional[str] = ...) -> None: ...

class WatchRequest(_message.Message):
    __slots__ = ("session_id", "variables", "pattern", "include_initial", "after", "coalesce")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    VARIABLES_FIELD_NUMBER: _ClassVar[int]
    PATTERN_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_INITIAL_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    COALESCE_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    variables: _containers.RepeatedScalarFieldContainer[str]
    pattern: str
    include_initial: bool
    after: Position
    coalesce: bool
    def __init__(self, session_id: _Optional[str] = ..., variables: _Optional[_Iterable[str]] = ..., pattern: _Optional[str] = ..., include_initial: bool = ..., after: _Optional[_Union[Position, _Mapping]] = ..., coalesce: bool = ...) -> None: ...

class VariableUpdate(_message.Message):
    __slots__ = ("type", "name", "variable_id", "value", "old_value", "version", "revision", "metadata", "source", "timestamp_ms", "skipped", "reset_reason")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _value_pb2.Value
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_value_pb2.Value, _Mapping]] = ...) -> None: ...
    TYPE_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    VARIABLE_ID_FIELD_NUMBER: _ClassVar[int]
    VALUE_FIELD_NUMBER: _ClassVar[int]
    OLD_VALUE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    TIMESTAMP_MS_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_FIELD_NUMBER: _ClassVar[int]
    RESET_REASON_FIELD_NUMBER: _ClassVar[int]
    type: UpdateType
    name: str
    variable_id: str
    value: _value_pb2.Value
    old_value: _value_pb2.Value
    version: int
    revision: int
    metadata: _containers.MessageMap[str, _value_pb2.Value]
    source: str
    timestamp_ms: int
    skipped: int
    reset_reason: str
    def __init__(self, type: _Optional[_Union[UpdateType, str]] = ..., name: _Optional[str] = ..., variable_id: _Optional[str] = ..., value: _Optional[_Union[_value_pb2.Value, _Mapping]] = ..., old_value: _Optional[_Union[_value_pb2.Value, _Mapping]] = ..., version: _Optional[int] = ..., revision: _Optional[int] = ..., metadata: _Optional[_Mapping[str, _value_pb2.Value]] = ..., source: _Optional[str] = ..., timestamp_ms: _Optional[int] = ..., skipped: _Optional[int] = ..., reset_reason: _Optional[str] = ...) -> None: ...

class WatchResponse(_message.Message):
    __slots__ = ("position", "updates")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    UPDATES_FIELD_NUMBER: _ClassVar[int]
    position: Position
    updates: _containers.RepeatedCompositeFieldContainer[VariableUpdate]
    def __init__(self, position: _Optional[_Union[Position, _Mapping]] = ..., updates: _Optional[_Iterable[_Union[VariableUpdate, _Mapping]]] = ...) -> None: ...
