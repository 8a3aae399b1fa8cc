"""What a stream of calls makes of the metadata that accept it, whatever version of grpcio hands them out."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

import coilyard
from coilyard._call_stream import MAX_BYTES, MAX_MESSAGE_BYTES, CallStream
from coilyard._proto import calls_pb2

pytestmark = pytest.mark.asyncio


class OldMetadata(Mapping[Any, Any]):
    """As before grpcio 1.80: a mapping whose keys are pairs."""

    def __init__(self, **entries: str) -> None:
        self._entries = {key.replace("_", "-"): value for key, value in entries.items()}

    def __getitem__(self, key: str) -> str:
        return self._entries[key]

    def __iter__(self) -> Iterator[Any]:
        return iter(self._entries.items())

    def __len__(self) -> int:
        return len(self._entries)


class EchoStream:
    """Answers every request with itself."""

    def __init__(self, metadata: Any) -> None:
        self._metadata = metadata
        self._answers: asyncio.Queue[bytes] = asyncio.Queue()

    async def initial_metadata(self) -> Any:
        return self._metadata

    async def write(self, message: bytes) -> None:
        for frame in calls_pb2.CarryRequest.FromString(message).frames:
            reply = calls_pb2.CallReply(call_id=frame.request.call_id, message=frame.request.message)
            response = calls_pb2.CarryResponse(frames=[calls_pb2.CalleeFrame(reply=reply)])
            await self._answers.put(response.SerializeToString())

    async def read(self) -> bytes:
        return await self._answers.get()

    def cancel(self) -> bool:
        return True


ACCEPTED = {MAX_BYTES.replace("-", "_"): "1000", MAX_MESSAGE_BYTES.replace("-", "_"): "1000"}


async def test_metadata_that_old_versions_hand_out_are_understood() -> None:
    stream = CallStream(EchoStream(OldMetadata(**ACCEPTED)))
    assert await stream.carry("/x", b"here", 5.0, "") == b"here"
    with pytest.raises(coilyard.PayloadTooLarge):
        await stream.carry("/x", bytes(1001), 5.0, "")
    await stream.aclose()


async def test_metadata_that_nobody_understands_end_the_stream_and_keep_nobody_waiting() -> None:
    stream = CallStream(EchoStream(OldMetadata(**{**ACCEPTED, MAX_BYTES.replace("-", "_"): "many"})))
    with pytest.raises(coilyard.InternalError, match="many") as refused:
        await stream.carry("/x", b"here", 60.0, "")
    assert refused.value.execution == "not_started"
    assert stream.is_over
