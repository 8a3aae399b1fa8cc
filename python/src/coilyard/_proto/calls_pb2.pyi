from . import errors_pb2 as _errors_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CarryRequest(_message.Message):
    __slots__ = ("frames",)
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    frames: _containers.RepeatedCompositeFieldContainer[CallerFrame]
    def __init__(self, frames: _Optional[_Iterable[_Union[CallerFrame, _Mapping]]] = ...) -> None: ...

class CarryResponse(_message.Message):
    __slots__ = ("frames",)
    FRAMES_FIELD_NUMBER: _ClassVar[int]
    frames: _containers.RepeatedCompositeFieldContainer[CalleeFrame]
    def __init__(self, frames: _Optional[_Iterable[_Union[CalleeFrame, _Mapping]]] = ...) -> None: ...

class CallerFrame(_message.Message):
    __slots__ = ("request", "cancel", "piece")
    REQUEST_FIELD_NUMBER: _ClassVar[int]
    CANCEL_FIELD_NUMBER: _ClassVar[int]
    PIECE_FIELD_NUMBER: _ClassVar[int]
    request: CallRequest
    cancel: CallCancel
    piece: CallPiece
    def __init__(self, request: _Optional[_Union[CallRequest, _Mapping]] = ..., cancel: _Optional[_Union[CallCancel, _Mapping]] = ..., piece: _Optional[_Union[CallPiece, _Mapping]] = ...) -> None: ...

class CalleeFrame(_message.Message):
    __slots__ = ("reply", "piece")
    REPLY_FIELD_NUMBER: _ClassVar[int]
    PIECE_FIELD_NUMBER: _ClassVar[int]
    reply: CallReply
    piece: CallPiece
    def __init__(self, reply: _Optional[_Union[CallReply, _Mapping]] = ..., piece: _Optional[_Union[CallPiece, _Mapping]] = ...) -> None: ...

class CallRequest(_message.Message):
    __slots__ = ("call_id", "method", "message", "timeout_ms", "calling_session")
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    METHOD_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    CALLING_SESSION_FIELD_NUMBER: _ClassVar[int]
    call_id: int
    method: str
    message: bytes
    timeout_ms: int
    calling_session: str
    def __init__(self, call_id: _Optional[int] = ..., method: _Optional[str] = ..., message: _Optional[bytes] = ..., timeout_ms: _Optional[int] = ..., calling_session: _Optional[str] = ...) -> None: ...

class CallReply(_message.Message):
    __slots__ = ("call_id", "message", "error")
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    call_id: int
    message: bytes
    error: _errors_pb2.ErrorDetail
    def __init__(self, call_id: _Optional[int] = ..., message: _Optional[bytes] = ..., error: _Optional[_Union[_errors_pb2.ErrorDetail, _Mapping]] = ...) -> None: ...

class CallCancel(_message.Message):
    __slots__ = ("call_id",)
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    call_id: int
    def __init__(self, call_id: _Optional[int] = ...) -> None: ...

class CallPiece(_message.Message):
    __slots__ = ("call_id", "data", "last")
    CALL_ID_FIELD_NUMBER: _ClassVar[int]
    DATA_FIELD_NUMBER: _ClassVar[int]
    LAST_FIELD_NUMBER: _ClassVar[int]
    call_id: int
    data: bytes
    last: bool
    def __init__(self, call_id: _Optional[int] = ..., data: _Optional[bytes] = ..., last: bool = ...) -> None: ...
