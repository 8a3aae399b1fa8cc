"""Arguments fitted to annotations of every kind; nothing is compared with what refuses to be."""

from __future__ import annotations

import dataclasses
import enum
from typing import Any, Protocol

import pytest
from typing_extensions import TypedDict

import coilyard
from coilyard._signatures import read_parameters
from coilyard._worker.arguments import fit_arguments


class Colour(enum.Enum):
    RED = "red"


class Options(TypedDict):
    depth: int


class Sized(Protocol):
    def size(self) -> int: ...


@dataclasses.dataclass
class Point:
    x: int
    y: int


class Model:
    """Stands for a pydantic model."""

    def __init__(self, data: Any) -> None:
        self.data = data

    @classmethod
    def model_validate(cls, data: Any) -> Model:
        if not isinstance(data, dict):
            raise ValueError("not a mapping")
        return cls(data)


def function(
    colour: Colour = Colour.RED,
    options: Options | None = None,
    plain_options: Options = {"depth": 1},  # noqa: B006 - never changed
    sized: Sized = None,
    names: list[str] = [],  # noqa: B006
    point: Point = Point(0, 0),  # noqa: B008
    model: Model = Model({}),  # noqa: B008
    ratio: float = 0.0,
    anything: Any = None,
) -> None:
    """Takes all of them."""


def fit(**given: Any) -> dict[str, Any]:
    return fit_arguments("it", read_parameters(function), given)


def test_typed_dicts_protocols_and_generic_lists_are_passed_as_they_are() -> None:
    given = {"options": {"depth": 2}, "plain_options": {"depth": 3}, "sized": {"any": 1}, "names": ["a"], "anything": 1}
    assert fit(**given) == given


def test_enums_dataclasses_and_models_are_made_from_plain_data() -> None:
    made = fit(colour="red", point={"x": 1, "y": 2}, model={"a": 1})
    assert made["colour"] is Colour.RED
    assert made["point"] == Point(1, 2)
    assert isinstance(made["model"], Model)
    assert made["model"].data == {"a": 1}


def test_a_whole_number_becomes_a_float_and_nothing_else_does() -> None:
    assert type(fit(ratio=1)["ratio"]) is float
    assert fit(ratio="1")["ratio"] == "1"
    assert fit(ratio=True)["ratio"] is True


@pytest.mark.parametrize(
    ("name", "value"), [("colour", "blue"), ("point", {"x": 1}), ("model", 3)], ids=["enum", "dataclass", "model"]
)
def test_what_does_not_fit_is_refused_by_name(name: str, value: Any) -> None:
    with pytest.raises(coilyard.InvalidArgument) as caught:
        fit(**{name: value})
    assert caught.value.details == {"field": name}
