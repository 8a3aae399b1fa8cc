"""What a worker says of a stream that broke, however gRPC puts it."""

from __future__ import annotations

import socket
from typing import Any

import grpc
import pytest

from coilyard._proto import workers_pb2
from coilyard._worker.exits import Exit, WorkerExit
from coilyard._worker.grpc_carrier import GrpcCarrier


class _FailingWrites:
    """A channel on whose streams gRPC hears of a failed write before it has read why the stream has ended."""

    def __init__(self, channel: grpc.aio.Channel) -> None:
        self._channel = channel

    def stream_stream(self, *args: Any, **kwargs: Any) -> Any:
        open_stream: Any = self._channel.stream_stream(*args, **kwargs)

        def opened() -> Any:
            stream = open_stream()
            stream._cython_call.set_internal_error("a write failed")
            return stream

        return opened


@pytest.mark.asyncio
async def test_a_write_that_fails_first_does_not_hide_why_the_stream_has_ended() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # nobody listens there
        async with grpc.aio.insecure_channel(f"127.0.0.1:{taken.getsockname()[1]}") as channel:
            failing: Any = _FailingWrites(channel)
            carrier = GrpcCarrier(lambda: failing)
            with pytest.raises(WorkerExit, match=r"the runtime cannot be reached: .*Connection refused") as ended:
                await carrier.greet(workers_pb2.AttachRequest(), 30)
            await carrier.close()
    assert ended.value.code == Exit.DISCONNECTED
