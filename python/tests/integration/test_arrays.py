"""Lists, maps, embeddings and tensors end to end, and whose they are."""

from __future__ import annotations

import sys
from datetime import date, datetime, timezone
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import coilyard
from coilyard import SessionContext
from support.manual_clock import until

pytestmark = [pytest.mark.asyncio, pytest.mark.gateway, pytest.mark.usefixtures("either_way")]


async def test_an_embedding_is_float32_whatever_was_given(session: SessionContext) -> None:
    given = {"a": np.zeros(3), "b": np.arange(3), "c": [0.5, 1, 2], "d": np.arange(6, dtype=">f8")[::2]}
    await session.register_variables(
        [{"name": name, "type": "embedding", "initial_value": value} for name, value in given.items()]
    )
    for name, value in given.items():
        back = await session.get_variable(name)
        assert (back.dtype, back.tolist()) == (np.float32, [float(item) for item in value])


async def test_an_embedding_is_normalised_where_that_is_asked_for_and_the_zero_vector_stays(
    session: SessionContext,
) -> None:
    constraints = {"dimensions": 768, "normalize": True}
    await session.register_variable("context", "embedding", np.zeros(768), constraints=constraints)
    assert not (await session.get_variable("context")).any()
    await session.set_variable("context", np.full(768, 3.0))
    assert np.linalg.norm(await session.get_variable("context")) == pytest.approx(1, abs=1e-6)
    for wrong, error in ((np.ones(767), ValueError), (np.ones((2, 384)), TypeError), ("text", TypeError)):
        with pytest.raises(error):
            await session.set_variable("context", wrong)


async def test_a_tensor_keeps_its_dtype_and_shape_and_its_constraints_hold(session: SessionContext) -> None:
    value = np.arange(24, dtype=">i2").reshape(2, 3, 4).transpose(2, 0, 1)
    await session.set_variable("free", value, create_if_missing=True)
    back = await session.get_variable("free")
    assert (back.dtype, back.shape) == (np.int16, (4, 2, 3))
    assert (back == value).all()
    await session.register_variable(
        "fixed", "tensor", np.zeros((2, 2), "float32"), constraints={"shape": [-1, 2], "dtype": "float32"}
    )
    await session.set_variable("fixed", np.ones((5, 2), "float32"))
    for wrong in (np.ones((2, 3), "float32"), np.ones((2, 2)), np.array([["a", "b"]]), np.full((1, 2), np.nan, "f4")):
        with pytest.raises(ValueError):
            await session.set_variable("fixed", wrong)
    assert (await session.get_variable("fixed")).shape == (5, 2)


async def test_nested_lists_are_the_tensor_that_numpy_makes_of_them(session: SessionContext) -> None:
    for index, given in enumerate(
        ([[1, 2], [3, 4]], [[1, 2], [3, 4.0]], [1.0, 2.0], [2**60 + 1, 1], [[True], [False]], [-0.0, 1], [])
    ):
        name = f"nested_{index}"
        await session.register_variable(name, "tensor", given)
        back, made = await session.get_variable(name), np.array(given)
        assert (back.dtype, back.shape, back.tolist()) == (made.dtype, made.shape, made.tolist())


async def test_an_array_that_was_read_cannot_be_written_to_and_lists_are_copies(session: SessionContext) -> None:
    await session.register_variables(
        [{"name": "array", "initial_value": np.ones(3)}, {"name": "list", "initial_value": [1, [2]]}]
    )
    for _ in range(2):
        array, listed = await session.get_variable("array"), await session.get_variable("list")
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 5
        listed[1].append(3)
    assert (await session.get_variable("array")).tolist() == [1, 1, 1]
    assert await session.get_variable("list") == [1, [2]]


async def test_arrays_are_watched_pushed_and_kept_in_history(session: SessionContext, other: SessionContext) -> None:
    await session.register_variable("v", "embedding", np.zeros(2))
    assert (await other.get_variable("v")).tolist() == [0, 0]
    await until(lambda: other.cache.live)
    watch = other.watch_variable("v", filter_fn=lambda old, new: bool((old != new).any()))
    await anext(watch)
    await session.set_variable("v", np.ones(2))
    update = await anext(watch)
    assert (update.old_value.tolist(), update.value.tolist()) == ([0, 0], [1, 1])
    await until(lambda: other.cached("v").tolist() == [1, 1])
    assert [entry["value"].tolist() for entry in await session.get_variable_history("v")] == [[1, 1], [0, 0]]
    assert await session.update_variables({"v": np.array([2, 3])}) == {"v": True}
    assert (await session.get_variables(["v"]))["v"].tolist() == [2, 3]
    await watch.aclose()


async def test_a_value_of_some_megabytes_travels(session: SessionContext) -> None:
    value = np.random.default_rng(1).random((300, 1000), dtype=np.float32)
    await session.register_variable("large", "tensor", value)
    assert (await session.get_variable("large") == value).all()


async def test_lists_and_maps_in_depth_with_truths_before_numbers(session: SessionContext) -> None:
    value = {"t": True, "n": 1, "f": 0.5, "none": None, "big": -(2**90), "deep": [[{"a": [False, 0]}]], "": {}}
    await session.register_variable("m", "dict", value)
    back = await session.get_variable("m")
    assert back == value
    assert (back["t"], back["deep"][0][0]["a"][0]) == (True, False)
    assert back["t"] is True
    assert back["n"].__class__ is int
    assert [v["type"] for v in await session.list_variables(type="dict")] == ["map"]
    for wrong in ([1], "text", True):
        with pytest.raises(TypeError):
            await session.set_variable("m", wrong)
    await session.register_variable("l", "list", (1, np.float64(2.5), np.int8(3)), constraints={"max_items": 3})
    assert await session.get_variable("l") == [1, 2.5, 3]
    with pytest.raises(ValueError):
        await session.set_variable("l", [1, 2, 3, 4])


async def test_instants_in_metadata_become_text_at_any_depth(session: SessionContext) -> None:
    moment = datetime(2025, 1, 2, 3, 4, 5, tzinfo=timezone.utc)
    await session.register_variable("x", "integer", 1, metadata={"at": moment, "deep": [{"day": date(2025, 1, 2)}]})
    (described,) = await session.list_variables()
    assert described["metadata"] == {"at": "2025-01-02T03:04:05+00:00", "deep": [{"day": "2025-01-02"}]}
    assert described["updated_at"].tzinfo is not None


class FakeTensor:
    """Just enough of a tensor: what the SDK asks of torch."""

    def __init__(self, array: Any) -> None:
        self.array = array
        self.dtype = f"torch.{array.dtype.name}"
        self.shape = array.shape

    def detach(self) -> FakeTensor:
        return self

    cpu = contiguous = resolve_conj = resolve_neg = detach

    def numpy(self) -> Any:
        return self.array

    def reshape(self, shape: Any) -> FakeTensor:
        return FakeTensor(self.array.reshape(shape))


@pytest.fixture
def torch(monkeypatch: pytest.MonkeyPatch) -> Any:
    """A stand-in for torch, which is half a gigabyte."""
    module: Any = ModuleType("torch")
    module.Tensor = FakeTensor
    module.frombuffer = lambda data, dtype: FakeTensor(np.frombuffer(data, dtype))
    module.float32, module.int64 = np.float32, np.int64
    module.empty = lambda shape, dtype: FakeTensor(np.empty(shape, dtype))
    monkeypatch.setitem(sys.modules, "torch", module)
    return module


async def test_who_registered_a_torch_tensor_gets_torch_tensors_everywhere(
    session: SessionContext, other: SessionContext, torch: Any
) -> None:
    await session.register_variable("t", "tensor", FakeTensor(np.arange(4, dtype=np.int64).reshape(2, 2)))
    first = await other.get_variable("t")
    assert (type(first), first.shape, first.dtype) == (FakeTensor, (2, 2), "torch.int64")
    first.array[:] = 9
    assert (await other.get_variable("t")).array.tolist() == [[0, 1], [2, 3]], "each reader has its own"
    await until(lambda: other.cache.live)
    watch = other.watch_variable("t")
    assert type((await anext(watch)).value) is FakeTensor
    await session.set_variable("t", np.ones((2, 2), "int64"))
    update = await anext(watch)
    assert (type(update.value), type(update.old_value)) == (FakeTensor, FakeTensor)
    await until(lambda: other.cached("t").array.tolist() == [[1, 1], [1, 1]], "the pushed value is one, too")
    assert {type(entry["value"]) for entry in await other.get_variable_history("t")} == {FakeTensor}
    await watch.aclose()


async def test_a_torch_tensor_without_elements_is_one(session: SessionContext, torch: Any) -> None:
    await session.register_variable("t", "tensor", FakeTensor(np.empty((2, 0, 3), dtype=np.float32)))
    value = await session.get_variable("t")
    assert (type(value), value.shape, value.dtype) == (FakeTensor, (2, 0, 3), "torch.float32")


async def test_a_torch_tensor_that_cannot_be_read_is_refused_by_name(session: SessionContext, torch: Any) -> None:
    class Sparse(FakeTensor):
        def numpy(self) -> Any:
            raise RuntimeError("no plain elements")

    with pytest.raises(TypeError, match=r"initial_value: a torch tensor .*no plain elements.*make it dense"):
        await session.register_variable("t", "tensor", Sparse(np.ones(2)))
    assert await session.list_variables() == []


async def test_who_has_not_imported_torch_gets_numpy_arrays(
    session: SessionContext, torch: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    await session.register_variable("t", "embedding", FakeTensor(np.ones(2, np.float32)))
    monkeypatch.delitem(sys.modules, "torch")
    value = await session.get_variable("t")
    assert (type(value), value.dtype) == (np.ndarray, np.float32)
    (described,) = await session.list_variables()
    assert described["metadata"] == {"framework": "torch"}


async def test_without_a_library_an_array_is_its_bytes(session: SessionContext) -> None:
    half = coilyard.TensorData("bfloat16", (2,), b"\x80\x3f\x00\x40")
    await session.register_variable("t", "tensor", half)
    assert await session.get_variable("t") == half
