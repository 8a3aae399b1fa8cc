"""Tensors of torch itself, to the wire and back. Torch is not among what the tests need: half a gigabyte."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from coilyard import ValidationFailed
from coilyard._values import copier_of, decode_value, encode_value, framework_of, infer_type

torch: Any = pytest.importorskip("torch", reason="torch is not installed: pip install torch")

DTYPES = ("bool", "uint8", "int8", "int16", "int32", "int64", "float16", "bfloat16", "float32", "float64")


def back(tensor: Any) -> Any:
    return decode_value(encode_value(tensor), "torch")


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("shape", [(), (0,), (2, 0, 3), (3,), (2, 3)], ids=str)
def test_a_tensor_keeps_its_dtype_shape_and_elements(dtype: str, shape: tuple[int, ...]) -> None:
    tensor = torch.arange(6)[: int(np.prod(shape))].reshape(shape).to(getattr(torch, dtype))
    again = back(tensor)
    assert (type(again), again.dtype, again.shape) == (torch.Tensor, tensor.dtype, tensor.shape)
    assert torch.equal(again, tensor)


@pytest.mark.parametrize(
    "tensor",
    [
        torch.ones(3, requires_grad=True),
        torch.ones(3, requires_grad=True) * 2,
        torch.nn.Parameter(torch.ones(2, 2)),
        torch.arange(24.0).reshape(2, 3, 4).transpose(0, 2),
        torch.arange(24.0).reshape(2, 3, 4)[:, ::2, 1:],
        torch.arange(12).to(torch.bfloat16).reshape(3, 4).t(),
        torch.ones(1).expand(5, 4),
        torch.imag(torch.tensor([1 + 2j]).conj()),
    ],
    ids=["leaf", "result", "parameter", "transposed", "sliced", "transposed bfloat16", "expanded", "negated view"],
)
def test_what_torch_keeps_lazily_travels_as_it_reads(tensor: Any) -> None:
    again = back(tensor)
    assert torch.equal(again, tensor.detach())
    assert not again.requires_grad


def test_each_reader_has_a_tensor_of_its_own_that_can_be_written_to() -> None:
    message = encode_value(torch.zeros(2))
    copier = copier_of(message, "torch")
    assert copier is not None
    first, second = copier(), copier()
    first[0] = 5
    assert (first.tolist(), second.tolist()) == ([5, 0], [0, 0])


@pytest.mark.parametrize(
    "tensor",
    [
        torch.tensor([1 + 2j]),
        torch.eye(3).to_sparse(),
        torch.empty(3, device="meta"),
        torch.quantize_per_tensor(torch.ones(3), 0.1, 0, torch.qint8),
    ],
    ids=["complex", "sparse", "meta", "quantized"],
)
def test_what_has_no_plain_elements_is_refused_by_name(tensor: Any) -> None:
    with pytest.raises(ValidationFailed, match=r"value: a (torch )?tensor"):
        encode_value(tensor, "tensor", "value")


def test_a_dtype_that_torch_has_not_comes_as_a_numpy_array(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delattr(torch, "uint16", raising=False)
    assert decode_value(encode_value(np.ones(2, np.uint16)), "torch").tolist() == [1, 1]


def test_who_made_it_is_known_and_its_type_is_inferred() -> None:
    assert (framework_of(torch.ones(1)), infer_type(torch.tensor(1.5))) == ("torch", "tensor")
