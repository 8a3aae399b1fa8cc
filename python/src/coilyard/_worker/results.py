"""What user code returned or yielded, as a value that can travel and as the frame that carries it."""

from __future__ import annotations

import dataclasses
import enum
from collections import deque
from collections.abc import ItemsView, KeysView, Mapping, ValuesView
from datetime import date, datetime, time
from decimal import Decimal
from pathlib import PurePath
from typing import Any
from uuid import UUID

from coilyard._arrays import TensorData, as_scalar, tensor_bytes, tensor_data
from coilyard._errors import CoilyardError, ValidationFailed
from coilyard._proto import value_pb2, workers_pb2
from coilyard._values import encode_value
from coilyard._worker.failures import text_of
from coilyard._worker.ropes import Rope, field

_MAX_DEPTH = 100

#: What is written as a list, in its own order.
_LISTS = (list, tuple, deque, range, KeysView, ValuesView, ItemsView)

#: Arrays of so many bytes are not copied into messages.
_LARGE_BYTES = 256 * 1024


def chunk_frame(call_id: int, value: object) -> workers_pb2.WorkerFrame | Rope:
    """The frame of a chunk.

    Raises:
        ValidationFailed: The value has no form on the wire.
    """
    value = bytes_as_array(value)
    if tensor_bytes(value) >= _LARGE_BYTES:
        return _rope(workers_pb2.WorkerFrame.CHUNK_FIELD_NUMBER, call_id, value)
    return workers_pb2.WorkerFrame(chunk=workers_pb2.Chunk(call_id=call_id, value=encode_result(value)))


def result_frame(call_id: int, value: object) -> workers_pb2.WorkerFrame | Rope:
    """The frame of a result; raises as `chunk_frame`."""
    value = bytes_as_array(value)
    if tensor_bytes(value) >= _LARGE_BYTES:
        return _rope(workers_pb2.WorkerFrame.RESULT_FIELD_NUMBER, call_id, value)
    return workers_pb2.WorkerFrame(result=workers_pb2.Result(call_id=call_id, value=encode_result(value)))


def frame_size(frame: workers_pb2.WorkerFrame | Rope) -> int:
    """How many bytes it takes, encoded."""
    return frame.size() if isinstance(frame, Rope) else frame.ByteSize()


def _rope(kind: int, call_id: int, value: object) -> Rope:
    tensor = tensor_data(value)
    if tensor is None:
        raise ValidationFailed(f"a {type(value).__name__} has no form on the wire")
    shape = value_pb2.Tensor(dtype=tensor.dtype, shape=tensor.shape).SerializeToString()
    data = field(value_pb2.Tensor.DATA_FIELD_NUMBER, [tensor.data])
    content = field(value_pb2.Value.TENSOR_FIELD_NUMBER, [shape, *data])
    # A chunk and a result have the same fields.
    head = workers_pb2.Result(call_id=call_id).SerializeToString()
    return Rope(call_id, field(kind, [head, *field(workers_pb2.Result.VALUE_FIELD_NUMBER, content)]))


def encode_result(value: object) -> value_pb2.Value:
    """The message for a result.

    Models, dataclasses, enums, sets, instants, decimals, ids and paths become plain data first.

    Raises:
        ValidationFailed: It has no form on the wire.
    """
    try:
        try:
            return encode_value(value)
        except ValidationFailed:
            plain = _plain(value, _MAX_DEPTH)
        return encode_value(plain)
    except (CoilyardError, MemoryError):
        raise
    except BaseException as error:  # code of the value's own class
        raise ValidationFailed(
            f"a {type(value).__name__} that raises {type(error).__name__}: {text_of(error)}"
        ) from error


def bytes_as_array(value: object) -> object:
    """Bytes as the array of `uint8` as which they travel; anything else as it is."""
    if not isinstance(value, (bytes, bytearray, memoryview)):
        return value
    data = bytes(value)
    return TensorData("uint8", (len(data),), data)


def _plain(value: Any, depth: int) -> Any:
    if depth == 0:
        raise ValidationFailed(f"a result nested deeper than {_MAX_DEPTH} levels, or one that contains itself")
    if isinstance(value, type):
        return value
    if hasattr(value, "model_dump"):  # pydantic
        return value.model_dump(mode="json")
    if dataclasses.is_dataclass(value):
        return {item.name: _plain(getattr(value, item.name), depth - 1) for item in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return _plain(value.value, depth - 1)
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, (PurePath, UUID, Decimal)):
        return str(value)
    if isinstance(value, Mapping):
        return {_key(key): _plain(item, depth - 1) for key, item in value.items()}
    if isinstance(value, _LISTS):
        return [_plain(item, depth - 1) for item in value]
    if isinstance(value, (set, frozenset)):
        return [_plain(item, depth - 1) for item in sorted(value, key=repr)]
    if hasattr(value, "tolist"):  # an array inside a container, or an instant of numpy
        plain = value.tolist()
        # Of numbers it is plain already, and they may be many.
        return _plain(plain, depth - 1) if getattr(getattr(value, "dtype", None), "kind", "f") in "MmOV" else plain
    return value


def _key(key: Any) -> Any:
    plain = as_scalar(key.value if isinstance(key, enum.Enum) else key)
    return _plain(plain, 1) if isinstance(plain, (datetime, date, UUID, PurePath)) else plain
