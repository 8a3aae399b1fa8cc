"""Arrays and tensors on the wire: dtype, shape and raw little-endian bytes in C order. Never imports numpy or torch."""

from __future__ import annotations

import math
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from coilyard._errors import ValidationFailed
from coilyard._proto import value_pb2

if TYPE_CHECKING:
    from types import ModuleType

#: Size in bytes of one element. What is not here (objects, dates, records) does not travel.
ITEM_SIZES = {
    "bool": 1, "int8": 1, "uint8": 1, "int16": 2, "uint16": 2, "float16": 2, "bfloat16": 2, "int32": 4, "uint32": 4,
    "float32": 4, "int64": 8, "uint64": 8, "float64": 8,
}  # fmt: skip


@dataclass(frozen=True)
class TensorData:
    """An array as it travelled, where no library is there to hold it.

    Attributes:
        dtype: Such as `float32`.
        shape: One length per axis.
        data: The elements, little-endian, in C order.
    """

    dtype: str
    shape: tuple[int, ...]
    data: bytes


def loaded(name: str) -> ModuleType | None:
    """The module if something imported it already: a value of its types cannot exist otherwise."""
    return sys.modules.get(name)


def as_tensor(value: object, field: str = "") -> value_pb2.Tensor | None:
    """The tensor of a numpy array, a torch tensor or a `TensorData`; None for anything else.

    Args:
        value: Any value.
        field: How its owner knows it, for refusals.

    Raises:
        ValidationFailed: The elements are of a kind that does not travel.
    """
    try:
        return _as_tensor(value)
    except ValidationFailed as error:
        if not field:
            raise
        raise ValidationFailed(f"{field}: {error.message}") from error


def _as_tensor(value: object) -> value_pb2.Tensor | None:
    if isinstance(value, TensorData):
        return _checked(value.dtype, value.shape, value.data)
    torch = loaded("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        return _from_torch(torch, value)
    numpy = loaded("numpy")
    if numpy is not None and isinstance(value, numpy.ndarray):
        return _from_numpy(numpy, value)
    return None


def as_scalar(value: object) -> object:
    """The Python number, bool or text of a numpy scalar; anything else as it is.

    An instant and a duration are no numbers, although numpy would give nanoseconds for them, and a number that no
    Python number holds stays what it is.
    """
    numpy = loaded("numpy")
    if numpy is None or not isinstance(value, numpy.generic) or isinstance(value, numpy.timedelta64):
        return value
    return value.item() if isinstance(value, (numpy.bool_, numpy.integer, numpy.floating, numpy.str_)) else value


def from_tensor(tensor: value_pb2.Tensor, framework: str | None = None) -> Any:
    """What the user gets for a tensor: a read-only numpy array, or `TensorData` where numpy is not installed.

    Args:
        tensor: The message; its size must fit its dtype and shape.
        framework: `torch` gives a torch tensor when torch is imported.

    Raises:
        ValidationFailed: The message contradicts itself.
    """
    shape = tuple(tensor.shape)
    _checked(tensor.dtype, shape, tensor.data)
    torch = loaded("torch") if framework == "torch" else None
    if torch is not None:
        return _to_torch(torch, tensor, shape)
    if tensor.dtype != "bfloat16":
        try:
            import numpy as np  # noqa: PLC0415 - an extra, and slow to import where no array ever comes
        except ImportError:
            return TensorData(tensor.dtype, shape, tensor.data)
        return np.frombuffer(tensor.data, dtype=np.dtype(tensor.dtype).newbyteorder("<")).reshape(shape)
    return TensorData(tensor.dtype, shape, tensor.data)


def _checked(dtype: str, shape: tuple[int, ...], data: bytes) -> value_pb2.Tensor:
    size = ITEM_SIZES.get(dtype)
    if size is None:
        raise ValidationFailed(f"a tensor of {dtype} does not travel; known are {', '.join(ITEM_SIZES)}")
    if len(data) != size * math.prod(shape):
        raise ValidationFailed(f"a {dtype} tensor of shape {list(shape)} has {len(data)} bytes")
    return value_pb2.Tensor(dtype=dtype, shape=shape, data=data)


def _from_numpy(numpy: ModuleType, array: Any) -> value_pb2.Tensor:
    if isinstance(array, numpy.ma.MaskedArray) and numpy.ma.is_masked(array):
        raise ValidationFailed("a masked array would lose its mask: fill it first")
    little = array.dtype.newbyteorder("<")
    return _checked(array.dtype.name, array.shape, numpy.ascontiguousarray(array, dtype=little).tobytes())


def _from_torch(torch: ModuleType, tensor: Any) -> value_pb2.Tensor:
    host = tensor.detach().cpu().contiguous()
    dtype = str(host.dtype).removeprefix("torch.")
    raw = host.view(torch.int16) if dtype == "bfloat16" else host
    return _checked(dtype, tuple(host.shape), raw.numpy().tobytes())


def _to_torch(torch: ModuleType, tensor: value_pb2.Tensor, shape: tuple[int, ...]) -> Any:
    # frombuffer shares the memory it is given, and a tensor is writable: it gets its own.
    return torch.frombuffer(bytearray(tensor.data), dtype=getattr(torch, tensor.dtype)).reshape(shape)
