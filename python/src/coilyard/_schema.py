"""JSON Schema from annotations, without a dependency. Pydantic models describe themselves."""

from __future__ import annotations

import dataclasses
import enum
import inspect
import json
import types
import typing
from collections.abc import Callable
from datetime import date, datetime
from typing import Any

from typing_extensions import NotRequired, Required, is_typeddict

from coilyard._signatures import Parameters, describe_parameters

_SCALARS: dict[Any, dict[str, Any]] = {
    str: {"type": "string"},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    type(None): {"type": "null"},
    None: {"type": "null"},
    datetime: {"type": "string", "format": "date-time"},
    date: {"type": "string", "format": "date"},
    list: {"type": "array"},
    tuple: {"type": "array"},
    dict: {"type": "object"},
}


def function_schema(function: Callable[..., Any], parameters: Parameters) -> dict[str, Any]:
    """The schema of what callers give to a function."""
    texts = describe_parameters(function)
    properties = {}
    for name, (annotation, default) in parameters.named.items():
        schema = annotation_schema(annotation)
        if name in texts:
            schema = {**schema, "description": texts[name]}
        if default is not inspect.Parameter.empty and _is_json(default):
            schema = {**schema, "default": default}
        properties[name] = schema
    result = {"type": "object", "properties": properties, "additionalProperties": parameters.open_ended}
    required = parameters.required()
    return {**result, "required": required} if required else result


def annotation_schema(annotation: Any) -> dict[str, Any]:
    """The schema of one annotation; `{}`, which allows anything, for what has no JSON form of its own."""
    if annotation in (Any, inspect.Parameter.empty) or isinstance(annotation, (str, typing.TypeVar)):
        return {}
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        texts = [extra for extra in arguments[1:] if isinstance(extra, str)]
        schema = annotation_schema(arguments[0])
        return {**schema, "description": texts[0]} if texts else schema
    if origin in (Required, NotRequired):
        return annotation_schema(arguments[0])
    if origin is typing.Literal:
        return {"enum": list(arguments)}
    if origin in (typing.Union, types.UnionType):
        return {"anyOf": [annotation_schema(option) for option in arguments]}
    if origin is not None:
        return _container_schema(origin, arguments)
    return _class_schema(annotation)


def _container_schema(origin: Any, arguments: tuple[Any, ...]) -> dict[str, Any]:
    if not isinstance(origin, type):
        return {}
    if issubclass(origin, tuple) and arguments and arguments[-1] is not Ellipsis:
        items = [annotation_schema(item) for item in arguments]
        return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}
    if issubclass(origin, typing.Mapping):
        return {"type": "object", "additionalProperties": annotation_schema(arguments[1])}
    if issubclass(origin, typing.Iterable):
        return {"type": "array", "items": annotation_schema(arguments[0])}
    return {}


def _class_schema(annotation: Any) -> dict[str, Any]:
    try:
        scalar = _SCALARS.get(annotation)
    except TypeError:  # not hashable: not a class either
        return {}
    if scalar is not None:
        return dict(scalar)
    if not isinstance(annotation, type):
        return {}
    if hasattr(annotation, "model_json_schema"):
        return dict(annotation.model_json_schema())
    if issubclass(annotation, enum.Enum):
        return {"enum": [member.value for member in annotation]}
    if dataclasses.is_dataclass(annotation):
        hints = typing.get_type_hints(annotation, include_extras=True)
        fields = dataclasses.fields(annotation)
        required = [item.name for item in fields if _has_no_default(item)]
        return _object_schema({item.name: hints[item.name] for item in fields}, required)
    if is_typeddict(annotation):
        hints = typing.get_type_hints(annotation, include_extras=True)
        # Where annotations are texts the class itself takes every key for required: the hints know better.
        keys = getattr(annotation, "__required_keys__", hints)
        required = [name for name, hint in hints.items() if name in keys and typing.get_origin(hint) is not NotRequired]
        return _object_schema(hints, required)
    return {}


def _object_schema(hints: dict[str, Any], required: list[str]) -> dict[str, Any]:
    properties = {name: annotation_schema(annotation) for name, annotation in hints.items()}
    return {"type": "object", "properties": properties, "required": required}


def _has_no_default(item: dataclasses.Field[Any]) -> bool:
    return item.default is dataclasses.MISSING and item.default_factory is dataclasses.MISSING


def _is_json(value: object) -> bool:
    try:
        json.dumps(value, allow_nan=False)
    except (TypeError, ValueError):
        return False
    return True
