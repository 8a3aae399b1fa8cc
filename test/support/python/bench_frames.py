"""The Python side of `npm run bench -- gateway-frames`.

GetVariable through the SDK, each request a frame on one stream or a gRPC call of its own, and a bare stream that echoes
56 bytes. The kinds take turns; the best round of each counts.
"""

import asyncio
import statistics
import sys
import time
from collections.abc import Awaitable, Callable

import grpc

import coilyard

IN_FLIGHT = 64
ROUNDS = 8
CALLS = 6400
ONE_BY_ONE = 1000

Ask = Callable[[], Awaitable[object]]


class BareStream:
    """Frames of 56 bytes on one stream, each answered with itself."""

    def __init__(self, channel: grpc.aio.Channel, path: str) -> None:
        self._stream = channel.stream_stream(path)()
        self._waiting: list[asyncio.Future[bytes]] = []
        self._answered = 0
        self._writable = asyncio.Lock()
        self._reading = asyncio.create_task(self._read())

    async def _read(self) -> None:
        while (message := await self._stream.read()) is not grpc.aio.EOF:
            self._waiting[self._answered].set_result(message)
            self._answered += 1

    async def ask(self) -> bytes:
        answer = asyncio.get_running_loop().create_future()
        async with self._writable:
            self._waiting.append(answer)
            await self._stream.write(bytes(56))
        return await answer

    def close(self) -> None:
        self._stream.cancel()
        self._reading.cancel()


async def a_round(ask: Ask) -> tuple[float, float]:
    """Calls per second with many in flight, and the median of one by one in milliseconds."""

    async def lane() -> None:
        for _ in range(CALLS // IN_FLIGHT):
            await ask()

    started = time.perf_counter()
    await asyncio.gather(*(lane() for _ in range(IN_FLIGHT)))
    rate = CALLS / (time.perf_counter() - started)
    took = []
    for _ in range(ONE_BY_ONE):
        at = time.perf_counter()
        await ask()
        took.append(time.perf_counter() - at)
    return rate, statistics.median(took) * 1000


async def main(bare: str, gateway: str, session_id: str, variable: str, path: str) -> None:
    config = {"push": False}
    async with (
        grpc.aio.insecure_channel(bare) as channel,
        coilyard.connect(gateway) as frames,
        coilyard.connect(gateway, multiplex=False) as calls,
    ):
        stream = BareStream(channel, path)
        as_frame = await frames.session(session_id, config=config)
        as_call = await calls.session(session_id, config=config)
        kinds: dict[str, Ask] = {
            "bare stream echo": stream.ask,
            "GetVariable as a frame": lambda: as_frame.get_variable(variable, bypass_cache=True),
            "GetVariable as a call": lambda: as_call.get_variable(variable, bypass_cache=True),
        }
        rounds: dict[str, list[tuple[float, float]]] = {name: [] for name in kinds}
        for number in range(ROUNDS + 1):
            for name, ask in kinds.items():
                measured = await a_round(ask)
                if number:
                    rounds[name].append(measured)
        best = {name: (max(rate for rate, _ in of), min(p50 for _, p50 in of)) for name, of in rounds.items()}
        bare_rate, bare_p50 = best["bare stream echo"]
        call_rate, call_p50 = best["GetVariable as a call"]
        print("from Python:")
        for name, (rate, p50) in best.items():
            print(
                f"  {name:24} {rate / 1000:6.1f} k/s at {IN_FLIGHT} in flight, p50 {p50:.3f} ms one by one: "
                f"{rate / bare_rate:.2f} of the rate of a bare stream, {p50 / bare_p50:.2f} of its p50; "
                f"{rate / call_rate:.2f} times the rate of a call, {call_p50 / p50:.2f} times as quick (to reach: 2)"
            )
        stream.close()


asyncio.run(main(*sys.argv[1:]))
