"""Schemas and descriptions of declared functions."""

from __future__ import annotations

import dataclasses
import enum
from datetime import datetime
from typing import Annotated, Any, Literal, Optional, TypedDict

import pytest
from pydantic import BaseModel
from typing_extensions import NotRequired

from coilyard import SessionContext
from coilyard._registry import Registry
from coilyard._schema import annotation_schema
from coilyard._signatures import describe, describe_parameters, read_parameters


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclasses.dataclass
class Point:
    x: int
    y: float = 0.0


class Options(TypedDict):
    name: str
    limit: NotRequired[int]


class Model(BaseModel):
    title: str


@pytest.mark.parametrize(
    ("annotation", "schema"),
    [
        (str, {"type": "string"}),
        (bool, {"type": "boolean"}),
        (int, {"type": "integer"}),
        (float, {"type": "number"}),
        (None, {"type": "null"}),
        (datetime, {"type": "string", "format": "date-time"}),
        (Any, {}),
        (object, {}),
        (list, {"type": "array"}),
        (list[str], {"type": "array", "items": {"type": "string"}}),
        (set[int], {"type": "array", "items": {"type": "integer"}}),
        (tuple[int, ...], {"type": "array", "items": {"type": "integer"}}),
        (
            tuple[int, str],
            {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "string"}], "minItems": 2, "maxItems": 2},
        ),
        (dict[str, float], {"type": "object", "additionalProperties": {"type": "number"}}),
        (Literal["a", 1], {"enum": ["a", 1]}),
        (Optional[int], {"anyOf": [{"type": "integer"}, {"type": "null"}]}),
        (int | str, {"anyOf": [{"type": "integer"}, {"type": "string"}]}),
        (Annotated[int, "how many"], {"type": "integer", "description": "how many"}),
        (Colour, {"enum": ["red", "blue"]}),
        (
            Point,
            {"type": "object", "properties": {"x": {"type": "integer"}, "y": {"type": "number"}}, "required": ["x"]},
        ),
        (
            Options,
            {
                "type": "object",
                "properties": {"name": {"type": "string"}, "limit": {"type": "integer"}},
                "required": ["name"],
            },
        ),
    ],
    ids=str,
)
def test_an_annotation_becomes_its_schema(annotation: object, schema: dict[str, Any]) -> None:
    assert annotation_schema(annotation) == schema


def test_a_pydantic_model_describes_itself() -> None:
    assert annotation_schema(Model) == Model.model_json_schema()


async def search(query: str, session: SessionContext, limit: int = 10, *, tags: list[str] | None = None) -> list[str]:
    """Finds documents.

    Looks everywhere.

    Args:
        query: What to look for,
            over two lines.
        limit (int): At most so many.

    Returns:
        Names.
    """
    return [query]


def test_the_schema_of_a_function_leaves_out_its_session_and_takes_texts_from_the_docstring() -> None:
    registry = Registry()
    registry.add_tool(search)
    tool = registry.tools.get("search")
    assert tool is not None
    assert tool.description == "Finds documents.\n\nLooks everywhere."
    assert tool.parameters.session == "session"
    assert tool.schema == {
        "type": "object",
        "properties": {
            "query": {"type": "string", "description": "What to look for, over two lines."},
            "limit": {"type": "integer", "description": "At most so many.", "default": 10},
            "tags": {"anyOf": [{"type": "array", "items": {"type": "string"}}, {"type": "null"}], "default": None},
        },
        "additionalProperties": False,
        "required": ["query"],
    }


def test_a_session_is_recognised_however_it_is_written() -> None:
    def optional(s: SessionContext | None = None) -> None: ...
    def quoted(s: "SessionContext") -> None: ...  # noqa: UP037

    def many(s: list[SessionContext]) -> None: ...

    assert read_parameters(many).session is None
    unresolved = lambda s: None  # noqa: E731
    unresolved.__annotations__ = {"s": "nowhere.SessionContext"}
    assert [read_parameters(f).session for f in (optional, quoted, unresolved)] == ["s", "s", "s"]


def test_functions_whose_parameters_have_no_names_are_refused() -> None:
    def positional(a: int, /) -> None: ...
    def variable(*args: int) -> None: ...

    for function in (positional, variable):
        with pytest.raises(TypeError, match="cannot be given by name"):
            Registry().add_tool(function)


def test_keyword_arguments_without_end_are_part_of_the_schema() -> None:
    def open_ended(**rest: int) -> None: ...

    registry = Registry()
    registry.add_tool(open_ended)
    tool = registry.tools.get("open_ended")
    assert tool is not None
    assert tool.schema["additionalProperties"] is True
    assert tool.parameters.accepts("anything")


def test_a_function_without_a_docstring_is_described_by_nothing() -> None:
    def bare(a): ...

    assert (describe(bare), describe_parameters(bare)) == ("", {})


def test_generators_of_both_kinds_stream() -> None:
    registry = Registry()

    def plain():
        yield 1

    async def asynchronous():
        yield 1

    async def coroutine(): ...

    for function in (plain, asynchronous, coroutine):
        registry.add_tool(function)
    assert [tool.streaming for tool in registry.tools.all()] == [True, True, False]


def test_a_name_belongs_to_one_function() -> None:
    registry = Registry()

    def twin() -> None: ...

    registry.add_tool(twin)
    registry.add_tool(twin)
    with pytest.raises(ValueError, match="declared twice"):
        registry.add_tool(search, name="twin")
    for name in ("", "a b", "1a", "x" * 129):
        with pytest.raises(ValueError, match="not a valid name"):
            registry.tools.add(dataclasses.replace(registry.tools.get("twin"), name=name), twin)


def test_a_module_factory_has_a_parameter_for_each_of_its_variables() -> None:
    registry = Registry()

    def build(max_demos: int) -> None: ...

    registry.add_module(build, "triage.predict", ("max_demos",))
    with pytest.raises(ValueError, match="no parameter for the variable 'threshold'"):
        registry.add_module(build, "other", ("threshold",))
    with pytest.raises(TypeError, match="tuple of names"):
        registry.add_module(build, "other", "max_demos")
    with pytest.raises(ValueError, match="every worker has"):
        registry.add_module(build, "Predict")
