"""One of nearly everything that Python code can hand to a method, and what of it fits which kind of parameter."""

from __future__ import annotations

import dataclasses
import decimal
import enum
from datetime import datetime, timezone
from typing import Any

import numpy as np


class Colour(enum.Enum):
    RED = 1


@dataclasses.dataclass
class Record:
    field: int = 1


class Evil:
    """Nothing that is asked of it is answered."""

    def refuse(self, *_: Any) -> Any:
        raise RuntimeError("evil")

    __str__ = __repr__ = __eq__ = __hash__ = __bool__ = __len__ = __iter__ = __index__ = __float__ = refuse


class EvilDict(dict):
    def refuse(self, *_: Any) -> Any:
        raise RuntimeError("evil")

    items = keys = values = __iter__ = __repr__ = __getitem__ = refuse


class EvilList(list):
    def refuse(self, *_: Any) -> Any:
        raise RuntimeError("evil")

    __iter__ = __repr__ = __len__ = __getitem__ = refuse


def anything() -> dict[str, Any]:
    """One of nearly everything there is; what a parameter takes is left out by its table below."""
    return {
        "none": None, "integer": 5, "negative": -1, "bool": True, "float": 0.5, "nan": float("nan"),
        "huge": 10**30, "more digits than Python prints": 10**5000, "bytes": b"", "buffer": bytearray(b"x"),
        "view": memoryview(b"x"), "function": lambda: 1, "class": Record, "instance": Record(), "set": {1},
        "tuple": (1, 2), "list": [1], "dict": {1: {2: 3}}, "dict of tuples": {(1, 2): 3}, "enum": Colour.RED,
        "instant": datetime.now(timezone.utc), "complex": 1j, "decimal": decimal.Decimal("1.5"), "range": range(2),
        "generator": (item for item in (1,)), "int8": np.int8(3), "float64": np.float64(0.5),
        "longdouble": np.longdouble(0.5), "datetime64": np.datetime64("2020-01-01"), "complex128": np.complex128(1),
        "timedelta64": np.timedelta64(5, "ns"), "bytes_": np.bytes_(b"x"), "void": np.void(b"x"), "array": np.ones(3),
        "no axes": np.array(5), "array of objects": np.array([Evil()], dtype=object), "evil": Evil(),
        "evil dict": EvilDict(a=1), "evil list": EvilList([1]),
    }  # fmt: skip


NUMBERS = {"integer", "negative", "float", "nan", "huge", "more digits than Python prints", "int8", "float64"}
LISTS = {"tuple", "list", "set", "range", "generator", "array", "array of objects"}

#: What is of the right kind, and may be right or wrong as a value: asked about by the second table.
KIND: dict[str, set[str]] = {
    "text": set(),
    "optional text": {"none"},
    "flag": {"bool"},
    "optional flag": {"bool", "none"},
    "whole": {"integer", "negative", "huge", "more digits than Python prints", "int8"},
    "optional whole": {"integer", "negative", "huge", "more digits than Python prints", "int8", "none"},
    "amount": NUMBERS,
    "optional amount": NUMBERS | {"none"},
    "mapping": set(),
    "optional mapping": {"none"},
    "list": set(),
    "optional list": {"none"},
    "function": {"none", "function", "class"},
    "text or list": LISTS | {"list"},
    "objective": {"none", "function", "class"},
    "class": {"class"},
    "instant": {"none", "instant"},
    "trial": set(),
    "bytes": {"bytes", "buffer", "view", "bytes_"},
    "watch": set(),
}
WRONG_VALUES: dict[str, list[Any]] = {
    "text": ["", "\ud800"],
    "optional text": ["\ud800"],
    "whole": [-1, 10**30, 10**5000],
    "optional whole": [-1, 10**30, 10**5000],
    "text or list": ["", "\ud800", [], [""]],
    "objective": [""],
    "amount": [-1, -0.5, float("nan"), float("inf"), 10**5000],
    "optional amount": [-1, float("nan")],
}
