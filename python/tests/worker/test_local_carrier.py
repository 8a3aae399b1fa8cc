"""Frames over a socket of this machine: what becomes of bytes, without a socket."""

from __future__ import annotations

import asyncio
import random
import sys
from typing import Any

import pytest

from coilyard import Unauthenticated
from coilyard._proto import workers_pb2
from coilyard._wire_errors import detail_from_error
from coilyard._worker.exits import Exit, WorkerExit
from coilyard._worker.local_carrier import LocalCarrier, _Line, socket_address
from coilyard._worker.outbox import Outbox
from support.manual_clock import until

pytestmark = pytest.mark.asyncio


class Transport(asyncio.Transport):
    """Keeps what was written."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[bytes] = []
        self.ended = self.aborted = self.paused = False

    def write(self, data: Any) -> None:
        self.written.append(bytes(data))

    def write_eof(self) -> None:
        self.ended = True

    def abort(self) -> None:
        self.aborted = True

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False


def a_line() -> tuple[_Line, Transport, list[str]]:
    """A connection that is served, its transport, and the reasons of the cancellations that it has handed on."""
    line, transport, heard = _Line(asyncio.get_running_loop()), Transport(), list[str]()
    line.connection_made(transport)
    line.serve(Outbox(), lambda frames: heard.extend(frame.cancel.reason for frame in frames))
    return line, transport, heard


def message(*reasons: str) -> bytes:
    frames = [workers_pb2.RuntimeFrame(cancel=workers_pb2.Cancel(call_id=1, reason=reason)) for reason in reasons]
    content = workers_pb2.AttachResponse(frames=frames).SerializeToString()
    return len(content).to_bytes(4, "big") + content


def feed(line: _Line, data: bytes) -> None:
    """As the loop does: at most as much as there is room for."""
    while data and not line.ended.done():
        room = line.get_buffer(-1)
        assert len(room) > 0
        count = min(len(room), len(data))
        room[:count] = data[:count]
        line.buffer_updated(count)
        data = data[count:]


def sent(transport: Transport) -> list[list[int]]:
    """The numbers of the calls in each message that was written."""
    rest, messages = b"".join(transport.written), []
    while rest:
        end = 4 + int.from_bytes(rest[:4], "big")
        messages.append([frame.result.call_id for frame in workers_pb2.AttachRequest.FromString(rest[4:end]).frames])
        rest = rest[end:]
    return messages


def a_result(call_id: int) -> workers_pb2.WorkerFrame:
    return workers_pb2.WorkerFrame(result=workers_pb2.Result(call_id=call_id, value={"integer": 1}))


@pytest.mark.parametrize("seed", range(20))
async def test_messages_are_found_whole_and_in_order_wherever_the_stream_is_cut(seed: int) -> None:
    draw = random.Random(seed)
    line, _, heard = a_line()
    sizes = [draw.choice([0, 1, 30, 300, 70_000, 300_000, 1_100_000]) for _ in range(draw.randint(1, 25))]
    texts = [f"{number}:{'x' * size}" for number, size in enumerate(sizes)]
    stream = b"".join(message(text) for text in texts)
    while stream:
        count = draw.choice([1, 2, 3, 5, 100, 5_000, 65_536, 400_000])
        feed(line, stream[:count])
        stream = stream[count:]
    assert heard == texts
    assert not line.ended.done()


async def test_several_messages_that_come_at_once_are_handed_on_at_once() -> None:
    line, _, heard = a_line()
    feed(line, message("a", "b") + message("c") + message("d")[:7])
    assert heard == ["a", "b", "c"]


async def test_what_is_put_in_one_turn_of_the_loop_goes_together_but_much_of_it_does_not_wait_for_its_end() -> None:
    line, transport, _ = a_line()
    outbox = Outbox()
    line.serve(outbox, lambda _frames: None)
    for call_id in range(1, 11):
        outbox.put(a_result(call_id))
    assert sent(transport) == []
    await asyncio.sleep(0)
    assert sent(transport) == [list(range(1, 11))]
    for call_id in range(11, 112):
        outbox.put(a_result(call_id))
    early = sent(transport)[1:]
    assert 1 < len(early) < 10
    assert 80 < sum(map(len, early)) < 101
    await asyncio.sleep(0)
    assert [call_id for message in sent(transport) for call_id in message] == list(range(1, 112))


async def test_a_socket_that_is_full_is_not_written_to() -> None:
    line, transport, _ = a_line()
    outbox = Outbox()
    line.serve(outbox, lambda _frames: None)
    line.pause_writing()
    for call_id in range(1, 5):
        outbox.put(a_result(call_id))
    await asyncio.sleep(0)
    outbox.close()
    line.part()
    assert transport.written == []
    line.resume_writing()
    assert transport.written[-1] == bytes(4)
    assert transport.ended
    transport.written.pop()
    assert sent(transport) == [[1, 2, 3, 4]]


async def test_the_orderly_end_and_a_failure_are_told_apart_from_a_connection_that_breaks() -> None:
    line, _, heard = a_line()
    feed(line, message("a") + bytes(4) + message("b"))
    assert heard == ["a"]
    assert line.ended.result() is None

    detail = detail_from_error(Unauthenticated("the token was used before")).SerializeToString()
    line, _, _ = a_line()
    feed(line, (len(detail) | 1 << 31).to_bytes(4, "big") + detail)
    refused = line.ended.exception()
    assert isinstance(refused, WorkerExit)
    assert (refused.code, "the token was used before" in str(refused)) == (Exit.REFUSED, True)

    for lose in (lambda line: line.eof_received(), lambda line: line.connection_lost(BrokenPipeError("gone"))):
        line, transport, _ = a_line()
        lose(line)
        lost = line.ended.exception()
        assert isinstance(lost, WorkerExit)
        assert lost.code == Exit.DISCONNECTED
        line.send([b"late"])
        assert transport.written == []


@pytest.mark.parametrize("seed", range(200))
async def test_bytes_that_are_no_message_end_the_connection_or_wait_for_more(seed: int) -> None:
    draw = random.Random(seed)
    line, transport, _ = a_line()
    for _ in range(20):
        content = draw.randbytes(draw.randint(0, 60))
        feed(line, len(content).to_bytes(4, "big") + content)
    assert line.ended.done() == transport.aborted


async def test_what_fails_in_a_frame_ends_the_connection_with_it() -> None:
    line, transport, _ = a_line()

    def fail(frames: object) -> None:
        raise MemoryError("none left")

    line.serve(Outbox(), fail)
    feed(line, message("a"))
    assert isinstance(line.ended.exception(), MemoryError)
    assert transport.aborted


async def test_what_comes_right_behind_the_welcome_waits_until_that_was_read(tmp_path: Any) -> None:
    parted = asyncio.Event()

    async def greet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(4)
        writer.write(message("welcome") + message("a") + message("b"))
        await reader.read()
        writer.close()
        parted.set()

    server = await asyncio.start_unix_server(greet, tmp_path / "s")
    carrier = LocalCarrier(str(tmp_path / "s"))
    first = await carrier.greet(workers_pb2.AttachRequest(frames=[a_result(1)]), 10)
    assert [frame.cancel.reason for frame in first] == ["welcome"]
    await asyncio.sleep(0.02)
    heard: list[str] = []
    carrier.serve(Outbox(), lambda frames: heard.extend(frame.cancel.reason for frame in frames))
    await until(lambda: heard == ["a", "b"])
    await carrier.close()
    await parted.wait()
    server.close()


async def test_nobody_at_the_socket_is_said_with_the_reason(tmp_path: Any) -> None:
    with pytest.raises(WorkerExit, match=r"cannot be reached: .*No such file") as ended:
        await LocalCarrier(str(tmp_path / "nowhere")).greet(workers_pb2.AttachRequest(), 10)
    assert ended.value.code == Exit.DISCONNECTED


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="abstract names are Linux's")
async def test_an_abstract_name_is_dialled_at_its_full_length() -> None:
    assert socket_address("/run/x") == "/run/x"
    address = socket_address("@coilyard-workers-x")
    assert len(address) == 108
    server = await asyncio.start_unix_server(lambda _reader, writer: writer.close(), address)
    with pytest.raises(WorkerExit, match="connection to the runtime was lost"):
        await LocalCarrier("@coilyard-workers-x").greet(workers_pb2.AttachRequest(frames=[a_result(1)]), 10)
    server.close()
