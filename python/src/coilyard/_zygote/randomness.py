"""Sources of random numbers that imports have made: a fork would draw from each what its siblings draw."""

from __future__ import annotations

import contextlib
import gc
import os
import random
import sys
from typing import Any


class Randomness:
    """Finds the generators that there are when it is made, and has a fork draw from them what nobody else does.

    Whatever they were seeded with: what a worker draws is its own.
    """

    def __init__(self) -> None:
        self._generators = [found for found in gc.get_objects() if isinstance(found, _kinds())]

    def draw_anew(self) -> None:
        """Seeds all of them, and those of the modules `random`, `numpy.random` and `torch`."""
        random.seed()
        numpy_random = sys.modules.get("numpy.random")
        if numpy_random is not None:
            numpy_random.seed()
        torch = sys.modules.get("torch")
        if torch is not None:
            torch.manual_seed(int.from_bytes(os.urandom(8), "big") >> 1)
        for generator in self._generators:
            with contextlib.suppress(Exception):  # of a kind of somebody's own
                _seed(generator)


def _kinds() -> tuple[type[Any], ...]:
    numpy_random = sys.modules.get("numpy.random")
    if numpy_random is None:
        return (random.Random,)
    return (random.Random, numpy_random.BitGenerator, numpy_random.RandomState)


def _seed(generator: Any) -> None:
    if hasattr(generator, "state"):  # from which generators of numpy draw
        generator.state = type(generator)().state
    else:
        generator.seed()
