"""JSON text with exact integers and finite numbers, for lists and maps."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

from coilyard._arguments import shown
from coilyard._arrays import as_scalar
from coilyard._errors import ValidationFailed

T = TypeVar("T")

#: Deeper nesting is refused: parsers on the other side recurse too.
MAX_DEPTH = 200

_PLAIN = (str, bool, type(None))
_EXPECTED = "None, a bool, a number, a text, a list, a tuple or a dict"


def dump_json(value: object, field: str = "") -> str:
    """The JSON text of a list, tuple or dict.

    Keys become strings; numpy scalars become numbers.

    Args:
        value: The list, tuple or dict.
        field: How its owner knows it, for refusals.

    Raises:
        ValidationFailed: Something in it has no JSON form: NaN, a set, an object, a cycle, two keys that become one.
    """
    try:
        return json.dumps(_plain(value, MAX_DEPTH), ensure_ascii=False, separators=(",", ":"))
    except _NoForm as error:
        place = field + "".join(reversed(error.path))
        raise ValidationFailed(f"{place:.200}: {error}" if place else str(error)) from error.__cause__
    except ValueError as error:  # an integer of too many digits
        raise ValidationFailed(f"{field}: {error}" if field else str(error)) from error


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


class _NoForm(Exception):
    """Something inside has no JSON form; on its way up it learns where that is."""

    def __init__(self, what: str) -> None:
        super().__init__(what)
        self.path: list[str] = []


def _plain(value: object, depth: int) -> object:
    if type(value) in _PLAIN or type(value) is int:
        return value
    if depth == 0:
        raise _NoForm(f"a value nested deeper than {MAX_DEPTH} levels, or one that contains itself")
    if isinstance(value, dict):
        return _plain_dict(value, depth)
    if isinstance(value, (list, tuple)):
        return _plain_list(value, depth)
    value = as_scalar(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            raise _NoForm(f"{value} inside a list or map has no JSON form")
        return float.__float__(value)
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return int.__int__(value)
    if isinstance(value, str):
        return str.__str__(value)
    raise _NoForm(
        f"a {type(value).__name__} inside a list or map has no JSON form: expected {_EXPECTED}, got {shown(value)}"
    )


def _plain_list(value: list[Any] | tuple[Any, ...], depth: int) -> list[object]:
    result: list[object] = []
    for item in _read(value, lambda: list(value)):
        try:
            result.append(_plain(item, depth - 1))
        except _NoForm as error:
            error.path.append(f"[{len(result)}]")
            raise
    return result


def _plain_dict(value: dict[Any, Any], depth: int) -> dict[str, object]:
    result: dict[str, object] = {}
    for key, item in _read(value, lambda: list(value.items())):
        text = _key_text(key)
        if text in result:
            raise _NoForm(f"two keys of a map become the same text {text!r:.80}")
        try:
            result[text] = _plain(item, depth - 1)
        except _NoForm as error:
            error.path.append(f"[{text!r:.40}]")
            raise
    return result


def _key_text(key: object) -> str:
    scalar = as_scalar(key)
    if isinstance(scalar, str):
        return str.__str__(scalar)
    if not isinstance(scalar, (int, float)):
        raise _NoForm(f"a {type(key).__name__} cannot be the key of a map")
    return _read(key, lambda: json.dumps(scalar))


def _read(value: object, read: Callable[[], T]) -> T:
    """What `read` returns; code of the value's own class may run in it."""
    try:
        return read()
    except (_NoForm, MemoryError):
        raise
    except Exception as error:
        raise _NoForm(f"a {type(value).__name__} that raises {type(error).__name__} when it is read") from error
