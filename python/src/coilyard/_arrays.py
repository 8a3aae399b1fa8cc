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
        found = tensor_data(value)
    except ValidationFailed as error:
        if not field:
            raise
        raise ValidationFailed(f"{field}: {error.message}") from error
    return None if found is None else value_pb2.Tensor(dtype=found.dtype, shape=found.shape, data=found.data)


def tensor_data(value: object) -> TensorData | None:
    """The elements of a numpy array, a torch tensor or a `TensorData`, as they are now; None for anything else.

    Raises:
        ValidationFailed: The elements are of a kind that does not travel.
    """
    if isinstance(value, TensorData):
        return _checked(value)
    torch = loaded("torch")
    if torch is not None and isinstance(value, torch.Tensor):
        return _from_torch(torch, value)
    numpy = loaded("numpy")
    if numpy is not None and isinstance(value, numpy.ndarray):
        return _from_numpy(numpy, value)
    return None


def tensor_bytes(value: object) -> int:
    """How many bytes the elements of an array or a tensor take; 0 for anything else."""
    if isinstance(value, TensorData):
        return len(value.data)
    numpy, torch = loaded("numpy"), loaded("torch")
    if numpy is not None and isinstance(value, numpy.ndarray):
        return int(value.nbytes)
    if torch is not None and isinstance(value, torch.Tensor):
        return int(value.nbytes)
    return 0


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
        framework: `torch` gives a torch tensor when torch is imported and has this dtype.

    Raises:
        ValidationFailed: The message contradicts itself.
    """
    # Its bytes are copied out of the message each time that they are asked for.
    return from_tensor_data(TensorData(tensor.dtype, tuple(tensor.shape), tensor.data), framework)


def from_tensor_data(tensor: TensorData, framework: str | None = None) -> Any:
    """What the user gets for the elements of a tensor; see `from_tensor`.

    Raises:
        ValidationFailed: They contradict what is said of them.
    """
    _checked(tensor)
    torch = loaded("torch") if framework == "torch" else None
    if torch is not None and hasattr(torch, tensor.dtype):  # an older one has no unsigned integers
        return _to_torch(torch, tensor)
    if tensor.dtype == "bfloat16":
        return tensor
    try:
        import numpy as np  # noqa: PLC0415 - an extra, and slow to import where no array ever comes
    except ImportError:
        return tensor
    return np.frombuffer(tensor.data, dtype=np.dtype(tensor.dtype).newbyteorder("<")).reshape(tensor.shape)


def _checked(tensor: TensorData) -> TensorData:
    size = ITEM_SIZES.get(tensor.dtype)
    if size is None:
        raise ValidationFailed(f"a tensor of {tensor.dtype} does not travel; known are {', '.join(ITEM_SIZES)}")
    if len(tensor.data) != size * math.prod(tensor.shape):
        raise ValidationFailed(f"a {tensor.dtype} tensor of shape {list(tensor.shape)} has {len(tensor.data)} bytes")
    return tensor


def _from_numpy(numpy: ModuleType, array: Any) -> TensorData:
    if isinstance(array, numpy.ma.MaskedArray) and numpy.ma.is_masked(array):
        raise ValidationFailed("a masked array would lose its mask: fill it first")
    little = array.dtype.newbyteorder("<")
    data = numpy.ascontiguousarray(array, dtype=little).tobytes()
    return _checked(TensorData(array.dtype.name, array.shape, data))


def _from_torch(torch: ModuleType, tensor: Any) -> TensorData:
    try:
        return _from_plain_torch(torch, tensor)
    except ValidationFailed:
        raise
    except Exception as error:  # sparse, quantized, without data: there are many, and each is refused in its own way
        raise ValidationFailed(
            f"a torch tensor that has no plain elements in memory ({type(error).__name__}: {error}): make it dense"
        ) from error


def _from_plain_torch(torch: ModuleType, tensor: Any) -> TensorData:
    host = tensor.detach().cpu().resolve_conj().resolve_neg().contiguous()
    dtype = str(host.dtype).removeprefix("torch.")
    raw = host.view(torch.int16) if dtype == "bfloat16" else host
    return _checked(TensorData(dtype, tuple(host.shape), raw.numpy().tobytes()))


def _to_torch(torch: ModuleType, tensor: TensorData) -> Any:
    dtype = getattr(torch, tensor.dtype)
    if not tensor.data:  # of which `frombuffer` makes nothing
        return torch.empty(tensor.shape, dtype=dtype)
    # `frombuffer` shares the memory it is given, and a tensor is writable: it gets its own.
    return torch.frombuffer(bytearray(tensor.data), dtype=dtype).reshape(tensor.shape)
