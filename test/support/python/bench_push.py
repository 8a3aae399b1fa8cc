"""The Python sides of `npm run bench -- gateway-push`.

`reader` prints when, in nanoseconds of the machine's monotonic clock, a bare message had come or a changed value was in
the cache. `writer` reads `bare` or `ours` from its input, prints when it began, and writes.
"""

import asyncio
import sys
import time

import grpc

import coilyard

#: As many bytes as a small frame has.
BARE_BYTES = bytes(100)


async def read(bare: str, gateway: str, session_id: str, variable: str, path: str) -> None:
    async with grpc.aio.insecure_channel(bare) as channel, coilyard.connect(gateway) as client:
        stream = channel.stream_stream(path)()
        await stream.write(b"reader")
        session = await client.session(session_id)
        await session.get_variable(variable)
        cache = session.cache
        while not cache.live:
            await asyncio.sleep(0.01)
        push = cache.push
        last = session.cached(variable)

        def timed(*args: object) -> object:
            nonlocal last
            pushed = push(*args)
            arrived = time.monotonic_ns()
            value = session.cached(variable)
            assert value != last, "the cache does not have the new value"
            last = value
            print(arrived, flush=True)
            return pushed

        cache.push = timed
        print("ready", flush=True)
        while await stream.read() is not grpc.aio.EOF:
            print(time.monotonic_ns(), flush=True)


async def write(bare: str, gateway: str, session_id: str, variable: str, path: str) -> None:
    async with grpc.aio.insecure_channel(bare) as channel, coilyard.connect(gateway) as client:
        stream = channel.stream_stream(path)()
        await stream.write(b"writer")
        session = await client.session(session_id, config={"push": False})
        count = await session.get_variable(variable, bypass_cache=True)
        words = asyncio.StreamReader()
        await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(words), sys.stdin)
        print("ready", flush=True)
        while word := await words.readline():
            began = time.monotonic_ns()
            if word == b"bare\n":
                await stream.write(BARE_BYTES)
            else:
                count += 1
                await session.set_variable(variable, count)
            print(began, flush=True)


asyncio.run({"reader": read, "writer": write}[sys.argv[1]](*sys.argv[2:]))
