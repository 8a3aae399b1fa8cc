"""The arguments of a call, checked against the parameters of the function and fitted to its annotations."""

from __future__ import annotations

import dataclasses
import enum
from collections.abc import Mapping
from typing import Any

from coilyard._errors import InvalidArgument
from coilyard._signatures import Parameters


def fit_arguments(what: str, parameters: Parameters, given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments to call a function with.

    A whole number becomes a float where a float is expected; enums, dataclasses and pydantic models are made from their
    plain form. Nothing else is converted.

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
    # In some versions of Python `Any` is a class, against which nothing can be checked.
    if annotation is Any or not isinstance(annotation, type) or isinstance(value, annotation):
        return value
    try:
        if issubclass(annotation, enum.Enum):
            return annotation(value)
        if hasattr(annotation, "model_validate"):
            return annotation.model_validate(value)
        if dataclasses.is_dataclass(annotation) and isinstance(value, dict):
            return annotation(**value)
    except Exception as error:
        raise InvalidArgument(f"{what}: argument {name!r}: {error}", details={"field": name}) from error
    return value
