"""Tools that benchmarks call."""

import cProfile
import os
import pstats
import sys

import numpy

from coilyard import tool

if os.environ.get("BENCH_PROFILE"):
    import atexit

    _profile = cProfile.Profile()
    _profile.enable()

    def _tell() -> None:
        _profile.disable()
        pstats.Stats(_profile, stream=sys.stderr).sort_stats("tottime").print_stats(20)

    atexit.register(_tell)

_arrays = {}


@tool
async def echo(value):
    """Gives back what it got, on the loop."""
    return value


@tool
def echo_in_thread(value):
    """Gives back what it got, from a thread."""
    return value


@tool
async def push(count: int, size: int):
    """Yields many texts of one size."""
    text = "x" * size
    for _ in range(count):
        yield text


@tool
def push_from_thread(count: int, size: int):
    """The same as a plain generator."""
    text = "x" * size
    for _ in range(count):
        yield text


@tool
def take(array) -> float:
    """Takes an array, and looks at both ends of it."""
    return float(array[0] + array[-1])


@tool
def give(size: int):
    """Gives an array of so many floats, always the same one."""
    if size not in _arrays:
        _arrays[size] = numpy.arange(size, dtype=numpy.float64)
    return _arrays[size]
