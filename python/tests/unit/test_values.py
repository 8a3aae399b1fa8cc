"""Python values to the wire and back."""

from __future__ import annotations

import enum
import math
from collections import OrderedDict, namedtuple
from datetime import datetime, timezone

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from coilyard import TensorData, ValidationFailed
from coilyard._proto import value_pb2
from coilyard._values import (
    copier_of,
    decode_metadata,
    decode_value,
    encode_metadata,
    encode_value,
    framework_of,
    infer_type,
)

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
trees = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4), max_leaves=20
)


def same(left: object, right: object) -> bool:
    """Equal and of the same types, all the way down."""
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same, left, right))
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(same(left[key], right[key]) for key in left)
    return type(left) is type(right) and left == right


@given(trees)
def test_a_value_comes_back_as_the_same_value_of_the_same_type(value: object) -> None:
    wire = value_pb2.Value.FromString(encode_value(value).SerializeToString())
    assert same(decode_value(wire), value)


@given(st.floats())
def test_every_float_travels_bit_for_bit_also_those_that_the_server_refuses(value: float) -> None:
    back = decode_value(encode_value(value))
    assert back == value or (math.isnan(back) and math.isnan(value))


@pytest.mark.parametrize(
    ("value", "kind"),
    [
        (True, "boolean"),
        (1, "integer"),
        (-(2**63), "integer"),
        (2**63 - 1, "integer"),
        (2**63, "big_integer"),
        (-(2**63) - 1, "big_integer"),
        (1.0, "float"),
        (float("nan"), "float"),
        ("", "text"),
        (None, "null"),
        ([], "json"),
        ((1, 2), "json"),
        ({}, "json"),
        (np.float32(0.5), "float"),
        (np.int64(3), "integer"),
        (np.bool_(True), "boolean"),
        (np.zeros(3), "tensor"),
    ],
)
def test_the_kind_on_the_wire_says_what_the_value_was(value: object, kind: str) -> None:
    assert encode_value(value).WhichOneof("kind") == kind


class Colour(str, enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


Point = namedtuple("Point", "x y")


@pytest.mark.parametrize(
    ("value", "plain"),
    [
        (Colour.RED, "red"),
        (Level.HIGH, 3),
        (Point(1, 2), [1, 2]),
        (OrderedDict(a=1), {"a": 1}),
        ({1: "a", 2.5: "b"}, {"1": "a", "2.5": "b"}),
        ([Colour.RED, Level.HIGH, np.int32(4), (1,)], ["red", 3, 4, [1]]),
    ],
)
def test_values_of_subclasses_travel_as_what_they_are_a_kind_of(value: object, plain: object) -> None:
    assert same(decode_value(encode_value(value)), plain)


cyclic: list[object] = []
cyclic.append(cyclic)


@pytest.mark.parametrize(
    "value",
    [
        object(),
        b"bytes",
        {1, 2},
        1j,
        datetime.now(timezone.utc),
        [float("nan")],
        {"a": float("inf")},
        [object()],
        {(1, 2): 3},
        {"1": "a", 1: "b"},
        cyclic,
        "\ud800",
        ["\ud800"],
        np.array([object()]),
        np.array(["2020-01-01"], dtype="datetime64[D]"),
    ],
    ids=repr,
)
def test_what_has_no_form_on_the_wire_is_refused_as_a_type_error(value: object) -> None:
    with pytest.raises(TypeError) as refused:
        encode_value(value)
    assert isinstance(refused.value, ValidationFailed)
    assert refused.value.execution == "not_started"


@pytest.mark.parametrize(
    "message",
    [
        value_pb2.Value(),
        value_pb2.Value(big_integer="12x"),
        value_pb2.Value(json="{"),
        value_pb2.Value(json="[NaN]"),
        value_pb2.Value(tensor=value_pb2.Tensor(dtype="float32", shape=[2], data=b"123")),
        value_pb2.Value(tensor=value_pb2.Tensor(dtype="object", shape=[0], data=b"")),
    ],
    ids=str,
)
def test_a_message_that_contradicts_itself_is_refused(message: value_pb2.Value) -> None:
    with pytest.raises(ValidationFailed):
        decode_value(message)


@pytest.mark.parametrize("dtype", ["bool", "int8", "uint16", "int32", "int64", "float16", "float32", ">f8"])
@pytest.mark.parametrize("shape", [(), (0,), (3,), (2, 3), (1, 2, 3)])
def test_an_array_keeps_its_dtype_shape_and_elements(dtype: str, shape: tuple[int, ...]) -> None:
    array = np.asarray(np.arange(math.prod(shape)).reshape(shape) % 2).astype(dtype)
    back = decode_value(encode_value(array))
    assert back.shape == array.shape
    assert back.dtype == array.dtype.newbyteorder("<")
    assert np.array_equal(back, array)
    assert not back.flags.writeable


def test_an_array_in_another_order_of_memory_travels_in_c_order() -> None:
    array = np.asfortranarray(np.arange(6.0).reshape(2, 3))
    assert np.array_equal(decode_value(encode_value(array)), array)


def test_tensor_data_travels_where_no_library_is() -> None:
    data = TensorData("bfloat16", (2,), b"\x00\x01\x02\x03")
    assert decode_value(encode_value(data)) == data


def test_the_type_of_the_variable_decides_between_kinds_that_look_alike() -> None:
    assert encode_value("Predict", "module").WhichOneof("kind") == "module"
    assert decode_value(encode_value("Predict", "module")) == "Predict"
    assert encode_value(np.zeros(2), "embedding").WhichOneof("kind") == "embedding"
    assert encode_value(3, "module").WhichOneof("kind") == "integer"


def test_only_values_that_can_change_are_copied_for_each_reader() -> None:
    assert copier_of(encode_value(1)) is None
    copier = copier_of(encode_value([1, [2]]))
    assert copier is not None
    first, second = copier(), copier()
    first[1].append(3)
    assert second == [1, [2]]


def test_metadata_keeps_scalars_and_shows_instants_as_text() -> None:
    instant = datetime(2026, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
    given_metadata = {"iteration": 42, "score": 0.5, "ok": True, "none": None, "when": instant, "tags": ["a"]}
    assert decode_metadata(encode_metadata(given_metadata)) == {**given_metadata, "when": "2026-01-02T03:04:05+00:00"}


@pytest.mark.parametrize("metadata", ["text", {1: 2}, [("a", 1)]])
def test_metadata_that_is_no_mapping_of_texts_is_refused(metadata: object) -> None:
    with pytest.raises(ValueError, match="metadata"):
        encode_metadata(metadata)


@pytest.mark.parametrize(
    ("value", "name"),
    [
        (True, "boolean"),
        (1, "integer"),
        (0.5, "float"),
        ("a", "string"),
        ([1], "list"),
        ((1,), "list"),
        ({"a": 1}, "map"),
        (np.float64(1), "float"),
        (np.int8(1), "integer"),
        (np.zeros(2), "tensor"),
    ],
)
def test_the_type_of_a_variable_is_inferred_from_its_value(value: object, name: str) -> None:
    assert infer_type(value) == name


@pytest.mark.parametrize("value", [None, object(), b"", {1}])
def test_a_value_that_says_no_type_is_a_type_error(value: object) -> None:
    with pytest.raises(TypeError, match="give the type"):
        infer_type(value)


def test_only_torch_tensors_ask_for_their_framework() -> None:
    assert framework_of(np.zeros(1)) is None
    assert framework_of(1) is None
