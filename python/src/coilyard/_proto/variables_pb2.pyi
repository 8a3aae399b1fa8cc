from . import errors_pb2 as _errors_pb2
from . import value_pb2 as _value_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class DependencyDirection(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DEPENDENCY_DIRECTION_UNSPECIFIED: _ClassVar[DependencyDirection]
    DEPENDENCY_DIRECTION_DEPENDENCIES: _ClassVar[DependencyDirection]
    DEPENDENCY_DIRECTION_DEPENDENTS: _ClassVar[DependencyDirection]

class UpdateType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    UPDATE_TYPE_UNSPECIFIED: _ClassVar[UpdateType]
    UPDATE_TYPE_INITIAL: _ClassVar[UpdateType]
    UPDATE_TYPE_REGISTERED: _ClassVar[UpdateType]
    UPDATE_TYPE_UPDATED: _ClassVar[UpdateType]
    UPDATE_TYPE_DELETED: _ClassVar[UpdateType]
    UPDATE_TYPE_RESET: _ClassVar[UpdateType]
    UPDATE_TYPE_CONFIGURED: _ClassVar[UpdateType]
DEPENDENCY_DIRECTION_UNSPECIFIED: DependencyDirection
DEPENDENCY_DIRECTION_DEPENDENCIES: DependencyDirection
DEPENDENCY_DIRECTION_DEPENDENTS: DependencyDirection
UPDATE_TYPE_UNSPECIFIED: UpdateType
UPDATE_TYPE_INITIAL: UpdateType
UPDATE_TYPE_REGISTERED: UpdateType
UPDATE_TYPE_UPDATED: UpdateType
UPDATE_TYPE_DELETED: UpdateType
UPDATE_TYPE_RESET: UpdateType
UPDATE_TYPE_CONFIGURED: UpdateType

class Variable(_message.Message):
    __slots__ = ("id", "name", "type", "value", "version", "revision", "constraints", "metadata", "description", "read_only", "source", "created_at_ms", "updated_at_ms", "access_rules", "computed")
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
    ACCESS_RULES_FIELD_NUMBER: _ClassVar[int]
    COMPUTED_FIELD_NUMBER: _ClassVar[int]
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
    access_rules: _containers.RepeatedCompositeFieldContainer[AccessRule]
    computed: bool
    def __init__(self, id: _Optional[str] = ..., name: _Optional[str] = ..., type: _Optional[str] = ..., value: _Optional[_Union[_value_pb2.Value, _Mapping]] = ..., version: _Optional[int] = ..., revision: _Optional[int] = ..., constraints: _Optional[_Mapping[str, _value_pb2.Value]] = ..., metadata: _Optional[_Mapping[str, _value_pb2.Value]] = ..., description: _Optional[str] = ..., read_only: bool = ..., source: _Optional[str] = ..., created_at_ms: _Optional[int] = ..., updated_at_ms: _Optional[int] = ..., access_rules: _Optional[_Iterable[_Union[AccessRule, _Mapping]]] = ..., computed: bool = ...) -> None: ...

class AccessRule(_message.Message):
    __slots__ = ("session_pattern", "permissions", "conditions")
    class ConditionsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _value_pb2.Value
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_value_pb2.Value, _Mapping]] = ...) -> None: ...
    SESSION_PATTERN_FIELD_NUMBER: _ClassVar[int]
    PERMISSIONS_FIELD_NUMBER: _ClassVar[int]
    CONDITIONS_FIELD_NUMBER: _ClassVar[int]
    session_pattern: str
    permissions: _containers.RepeatedScalarFieldContainer[str]
    conditions: _containers.MessageMap[str, _value_pb2.Value]
    def __init__(self, session_pattern: _Optional[str] = ..., permissions: _Optional[_Iterable[str]] = ..., conditions: _Optional[_Mapping[str, _value_pb2.Value]] = ...) -> None: ...

class DependencySpec(_message.Message):
    __slots__ = ("variable", "type", "metadata")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _value_pb2.Value
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_value_pb2.Value, _Mapping]] = ...) -> None: ...
    VARIABLE_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    variable: str
    type: str
    metadata: _containers.MessageMap[str, _value_pb2.Value]
    def __init__(self, variable: _Optional[str] = ..., type: _Optional[str] = ..., metadata: _Optional[_Mapping[str, _value_pb2.Value]] = ...) -> None: ...

class VariableSpec(_message.Message):
    __slots__ = ("name", "type", "initial_value", "constraints", "metadata", "description", "read_only", "dependencies", "access_rules")
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
    DEPENDENCIES_FIELD_NUMBER: _ClassVar[int]
    ACCESS_RULES_FIELD_NUMBER: _ClassVar[int]
    name: str
    type: str
    initial_value: _value_pb2.Value
    constraints: _containers.MessageMap[str, _value_pb2.Value]
    metadata: _containers.MessageMap[str, _value_pb2.Value]
    description: str
    read_only: bool
    dependencies: _containers.RepeatedCompositeFieldContainer[DependencySpec]
    access_rules: _containers.RepeatedCompositeFieldContainer[AccessRule]
    def __init__(self, name: _Optional[str] = ..., type: _Optional[str] = ..., initial_value: _Optional[_Union[_value_pb2.Value, _Mapping]] = ..., constraints: _Optional[_Mapping[str, _value_pb2.Value]] = ..., metadata: _Optional[_Mapping[str, _value_pb2.Value]] = ..., description: _Optional[str] = ..., read_only: bool = ..., dependencies: _Optional[_Iterable[_Union[DependencySpec, _Mapping]]] = ..., access_rules: _Optional[_Iterable[_Union[AccessRule, _Mapping]]] = ...) -> None: ...

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

class RollbackVariableRequest(_message.Message):
    __slots__ = ("request_id", "session_id", "variable", "version", "reason", "source")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    VARIABLE_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    session_id: str
    variable: str
    version: int
    reason: str
    source: str
    def __init__(self, request_id: _Optional[str] = ..., session_id: _Optional[str] = ..., variable: _Optional[str] = ..., version: _Optional[int] = ..., reason: _Optional[str] = ..., source: _Optional[str] = ...) -> None: ...

class RollbackVariableResponse(_message.Message):
    __slots__ = ("revision", "variable")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    VARIABLE_FIELD_NUMBER: _ClassVar[int]
    revision: int
    variable: Variable
    def __init__(self, revision: _Optional[int] = ..., variable: _Optional[_Union[Variable, _Mapping]] = ...) -> None: ...

class ConfigureVariableRequest(_message.Message):
    __slots__ = ("request_id", "session_id", "variable", "constraints", "read_only", "access_rules", "source")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    VARIABLE_FIELD_NUMBER: _ClassVar[int]
    CONSTRAINTS_FIELD_NUMBER: _ClassVar[int]
    READ_ONLY_FIELD_NUMBER: _ClassVar[int]
    ACCESS_RULES_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    session_id: str
    variable: str
    constraints: ConstraintSet
    read_only: bool
    access_rules: AccessRuleSet
    source: str
    def __init__(self, request_id: _Optional[str] = ..., session_id: _Optional[str] = ..., variable: _Optional[str] = ..., constraints: _Optional[_Union[ConstraintSet, _Mapping]] = ..., read_only: bool = ..., access_rules: _Optional[_Union[AccessRuleSet, _Mapping]] = ..., source: _Optional[str] = ...) -> None: ...

class ConstraintSet(_message.Message):
    __slots__ = ("constraints",)
    class ConstraintsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _value_pb2.Value
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_value_pb2.Value, _Mapping]] = ...) -> None: ...
    CONSTRAINTS_FIELD_NUMBER: _ClassVar[int]
    constraints: _containers.MessageMap[str, _value_pb2.Value]
    def __init__(self, constraints: _Optional[_Mapping[str, _value_pb2.Value]] = ...) -> None: ...

class AccessRuleSet(_message.Message):
    __slots__ = ("rules",)
    RULES_FIELD_NUMBER: _ClassVar[int]
    rules: _containers.RepeatedCompositeFieldContainer[AccessRule]
    def __init__(self, rules: _Optional[_Iterable[_Union[AccessRule, _Mapping]]] = ...) -> None: ...

class ConfigureVariableResponse(_message.Message):
    __slots__ = ("revision", "variable")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    VARIABLE_FIELD_NUMBER: _ClassVar[int]
    revision: int
    variable: Variable
    def __init__(self, revision: _Optional[int] = ..., variable: _Optional[_Union[Variable, _Mapping]] = ...) -> None: ...

class CheckAccessRequest(_message.Message):
    __slots__ = ("session_id", "variable", "permission")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    VARIABLE_FIELD_NUMBER: _ClassVar[int]
    PERMISSION_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    variable: str
    permission: str
    def __init__(self, session_id: _Optional[str] = ..., variable: _Optional[str] = ..., permission: _Optional[str] = ...) -> None: ...

class CheckAccessResponse(_message.Message):
    __slots__ = ("allowed", "revision")
    ALLOWED_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    allowed: bool
    revision: int
    def __init__(self, allowed: bool = ..., revision: _Optional[int] = ...) -> None: ...

class AddDependencyRequest(_message.Message):
    __slots__ = ("request_id", "session_id", "to", "type", "metadata", "source")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _value_pb2.Value
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_value_pb2.Value, _Mapping]] = ...) -> None: ...
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    session_id: str
    to: str
    type: str
    metadata: _containers.MessageMap[str, _value_pb2.Value]
    source: str
    def __init__(self, request_id: _Optional[str] = ..., session_id: _Optional[str] = ..., to: _Optional[str] = ..., type: _Optional[str] = ..., metadata: _Optional[_Mapping[str, _value_pb2.Value]] = ..., source: _Optional[str] = ..., **kwargs) -> None: ...

class AddDependencyResponse(_message.Message):
    __slots__ = ("revision",)
    REVISION_FIELD_NUMBER: _ClassVar[int]
    revision: int
    def __init__(self, revision: _Optional[int] = ...) -> None: ...

class RemoveDependencyRequest(_message.Message):
    __slots__ = ("request_id", "session_id", "to", "source")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    FROM_FIELD_NUMBER: _ClassVar[int]
    TO_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    session_id: str
    to: str
    source: str
    def __init__(self, request_id: _Optional[str] = ..., session_id: _Optional[str] = ..., to: _Optional[str] = ..., source: _Optional[str] = ..., **kwargs) -> None: ...

class RemoveDependencyResponse(_message.Message):
    __slots__ = ("revision",)
    REVISION_FIELD_NUMBER: _ClassVar[int]
    revision: int
    def __init__(self, revision: _Optional[int] = ...) -> None: ...

class GetDependenciesRequest(_message.Message):
    __slots__ = ("session_id", "variable", "direction", "transitive")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    VARIABLE_FIELD_NUMBER: _ClassVar[int]
    DIRECTION_FIELD_NUMBER: _ClassVar[int]
    TRANSITIVE_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    variable: str
    direction: DependencyDirection
    transitive: bool
    def __init__(self, session_id: _Optional[str] = ..., variable: _Optional[str] = ..., direction: _Optional[_Union[DependencyDirection, str]] = ..., transitive: bool = ...) -> None: ...

class Dependency(_message.Message):
    __slots__ = ("variable_id", "name", "type", "metadata")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _value_pb2.Value
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_value_pb2.Value, _Mapping]] = ...) -> None: ...
    VARIABLE_ID_FIELD_NUMBER: _ClassVar[int]
    NAME_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    variable_id: str
    name: str
    type: str
    metadata: _containers.MessageMap[str, _value_pb2.Value]
    def __init__(self, variable_id: _Optional[str] = ..., name: _Optional[str] = ..., type: _Optional[str] = ..., metadata: _Optional[_Mapping[str, _value_pb2.Value]] = ...) -> None: ...

class GetDependenciesResponse(_message.Message):
    __slots__ = ("revision", "dependencies")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    DEPENDENCIES_FIELD_NUMBER: _ClassVar[int]
    revision: int
    dependencies: _containers.RepeatedCompositeFieldContainer[Dependency]
    def __init__(self, revision: _Optional[int] = ..., dependencies: _Optional[_Iterable[_Union[Dependency, _Mapping]]] = ...) -> None: ...

class ExportVariablesRequest(_message.Message):
    __slots__ = ("session_id", "format", "include_history", "without_dependencies", "filter_pattern")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_HISTORY_FIELD_NUMBER: _ClassVar[int]
    WITHOUT_DEPENDENCIES_FIELD_NUMBER: _ClassVar[int]
    FILTER_PATTERN_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    format: str
    include_history: bool
    without_dependencies: bool
    filter_pattern: str
    def __init__(self, session_id: _Optional[str] = ..., format: _Optional[str] = ..., include_history: bool = ..., without_dependencies: bool = ..., filter_pattern: _Optional[str] = ...) -> None: ...

class ExportVariablesResponse(_message.Message):
    __slots__ = ("revision", "data")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    revision: int
    data: bytes
    def __init__(self, revision: _Optional[int] = ..., data: _Optional[bytes] = ...) -> None: ...

class ImportVariablesRequest(_message.Message):
    __slots__ = ("request_id", "session_id", "data", "format", "merge_strategy", "dry_run", "source")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    FORMAT_FIELD_NUMBER: _ClassVar[int]
    MERGE_STRATEGY_FIELD_NUMBER: _ClassVar[int]
    DRY_RUN_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    session_id: str
    data: bytes
    format: str
    merge_strategy: str
    dry_run: bool
    source: str
    def __init__(self, request_id: _Optional[str] = ..., session_id: _Optional[str] = ..., data: _Optional[bytes] = ..., format: _Optional[str] = ..., merge_strategy: _Optional[str] = ..., dry_run: bool = ..., source: _Optional[str] = ...) -> None: ...

class ImportVariablesResponse(_message.Message):
    __slots__ = ("revision", "imported", "skipped", "errors", "details")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    IMPORTED_FIELD_NUMBER: _ClassVar[int]
    SKIPPED_FIELD_NUMBER: _ClassVar[int]
    ERRORS_FIELD_NUMBER: _ClassVar[int]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    revision: int
    imported: int
    skipped: int
    errors: int
    details: _containers.RepeatedCompositeFieldContainer[ImportDetail]
    def __init__(self, revision: _Optional[int] = ..., imported: _Optional[int] = ..., skipped: _Optional[int] = ..., errors: _Optional[int] = ..., details: _Optional[_Iterable[_Union[ImportDetail, _Mapping]]] = ...) -> None: ...

class ImportDetail(_message.Message):
    __slots__ = ("name", "action", "code", "message", "path")
    NAME_FIELD_NUMBER: _ClassVar[int]
    ACTION_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    PATH_FIELD_NUMBER: _ClassVar[int]
    name: str
    action: str
    code: str
    message: str
    path: str
    def __init__(self, name: _Optional[str] = ..., action: _Optional[str] = ..., code: _Optional[str] = ..., message: _Optional[str] = ..., path: _Optional[str] = ...) -> None: ...

class GetVariableStatsRequest(_message.Message):
    __slots__ = ("session_id", "variable")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    VARIABLE_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    variable: str
    def __init__(self, session_id: _Optional[str] = ..., variable: _Optional[str] = ...) -> None: ...

class GetVariableStatsResponse(_message.Message):
    __slots__ = ("revision", "read_count", "write_count", "avg_read_latency_ms", "avg_write_latency_ms", "total_optimization_time_s")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    READ_COUNT_FIELD_NUMBER: _ClassVar[int]
    WRITE_COUNT_FIELD_NUMBER: _ClassVar[int]
    AVG_READ_LATENCY_MS_FIELD_NUMBER: _ClassVar[int]
    AVG_WRITE_LATENCY_MS_FIELD_NUMBER: _ClassVar[int]
    TOTAL_OPTIMIZATION_TIME_S_FIELD_NUMBER: _ClassVar[int]
    revision: int
    read_count: int
    write_count: int
    avg_read_latency_ms: float
    avg_write_latency_ms: float
    total_optimization_time_s: float
    def __init__(self, revision: _Optional[int] = ..., read_count: _Optional[int] = ..., write_count: _Optional[int] = ..., avg_read_latency_ms: _Optional[float] = ..., avg_write_latency_ms: _Optional[float] = ..., total_optimization_time_s: _Optional[float] = ...) -> None: ...

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
    __slots__ = ("session_id", "variables", "pattern", "include_initial", "after", "coalesce", "include_settings", "pieces")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    VARIABLES_FIELD_NUMBER: _ClassVar[int]
    PATTERN_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_INITIAL_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    COALESCE_FIELD_NUMBER: _ClassVar[int]
    INCLUDE_SETTINGS_FIELD_NUMBER: _ClassVar[int]
    PIECES_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    variables: _containers.RepeatedScalarFieldContainer[str]
    pattern: str
    include_initial: bool
    after: Position
    coalesce: bool
    include_settings: bool
    pieces: bool
    def __init__(self, session_id: _Optional[str] = ..., variables: _Optional[_Iterable[str]] = ..., pattern: _Optional[str] = ..., include_initial: bool = ..., after: _Optional[_Union[Position, _Mapping]] = ..., coalesce: bool = ..., include_settings: bool = ..., pieces: bool = ...) -> None: ...

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
    __slots__ = ("position", "updates", "piece", "last_piece")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    UPDATES_FIELD_NUMBER: _ClassVar[int]
    PIECE_FIELD_NUMBER: _ClassVar[int]
    LAST_PIECE_FIELD_NUMBER: _ClassVar[int]
    position: Position
    updates: _containers.RepeatedCompositeFieldContainer[VariableUpdate]
    piece: bytes
    last_piece: bool
    def __init__(self, position: _Optional[_Union[Position, _Mapping]] = ..., updates: _Optional[_Iterable[_Union[VariableUpdate, _Mapping]]] = ..., piece: _Optional[bytes] = ..., last_piece: bool = ...) -> None: ...
