"""The arguments of a call, checked against the parameters of the function and fitted to its annotations."""

from __future__ import annotations

import dataclasses
import enum
import typing
from collections.abc import Mapping
from typing import Any

from coilyard._arrays import tensor_data
from coilyard._errors import InvalidArgument
from coilyard._signatures import Parameters
from coilyard._worker.failures import text_of


def fit_arguments(what: str, parameters: Parameters, given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments to call a function with.

    A whole number becomes a float where a float is expected, an array of `uint8` becomes `bytes` where those are;
    enums, dataclasses and pydantic models are made from their plain form. Nothing else is converted.

    Args:
        what: The function, for messages.
        parameters: What it takes.
        given: What the caller gave.

    Raises:
        InvalidArgument: Something is missing, too much, or does not fit; nothing was executed.
    """
    missing = [name for name in parameters.required() if name not in given]
    extra = [name for name in given if not parameters.accepts(name)]
    if missing or extra:
        complaints = [f"missing argument {name!r}" for name in missing]
        complaints += [f"unexpected argument {name!r}" for name in extra]
        takes = ", ".join(parameters.named) or "no arguments"
        raise InvalidArgument(
            f"{what}: {', '.join(complaints)}; it takes {takes}", details={"missing": missing, "unexpected": extra}
        )
    return {name: _fit(what, name, value, parameters) for name, value in given.items()}


def _fit(what: str, name: str, value: Any, parameters: Parameters) -> Any:
    annotation = parameters.named.get(name, (None, None))[0]
    if annotation is float and type(value) is int:
        return float(value)
    try:
        return _made(annotation, value)
    except BaseException as error:  # code of the annotation's own class
        raise InvalidArgument(f"{what}: argument {name!r}: {text_of(error)}", details={"field": name}) from error


def _made(annotation: Any, value: Any) -> Any:
    """The value as an instance of its annotation, where the annotation is of a kind that is made from plain data.

    Any other annotation is not even compared with the value: typed dicts and protocols refuse to be.
    """
    if annotation is Any or annotation is type(value):
        return value
    # Until Python 3.11, `list[str]` counts as a class.
    if not isinstance(annotation, type) or typing.get_origin(annotation) is not None:
        return value
    if annotation is bytes:
        array = tensor_data(value)
        return array.data if array is not None and array.dtype == "uint8" else value
    if issubclass(annotation, enum.Enum):
        return annotation(value)
    if hasattr(annotation, "model_validate"):
        return value if isinstance(value, annotation) else annotation.model_validate(value)
    if dataclasses.is_dataclass(annotation) and isinstance(value, dict):
        return annotation(**value)
    return value
