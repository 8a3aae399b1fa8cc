"""A text that says exactly what a value is; `mirror.mjs` writes the same in the other language."""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np

SAFE = 2**53 - 1


def spell(value: Any, type: str = "") -> str:
    if isinstance(value, np.ndarray):
        return f"{value.dtype.name}({','.join(map(str, value.shape))}){value.tobytes().hex()}"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    if isinstance(value, str):
        return f"t{value.encode().hex()}"
    if isinstance(value, int):
        # Inside of lists and maps JavaScript knows one kind of number as long as that is exact.
        return f"i{value}" if type == "integer" or abs(value) > SAFE else spell(float(value))
    if isinstance(value, float):
        return "fnan" if math.isnan(value) else f"f{struct.pack('>d', value).hex()}"
    if isinstance(value, list):
        return f"[{','.join(map(spell, value))}]"
    entries = sorted(f"{key.encode().hex()}:{spell(item)}" for key, item in value.items())
    return f"{{{','.join(entries)}}}"
