"""What benchmarks of workers compare with: a stream, or a socket, with nothing of ours on it.

`bare_peer.py HOST:PORT echo` dials in as a worker does and sends back each message. With `push` it takes messages
`COUNT SIZE` and answers each with COUNT messages of SIZE bytes. With `socket` it takes an array of SIZE bytes from a
plain socket and sends it back, for each time that it is asked.
"""

import asyncio
import contextlib
import socket
import struct
import sys

import grpc

PATH = "/bare.Peer/Attach"
OPTIONS = (("grpc.max_receive_message_length", -1), ("grpc.max_send_message_length", -1))


async def stream(address: str, mode: str) -> None:
    async with grpc.aio.insecure_channel(address, options=OPTIONS) as channel:
        call = channel.stream_stream(PATH)()
        await call.write(b"hello")
        while (message := await call.read()) is not grpc.aio.EOF:
            if mode == "echo":
                await call.write(message)
                continue
            count, size = map(int, message.split())
            pushed = bytes(size)
            for _ in range(count):
                await call.write(pushed)


def copy(address: str) -> None:
    host, _, port = address.rpartition(":")
    with socket.create_connection((host, int(port))) as connection:
        while True:
            (size,) = struct.unpack("<Q", connection.recv(8, socket.MSG_WAITALL))
            array = bytearray(size)
            rest = memoryview(array)
            while rest:
                rest = rest[connection.recv_into(rest) :]
            connection.sendall(b"!")
            connection.recv(1)
            connection.sendall(array)


def main(address: str, mode: str) -> None:
    # The benchmark is over when the other side is gone.
    with contextlib.suppress(grpc.aio.AioRpcError, OSError, struct.error):
        if mode == "socket":
            copy(address)
        else:
            asyncio.run(stream(address, mode))


main(sys.argv[1], sys.argv[2])
