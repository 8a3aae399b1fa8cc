from . import value_pb2 as _value_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Execution(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    EXECUTION_UNSPECIFIED: _ClassVar[Execution]
    EXECUTION_NOT_STARTED: _ClassVar[Execution]
    EXECUTION_DONE: _ClassVar[Execution]
    EXECUTION_UNKNOWN: _ClassVar[Execution]
EXECUTION_UNSPECIFIED: Execution
EXECUTION_NOT_STARTED: Execution
EXECUTION_DONE: Execution
EXECUTION_UNKNOWN: Execution

class ErrorDetail(_message.Message):
    __slots__ = ("code", "message", "execution", "retryable", "retry_after_ms", "details")
    class DetailsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _value_pb2.Value
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_value_pb2.Value, _Mapping]] = ...) -> None: ...
    CODE_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    EXECUTION_FIELD_NUMBER: _ClassVar[int]
    RETRYABLE_FIELD_NUMBER: _ClassVar[int]
    RETRY_AFTER_MS_FIELD_NUMBER: _ClassVar[int]
    DETAILS_FIELD_NUMBER: _ClassVar[int]
    code: str
    message: str
    execution: Execution
    retryable: bool
    retry_after_ms: int
    details: _containers.MessageMap[str, _value_pb2.Value]
    def __init__(self, code: _Optional[str] = ..., message: _Optional[str] = ..., execution: _Optional[_Union[Execution, str]] = ..., retryable: bool = ..., retry_after_ms: _Optional[int] = ..., details: _Optional[_Mapping[str, _value_pb2.Value]] = ...) -> None: ...
