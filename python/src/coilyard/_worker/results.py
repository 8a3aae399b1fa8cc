"""What user code returned, as a value that can travel."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import PurePath
from typing import Any

from coilyard._errors import ValidationFailed
from coilyard._proto import value_pb2
from coilyard._values import encode_value

_MAX_DEPTH = 100


def encode_result(value: object) -> value_pb2.Value:
    """The message for a result. Models, dataclasses, enums, sets, instants and paths become plain data first.

    Raises:
        ValidationFailed: It has no form on the wire.
    """
    try:
        return encode_value(value)
    except ValidationFailed:
        plain = _plain(value, _MAX_DEPTH)
    return encode_value(plain)


def _plain(value: Any, depth: int) -> Any:
    if depth == 0:
        raise ValidationFailed(f"a result nested deeper than {_MAX_DEPTH} levels, or one that contains itself")
    if hasattr(value, "model_dump"):  # pydantic
        return value.model_dump(mode="json")
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {item.name: _plain(getattr(value, item.name), depth - 1) for item in dataclasses.fields(value)}
    if isinstance(value, enum.Enum):
        return _plain(value.value, depth - 1)
    if isinstance(value, (datetime, date)):
        return value.isoformat()
    if isinstance(value, PurePath):
        return str(value)
    if isinstance(value, Mapping):
        return {_key(key): _plain(item, depth - 1) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item, depth - 1) for item in value]
    if isinstance(value, (set, frozenset)):
        return [_plain(item, depth - 1) for item in sorted(value, key=repr)]
    if hasattr(value, "tolist"):  # an array inside a container
        return value.tolist()
    return value


def _key(key: Any) -> Any:
    return key.value if isinstance(key, enum.Enum) else key
