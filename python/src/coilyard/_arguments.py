"""What callers hand over, checked in one way: a refusal names the parameter, what was expected, and what came.

A wrong kind of argument is `ValidationFailed`, which is a TypeError and a ValueError; a right kind with a value that
cannot be is `InvalidArgument`, a ValueError. Reading an argument may run code of the caller's: what that raises is a
refusal as well.
"""

from __future__ import annotations

import inspect
import math
import reprlib
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

from coilyard._arrays import as_scalar
from coilyard._errors import CoilyardError, InvalidArgument, PayloadTooLarge, ValidationFailed

T = TypeVar("T")

#: Whole numbers of the wire.
UINT32_MAX, UINT64_MAX = 2**32 - 1, 2**64 - 1

_NAME = "the name or id of a variable"


def shown(value: object, limit: int = 80) -> str:
    """How a refusal shows a value: briefly, whatever it is."""
    if isinstance(value, (bytes, bytearray)):
        value = value[:limit]
    reader = reprlib.Repr()
    reader.maxstring = reader.maxother = reader.maxlong = limit
    try:
        text = reader.repr(value)
    except Exception:
        digits = f" of {int.bit_length(value)} bits" if isinstance(value, int) else ""
        text = f"<{type(value).__name__}{digits}>"
    return text if len(text) <= limit else f"{text[:limit]}…"


def wrong_kind(field: str, expected: str, value: object) -> ValidationFailed:
    """The refusal of an argument of the wrong kind."""
    return ValidationFailed(f"{field}: expected {expected}, got {shown(value)}", details=_details(field, expected))


def wrong_value(field: str, expected: str, value: object) -> InvalidArgument:
    """The refusal of an argument of the right kind that cannot be."""
    return InvalidArgument(f"{field}: expected {expected}, got {shown(value)}", details=_details(field, expected))


def _details(field: str, expected: str) -> dict[str, Any]:
    return {"field": field, "expected": expected}


def reading(field: str, expected: str, read: Callable[[], T]) -> T:
    """What `read` returns.

    Raises:
        ValidationFailed: Code of the argument's own class failed.
    """
    try:
        return read()
    except (CoilyardError, MemoryError):
        raise
    except Exception as error:
        what = f"one that raises {type(error).__name__} when it is read"
        raise ValidationFailed(
            f"{field}: expected {expected}, got {what}", details=_details(field, expected)
        ) from error


def text(value: object, field: str, expected: str = "a text", *, empty: bool = False) -> str:
    """The text itself, as a plain one.

    Args:
        value: What came.
        field: How the caller knows it.
        expected: What it is, for the refusal.
        empty: Whether it may say nothing.
    """
    if not isinstance(value, str):
        raise wrong_kind(field, expected, value)
    plain = str.__str__(value)
    if not plain.isascii():
        try:
            plain.encode()
        except UnicodeEncodeError as error:
            raise wrong_value(field, f"{expected} of valid Unicode", plain) from error
    if not plain and not empty:
        raise wrong_value(field, expected, plain)
    return plain


def optional_text(value: object, field: str, expected: str = "a text or None") -> str:
    """The text; the empty one for None, as on the wire."""
    return "" if value is None else text(value, field, expected, empty=True)


def name(value: object, field: str = "name") -> str:
    """The name or id of a variable."""
    return text(value, field, _NAME)


def names(values: object, field: str = "names") -> list[str]:
    """The names as a list."""
    return [name(value, f"{field}[{index}]") for index, value in enumerate(items(values, field, "a list of names"))]


def items(values: object, field: str, expected: str = "a list") -> list[Any]:
    """Its items; a text, bytes and a mapping are no list of anything."""
    if isinstance(values, (str, bytes, bytearray, memoryview, Mapping)) or not isinstance(values, Iterable):
        raise wrong_kind(field, expected, values)
    return reading(field, expected, lambda: list(values))


def mapping(
    value: object, field: str, expected: str = "a mapping with text keys", known: Collection[str] | None = None
) -> dict[str, Any]:
    """A copy of it, with plain texts as keys.

    Args:
        value: What came.
        field: How the caller knows it.
        expected: What it is, for the refusal.
        known: The keys that there can be; None: any.
    """
    if not isinstance(value, Mapping):
        raise wrong_kind(field, expected, value)
    pairs = reading(field, expected, lambda: list(dict(value).items()))
    copy: dict[str, Any] = {}
    for key, item in pairs:
        if not isinstance(key, str):
            raise wrong_kind(f"{field}, a key", f"{expected}", key)
        copy[text(key, f"{field}, a key", "a text of its own", empty=True)] = item
    unknown = () if known is None else sorted(copy.keys() - set(known))
    if known is not None and unknown:
        raise InvalidArgument(f"{field}: unknown key {unknown[0]!r:.80}; known are {', '.join(sorted(known))}")
    return copy


def flag(value: object, field: str) -> bool:
    """True or False; nothing else stands for them."""
    if value is True or value is False:
        return value
    scalar = as_scalar(value)
    if not isinstance(scalar, bool):
        raise wrong_kind(field, "True or False", value)
    return scalar


def whole(value: object, field: str, least: int = 0, most: int = UINT64_MAX) -> int:
    """A whole number between two others; a bool is none, and no float."""
    scalar = as_scalar(value)
    expected = f"a whole number of {least} or more"
    if isinstance(scalar, bool) or not isinstance(scalar, int):
        raise wrong_kind(field, expected, value)
    number = int.__int__(scalar)
    if number < least:
        raise wrong_value(field, expected, number)
    if number > most:
        raise wrong_value(field, f"a whole number of at most {most}", number)
    return number


def optional_whole(value: object, field: str, least: int = 0, most: int = UINT64_MAX) -> int | None:
    """The same, or None."""
    return None if value is None else whole(value, field, least, most)


def amount(value: object, field: str, unit: str, *, zero: bool = True, infinite: bool = False) -> float:
    """A number of some unit, not negative.

    Args:
        value: What came.
        field: How the caller knows it.
        unit: Such as `seconds`.
        zero: Whether it may be 0.
        infinite: Whether it may be infinite.
    """
    expected = f"{unit} of 0 or more" if zero else f"{unit}, more than 0"
    scalar = as_scalar(value)
    if isinstance(scalar, bool) or not isinstance(scalar, (int, float)):
        raise wrong_kind(field, expected, value)
    try:
        number = float.__float__(scalar) if isinstance(scalar, float) else int.__float__(scalar)
    except OverflowError:
        number = math.inf
    if not (number > 0 or (zero and number == 0)):
        raise wrong_value(field, expected, value)
    if math.isinf(number) and not infinite:
        raise wrong_value(field, f"a finite number of {unit}", value)
    return number


@contextmanager
def called(**names: str) -> Iterator[None]:
    """Has the gateway's refusals in this block call a field as the caller does: its name there is the keyword.

    Raises:
        CoilyardError: The gateway's, with the other name.
    """
    try:
        yield
    except (InvalidArgument, PayloadTooLarge) as error:
        for theirs, ours in names.items():
            if error.message.startswith((f"{theirs}:", f"{theirs}.", f"{theirs}[")):
                error.message = ours + error.message.removeprefix(theirs)
                error.args = (error.message,)
                error.details["field"] = ours + str(error.details.get("field", theirs)).removeprefix(theirs)
                break
        raise


def one_of(value: object, field: str, known: Collection[str]) -> str:
    """One of a few texts."""
    expected = f"one of {', '.join(known)}"
    given = text(value, field, expected)
    if given not in known:
        raise wrong_value(field, expected, given)
    return given


def function(value: Any, field: str) -> Any:
    """Something that can be called, or None."""
    if value is not None and not callable(value):
        raise wrong_kind(field, "a function or None", value)
    return value


def predicate(value: Any, field: str) -> Any:
    """A function whose answer is used at once, or None. A coroutine would be true, whatever it comes to."""
    if inspect.iscoroutinefunction(value):
        raise wrong_kind(field, "a function that answers without being awaited", value)
    return function(value, field)
