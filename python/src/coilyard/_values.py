"""Python values to `Value` messages and back. The kind on the wire says exactly what the value was."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime, timezone
from typing import Any

from coilyard._arguments import mapping, reading, shown
from coilyard._arrays import TensorData, as_scalar, as_tensor, from_tensor, loaded
from coilyard._errors import CoilyardError, ValidationFailed
from coilyard._json import MAX_DEPTH, dump_json, load_json
from coilyard._proto import value_pb2

INT64_MIN, INT64_MAX = -(2**63), 2**63 - 1

#: Names that Python users write for the types of the specification.
TYPE_ALIASES = {"dict": "map"}


#: What can be a value.
FORMS = "None, a bool, an int, a float, a text, a list, a dict, an array of numpy or a tensor of torch"


def encode_value(value: object, variable_type: str | None = None, field: str = "") -> value_pb2.Value:
    """The message for a Python value.

    `bool` is never a number, an `int` stays an integer of any size, a `float` stays a float (NaN too: whether it is
    welcome is for the server to say).

    Args:
        value: None, a bool, int, float, str, list, tuple, dict, numpy or torch value, or `TensorData`.
        variable_type: The type of the variable it is for, where it is known: a `module` is a text of its own kind, an
            `embedding` a tensor of its own kind.
        field: How its owner knows it, for refusals.

    Raises:
        ValidationFailed: The value has no form on the wire.
    """
    encoder = _ENCODERS.get(type(value), _encode_other)
    try:
        message = encoder(value, field)
    except (CoilyardError, MemoryError):
        raise
    except Exception as error:  # code of the value's own class
        raise ValidationFailed(_at(field, f"a {type(value).__name__} that raises {type(error).__name__}")) from error
    if variable_type == "module" and message.WhichOneof("kind") == "text":
        return value_pb2.Value(module=message.text)
    if variable_type == "embedding" and message.WhichOneof("kind") == "tensor":
        return value_pb2.Value(embedding=message.tensor)
    return message


def decode_value(message: value_pb2.Value, framework: str | None = None) -> Any:
    """The Python value of a message.

    Args:
        message: Any `Value`.
        framework: `torch` asks for torch tensors; see `from_tensor`.

    Raises:
        ValidationFailed: The message has no kind, or one that contradicts itself.
    """
    kind = message.WhichOneof("kind")
    if kind in {"embedding", "tensor"}:
        return from_tensor(getattr(message, kind), framework)
    if kind == "json":
        return load_json(message.json)
    if kind == "null":
        return None
    if kind == "big_integer":
        return _parse_integer(message.big_integer)
    if kind is None:
        raise ValidationFailed("a value without a kind")
    return getattr(message, kind)


def copier_of(message: value_pb2.Value, framework: str | None = None) -> Callable[[], Any] | None:
    """How to make a fresh copy for each reader, or None when the decoded value can be shared.

    Args:
        message: Any `Value`.
        framework: As of `decode_value`; a torch tensor can be written to, a numpy array of ours cannot.
    """
    kind = message.WhichOneof("kind")
    if kind == "json":
        text = message.json
        return lambda: load_json(text)
    if framework == "torch" and kind in {"embedding", "tensor"}:
        return lambda: decode_value(message, framework)
    return None


def encode_metadata(metadata: Mapping[str, Any] | None, field: str = "metadata") -> dict[str, value_pb2.Value]:
    """The wire form of metadata or constraints; instants become ISO 8601 text, at any depth.

    Raises:
        ValidationFailed: It is not a mapping with text keys, or something in it has no JSON form.
    """
    if metadata is None:
        return {}
    entries = reading(field, "a mapping with text keys", lambda: _instants_as_text(mapping(metadata, field)))
    return {key: encode_value(value, field=f"{field}[{key!r:.40}]") for key, value in entries.items()}


def decode_metadata(metadata: Mapping[str, value_pb2.Value]) -> dict[str, Any]:
    """The Python form of metadata or constraints, in order of keys: on the wire they have none."""
    return {key: decode_value(metadata[key]) for key in sorted(metadata)}


def framework_of(value: object) -> str | None:
    """The library whose tensor this is, if it is one that readers may want back."""
    torch = loaded("torch")
    return "torch" if torch is not None and isinstance(value, torch.Tensor) else None


def infer_type(value: object, field: str = "") -> str:
    """The variable type that fits a value.

    Args:
        value: Any value.
        field: How its owner knows it, for refusals.

    Raises:
        ValidationFailed: None fits; say the type then.
    """
    scalar = as_scalar(value)
    for kind, name in _INFERRED:
        if isinstance(scalar, kind):
            return name
    if as_tensor(value, field) is not None:
        return "tensor"
    what = f"no variable type can be inferred from a {type(value).__name__}: give the type"
    raise ValidationFailed(_at(field, f"{what}; got {shown(value)}"))


def to_datetime(milliseconds: int) -> datetime:
    """The aware UTC instant of a wire timestamp."""
    return datetime.fromtimestamp(milliseconds / 1000, tz=timezone.utc)


def _at(field: str, what: str) -> str:
    return f"{field}: {what}" if field else what


def _instants_as_text(value: Any, depth: int = MAX_DEPTH) -> Any:
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if depth > 0 and isinstance(value, dict):
        return {key: _instants_as_text(item, depth - 1) for key, item in value.items()}
    if depth > 0 and isinstance(value, (list, tuple)):
        return [_instants_as_text(item, depth - 1) for item in value]
    return value


def _parse_integer(text: str) -> int:
    try:
        return int(text)
    except ValueError as error:
        raise ValidationFailed(f"not a decimal integer: {text[:40]!r}") from error


def _encode_int(value: int, field: str) -> value_pb2.Value:
    if INT64_MIN <= value <= INT64_MAX:
        return value_pb2.Value(integer=value)
    try:
        return value_pb2.Value(big_integer=str(value))
    except ValueError as error:  # Python's own limit of digits
        raise ValidationFailed(_at(field, str(error))) from error


def _encode_text(value: str, field: str) -> value_pb2.Value:
    try:
        return value_pb2.Value(text=value)
    except (UnicodeEncodeError, ValueError) as error:
        raise ValidationFailed(_at(field, f"a text that is not valid Unicode: {value!r:.80}")) from error


def _encode_json(value: object, field: str) -> value_pb2.Value:
    try:
        return value_pb2.Value(json=dump_json(value, field))
    except UnicodeEncodeError as error:
        raise ValidationFailed(_at(field, "a list or map with text that is not valid Unicode")) from error


_ENCODERS: dict[type, Callable[[Any, str], value_pb2.Value]] = {
    bool: lambda value, _: value_pb2.Value(boolean=value),
    int: _encode_int,
    float: lambda value, _: value_pb2.Value(float=value),
    str: _encode_text,
    type(None): lambda *_: value_pb2.Value(null=value_pb2.Null()),
    dict: _encode_json,
    list: _encode_json,
    tuple: _encode_json,
}

#: How a value of a subclass becomes one of the class itself.
_BASES: dict[type, Callable[[Any], object]] = {
    int: int.__int__,
    float: float.__float__,
    str: str.__str__,
}

_INFERRED: tuple[tuple[type | tuple[type, ...], str], ...] = (
    (bool, "boolean"),
    (int, "integer"),
    (float, "float"),
    (str, "string"),
    ((list, tuple), "list"),
    (dict, "map"),
)


def _encode_other(value: object, field: str) -> value_pb2.Value:
    tensor = as_tensor(value, field)
    if tensor is not None:
        return value_pb2.Value(tensor=tensor)
    scalar = as_scalar(value)
    if type(scalar) in _ENCODERS:
        return _ENCODERS[type(scalar)](scalar, field)
    if isinstance(scalar, (dict, list, tuple)):  # named tuples, ordered maps
        return _encode_json(scalar, field)
    for kind, plain in _BASES.items():  # enums of text
        if isinstance(scalar, kind):
            return _ENCODERS[kind](plain(scalar), field)
    what = f"a {type(value).__name__} has no form on the wire: expected {FORMS}"
    raise ValidationFailed(_at(field, f"{what}, got {shown(value)}"))


__all__ = (
    "TYPE_ALIASES", "TensorData", "copier_of", "decode_metadata", "decode_value", "encode_metadata", "encode_value",
    "framework_of", "infer_type", "to_datetime",
)  # fmt: skip
