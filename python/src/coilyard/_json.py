"""JSON text with exact integers and finite numbers, for lists and maps."""

from __future__ import annotations

import json
import math
from typing import Any, NoReturn

from coilyard._arrays import as_scalar
from coilyard._errors import ValidationFailed

#: Deeper nesting is refused: parsers on the other side recurse too.
MAX_DEPTH = 200

_PLAIN = (str, bool, type(None))


def dump_json(value: object) -> str:
    """The JSON text of a list, tuple or dict.

    Keys become strings; numpy scalars become numbers.

    Raises:
        ValidationFailed: Something in it has no JSON form: NaN, a set, an object, a cycle, two keys that become one.
    """
    try:
        return json.dumps(_plain(value, MAX_DEPTH), ensure_ascii=False, separators=(",", ":"))
    except ValidationFailed:
        raise
    except ValueError as error:  # an integer of too many digits
        raise ValidationFailed(str(error)) from error


def load_json(text: str) -> Any:
    """Parses what `dump_json` or the gateway wrote.

    Raises:
        ValidationFailed: The text is not JSON.
    """
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ValidationFailed(f"not JSON: {error}") from error


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _plain(value: object, depth: int) -> object:
    if type(value) in _PLAIN or type(value) is int:
        return value
    if depth == 0:
        raise ValidationFailed(f"a value nested deeper than {MAX_DEPTH} levels, or one that contains itself")
    if isinstance(value, dict):
        return _plain_dict(value, depth)
    if isinstance(value, (list, tuple)):
        return [_plain(item, depth - 1) for item in value]
    value = as_scalar(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise ValidationFailed(f"{value} inside a list or map has no JSON form")
        return float(value)
    if isinstance(value, bool):
        return bool(value)
    if isinstance(value, int):
        return int(value)
    if isinstance(value, str):
        return str.__str__(value)
    raise ValidationFailed(f"a {type(value).__name__} inside a list or map has no JSON form")


def _plain_dict(value: dict[Any, Any], depth: int) -> dict[str, object]:
    result: dict[str, object] = {}
    for key, item in value.items():
        if not isinstance(key, (str, int, float)):
            raise ValidationFailed(f"a {type(key).__name__} cannot be the key of a map")
        text = key if isinstance(key, str) else json.dumps(key)
        if text in result:
            raise ValidationFailed(f"two keys of a map become the same text {text!r}")
        result[text] = _plain(item, depth - 1)
    return result
