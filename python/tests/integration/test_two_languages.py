"""Any value, to TypeScript and back: registered, set, read and watched on both sides of the real gateway."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

import coilyard
from coilyard.sync import SessionContext
from support.needs import needs_gateway
from support.real_gateway import ROOT
from support.spelling import spell

pytestmark = pytest.mark.gateway

MIRROR = Path(__file__).parents[1] / "support" / "mirror.mjs"
_numbers = count(1)


@pytest.fixture(scope="module")
def mirror() -> Iterator[SessionContext]:
    needs_gateway()
    process = subprocess.Popen(
        ["node", str(MIRROR)], cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )  # fmt: skip
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        with coilyard.sync.connect(process.stdout.readline().strip()) as client:
            yield client.session("mirror", create=False)
    finally:
        process.stdin.close()
        code = process.wait(timeout=60)
        process.stdout.close()
    assert code == 0


def same(left: Any, right: Any) -> bool:
    if isinstance(left, np.ndarray):
        return left.dtype == right.dtype and left.shape == right.shape and left.tobytes() == right.tobytes()
    return spell(left) == spell(right) and type(left) is type(right)


def there_and_back(
    mirror: SessionContext, type: str, values: list[Any], constraints: dict[str, Any] | None = None
) -> None:
    """Registers the first value and sets the others; each is read and watched on both sides."""
    number = next(_numbers)
    ours, theirs = f"in_{number}", f"out_{number}"
    with mirror.watch_variables([], pattern=theirs) as answers:
        for version, value in enumerate(values):
            if version == 0:
                mirror.register_variable(ours, type, value, constraints=constraints)
            else:
                mirror.set_variable(ours, value)
            answer = next(answer for answer in answers if answer.metadata["of"] == version)
            spelled = spell(value, type)
            assert answer.metadata == {"spelled": spelled, "heard": spelled, "of": version}
            reads = [mirror.get_variable(ours), mirror.get_variable(theirs)]
            for back in (answer.value, *reads, mirror.get_variable(theirs, bypass_cache=True)):
                assert same(back, value)
    mirror.delete_variable(ours)
    mirror.delete_variable(theirs)


bounded = settings(
    max_examples=50, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
#: A NUL is text like any other; surrogates are none.
text = st.text(st.characters(exclude_categories=["Cs"]), max_size=40)
numbers = st.floats(allow_nan=False, allow_infinity=False)
integers = st.integers() | st.integers(-(2**70), 2**70) | st.integers(10**200, 10**201)
trees = st.recursive(
    st.none() | st.booleans() | integers | numbers | text,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4),
    max_leaves=12,
)
dtypes = st.sampled_from(
    ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float16", "float32", "float64"]
)


def twice(values: st.SearchStrategy[Any]) -> st.SearchStrategy[list[Any]]:
    return st.lists(values, min_size=2, max_size=2)


@bounded
@given(values=twice(integers))
def test_any_integer(mirror: SessionContext, values: list[int]) -> None:
    there_and_back(mirror, "integer", values)


@bounded
@given(values=twice(st.floats()))
def test_any_float_bit_for_bit(mirror: SessionContext, values: list[float]) -> None:
    there_and_back(mirror, "float", values, {"allow_nan": True})


@bounded
@given(values=twice(text))
def test_any_text(mirror: SessionContext, values: list[str]) -> None:
    there_and_back(mirror, "string", values)


def test_both_booleans(mirror: SessionContext) -> None:
    there_and_back(mirror, "boolean", [True, False])


def test_names_of_modules_and_choices(mirror: SessionContext) -> None:
    there_and_back(mirror, "module", ["Predict", "ChainOfThought"])
    there_and_back(mirror, "choice", ["a", "ü"], {"choices": ["a", "ü"]})


@bounded
@given(values=twice(st.lists(trees, max_size=4)))
def test_any_list_in_depth(mirror: SessionContext, values: list[Any]) -> None:
    there_and_back(mirror, "list", values)


@bounded
@given(values=twice(st.dictionaries(text, trees, max_size=4)))
def test_any_map_in_depth(mirror: SessionContext, values: list[Any]) -> None:
    there_and_back(mirror, "dict", values)


@bounded
@given(values=twice(hnp.arrays("float32", st.integers(1, 16), elements=st.floats(width=32, allow_nan=False))))
def test_any_embedding(mirror: SessionContext, values: list[Any]) -> None:
    there_and_back(mirror, "embedding", values, {"allow_nan": True})


@bounded
@given(
    values=twice(dtypes.flatmap(lambda dtype: hnp.arrays(dtype, hnp.array_shapes(min_dims=0, min_side=0, max_dims=4))))
)
def test_any_tensor_with_its_dtype_and_shape(mirror: SessionContext, values: list[Any]) -> None:
    there_and_back(mirror, "tensor", values, {"allow_nan": True})
