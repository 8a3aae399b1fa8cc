"""How much a cached read costs: `python python/tests/bench_cached_read.py`.

Prints the time of one read, statistics included, as a multiple of awaiting an empty coroutine in the same run.
The cache is filled and made live by hand: no gateway is needed, and no other work disturbs the figures.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import sys
import time
from collections.abc import Awaitable, Callable

import grpc

from coilyard import SessionContext
from coilyard._entries import CachedValue

#: (name, most that the ratio may be)
LIMITS = {"get_variable": 2.5, "cached": 1.5}


async def empty() -> None:
    """What an awaited call costs at least."""


async def measure(reads: int, rounds: int) -> dict[str, list[float]]:
    """Seconds per read, one per round; the kinds take turns so that a slow moment hits all of them."""
    channel = grpc.aio.insecure_channel("127.0.0.1:1")
    session = SessionContext("bench", channel, {"push": False})
    for number in range(100):
        value = CachedValue(f"var_v{number}_1", f"v{number}", number, None, 1)
        session.cache.offer(value, as_of=1)
    session.cache.go_live(1)

    async def awaited(read: Callable[[str], Awaitable[object]]) -> float:
        started = time.perf_counter()
        for _ in range(reads):
            await read("v7")
        return (time.perf_counter() - started) / reads

    async def nothing() -> float:
        started = time.perf_counter()
        for _ in range(reads):
            await empty()
        return (time.perf_counter() - started) / reads

    async def plain() -> float:
        read = session.cached
        started = time.perf_counter()
        for _ in range(reads):
            read("v7")
        return (time.perf_counter() - started) / reads

    times: dict[str, list[float]] = {"empty coroutine": [], "get_variable": [], "cached": []}
    for _ in range(rounds):
        times["empty coroutine"].append(await nothing())
        times["get_variable"].append(await awaited(session.get_variable))
        times["cached"].append(await plain())
    hits = session.get_cache_stats()["hits"]
    assert hits == 2 * reads * rounds, "every read was counted"
    await channel.close()
    return times


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--reads", type=int, default=50_000)
    parser.add_argument("--rounds", type=int, default=41)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    times = asyncio.run(measure(options.reads, options.rounds))
    floor = statistics.median(times["empty coroutine"])
    # Round by round, so that what else the machine does meanwhile falls on both sides.
    ratios = {
        name: statistics.median(mine / bare for mine, bare in zip(times[name], times["empty coroutine"], strict=True))
        for name in LIMITS
    }
    if options.json:
        print(json.dumps({"floor_us": floor * 1e6, "ratios": ratios}))
    else:
        print(f"awaiting an empty coroutine   {floor * 1e6:.3f} us")
        for name, ratio in ratios.items():
            verdict = "reached" if ratio <= LIMITS[name] else "MISSED"
            print(
                f"{name:<28}  {floor * ratio * 1e6:.3f} us   {ratio:.2f} times it, to reach {LIMITS[name]}: {verdict}"
            )
    sys.exit(any(ratio > LIMITS[name] for name, ratio in ratios.items()))


if __name__ == "__main__":
    main()
