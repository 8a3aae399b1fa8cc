"""Calls as frames on one stream: what is particular to it. Everything else is asked of both ways in `test_calls`."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import pytest

import coilyard
from coilyard import SessionContext
from coilyard import _methods as methods
from coilyard._call_stream import PACK_BYTES, StreamCarrier
from coilyard._methods import Method
from coilyard._proto import calls_pb2, optimizations_pb2, sessions_pb2, variables_pb2, workers_pb2
from support.manual_clock import until
from support.scripted_gateway import ScriptedGateway, a_variable

pytestmark = pytest.mark.asyncio

Answer = Callable[[Any, Any], Awaitable[Any]]


@pytest.fixture
def carrier() -> str:
    return "frames"


def a_request(name: str = "x") -> variables_pb2.GetVariableRequest:
    return variables_pb2.GetVariableRequest(session_id="s", variable=name)


def answering(value: Any = 5) -> Answer:
    async def answer(request: Any, context: Any) -> Any:
        return variables_pb2.GetVariableResponse(revision=1, variable=a_variable(value=value))

    return answer


async def hang(request: Any, context: Any) -> None:
    await asyncio.Event().wait()


def get(carrier: StreamCarrier, timeout_s: float = 60.0) -> asyncio.Task[variables_pb2.GetVariableResponse]:
    return asyncio.ensure_future(carrier.send(methods.GetVariable, a_request(), timeout_s, None))


async def test_every_unary_method_of_the_gateway_is_there_with_its_messages() -> None:
    known = {method.path: method for method in vars(methods).values() if isinstance(method, Method)}
    for module in (sessions_pb2, variables_pb2, workers_pb2, optimizations_pb2):
        for service in module.DESCRIPTOR.services_by_name.values():
            for described in service.methods:
                path = f"/{service.full_name}/{described.name}"
                if described.server_streaming:
                    assert path not in known
                    continue
                method = known.pop(path)
                assert method.request.DESCRIPTOR.full_name == described.input_type.full_name
                assert method.reply.DESCRIPTOR.full_name == described.output_type.full_name
    assert not known


async def test_all_sessions_of_a_client_share_one_stream(gateway: ScriptedGateway) -> None:
    gateway.handlers["GetVariable"] = answering()
    async with coilyard.connect(gateway.address) as client:
        sessions = [await client.session(f"s{n}", config={"push": False}) for n in range(5)]
        await asyncio.gather(*(session.get_variable("x") for session in sessions))
    assert gateway.streams == 1
    assert len(gateway.of("GetVariable")) == 5


async def test_a_client_that_wants_a_call_for_each_request_opens_no_stream(gateway: ScriptedGateway) -> None:
    gateway.handlers["GetVariable"] = answering()
    async with coilyard.connect(gateway.address, multiplex=False) as client:
        session = await client.session("s")
        assert await session.get_variable("x") == 5
    assert gateway.streams == 0


async def test_answers_come_in_any_order(gateway: ScriptedGateway, channel: grpc.aio.Channel) -> None:
    released = asyncio.Event()

    async def answer(request: Any, context: Any) -> Any:
        if request.variable == "slow":
            await released.wait()
        return variables_pb2.GetVariableResponse(revision=1, variable=a_variable(request.variable))

    gateway.handlers["GetVariable"] = answer
    carrier = StreamCarrier(channel)
    slow = asyncio.ensure_future(carrier.send(methods.GetVariable, a_request("slow"), 60.0, None))
    quick = await carrier.send(methods.GetVariable, a_request("quick"), 60.0, None)
    assert (quick.variable.name, slow.done()) == ("quick", False)
    released.set()
    assert (await slow).variable.name == "slow"
    await carrier.close()


async def test_a_request_that_is_too_large_for_a_message_arrives_whole_and_lets_others_pass(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    heard: list[str] = []
    content = bytes(range(256)) * (PACK_BYTES // 256) * 5 + b"end"

    async def write(request: Any, context: Any) -> Any:
        heard.append("large")
        assert request.value.tensor.data == content
        return variables_pb2.SetVariableResponse(revision=2, variable=a_variable())

    async def read(request: Any, context: Any) -> Any:
        heard.append("small")
        return variables_pb2.GetVariableResponse(revision=1, variable=a_variable())

    gateway.handlers.update(SetVariable=write, GetVariable=read)
    carrier = StreamCarrier(channel)
    request = variables_pb2.SetVariableRequest(session_id="s", variable="x")
    request.value.tensor.data = content
    large = asyncio.ensure_future(carrier.send(methods.SetVariable, request, 30.0, None))
    await asyncio.sleep(0)
    small = asyncio.ensure_future(carrier.send(methods.GetVariable, a_request(), 30.0, None))
    await asyncio.gather(large, small)
    assert heard == ["small", "large"]
    await carrier.close()


async def test_a_large_request_that_is_given_up_is_sent_no_further(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    heard: list[str | None] = []
    cancelled = asyncio.Event()

    async def listen(requests: Any, context: Any) -> Any:
        async for message in requests:
            heard.extend(frame.WhichOneof("frame") for frame in message.frames)
            if "cancel" in heard:
                cancelled.set()
        yield calls_pb2.CarryResponse()

    gateway.carry = listen
    carrier = StreamCarrier(channel)
    request = variables_pb2.SetVariableRequest(session_id="s", variable="x")
    request.value.tensor.data = bytes(200 * PACK_BYTES)
    large = asyncio.ensure_future(carrier.send(methods.SetVariable, request, 30.0, None))
    await until(lambda: heard)
    large.cancel()
    await cancelled.wait()
    assert heard.count("piece") < 200
    assert heard[-1] == "cancel"
    await carrier.close()


async def test_an_answer_in_pieces_is_put_together(gateway: ScriptedGateway, channel: grpc.aio.Channel) -> None:
    text = "ä" * PACK_BYTES

    async def in_pieces(requests: Any, context: Any) -> Any:
        async for message in requests:
            for frame in message.frames:
                answer = variables_pb2.GetVariableResponse(revision=1, variable=a_variable(value=text))
                call_id = frame.request.call_id
                reply = calls_pb2.CallReply(call_id=call_id, message=answer.SerializeToString()).SerializeToString()
                for start in range(0, len(reply), PACK_BYTES):
                    data, last = reply[start : start + PACK_BYTES], start + PACK_BYTES >= len(reply)
                    piece = calls_pb2.CallPiece(call_id=call_id, data=data, last=last)
                    yield calls_pb2.CarryResponse(frames=[calls_pb2.CalleeFrame(piece=piece)])

    gateway.carry = in_pieces
    carrier = StreamCarrier(channel)
    first, second = await asyncio.gather(get(carrier), get(carrier))
    assert first.variable.value.text == second.variable.value.text == text
    await carrier.close()


async def test_a_stream_that_breaks_fails_what_was_sent_as_unknown_and_the_next_request_opens_another(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    gateway.handlers["GetVariable"] = hang
    carrier = StreamCarrier(channel)
    waiting = [get(carrier) for _ in range(3)]
    await until(lambda: len(gateway.of("GetVariable")) == 3)
    await gateway.stop()
    lost = await asyncio.gather(*waiting, return_exceptions=True)
    assert len({id(error) for error in lost}) == 3
    for error in lost:
        assert isinstance(error, coilyard.ConnectionLost)
        assert (error.code, error.execution, error.retryable) == ("unavailable", "unknown", False)
        assert error.code() is grpc.StatusCode.UNAVAILABLE
    gateway.handlers["GetVariable"] = answering(7)
    await gateway.start(gateway.port)
    session = SessionContext("s", channel, {"push": False})
    assert await session.get_variable("x") == 7
    await session.cleanup()
    await carrier.close()


async def test_a_gateway_that_was_never_reached_has_executed_nothing(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    await gateway.stop()
    carrier = StreamCarrier(channel)
    with pytest.raises(coilyard.ConnectionLost) as lost:
        await get(carrier)
    assert (lost.value.execution, lost.value.retryable) == ("not_started", True)
    await carrier.close()


async def test_a_deadline_ends_the_waiting_and_tells_the_gateway(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    cancelled = asyncio.Event()

    async def notice(request: Any, context: Any) -> None:
        try:
            await hang(request, context)
        finally:
            cancelled.set()

    gateway.handlers["GetVariable"] = answering()
    carrier = StreamCarrier(channel)
    await get(carrier)  # from here on a request is sent before its time can be over
    gateway.handlers["GetVariable"] = notice
    with pytest.raises(TimeoutError) as late:
        await get(carrier, timeout_s=0.05)
    assert isinstance(late.value, coilyard.CoilyardError)
    assert (late.value.code, late.value.execution) == ("deadline_exceeded", "unknown")
    await cancelled.wait()
    await carrier.close()


async def test_closing_fails_what_is_in_hand_and_leaves_no_task(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    gateway.handlers["GetVariable"] = hang
    before = asyncio.all_tasks()
    carrier = StreamCarrier(channel)
    waiting = get(carrier)
    await until(lambda: gateway.of("GetVariable"))
    await carrier.close()
    with pytest.raises(coilyard.ClientClosed):
        await waiting
    ours = [task for task in asyncio.all_tasks() - before if "CallStream" in repr(task)]
    assert ours == []


async def test_a_context_that_is_dropped_frees_its_stream(gateway: ScriptedGateway, channel: grpc.aio.Channel) -> None:
    ended = asyncio.Event()
    carry = gateway.Carry

    async def notice(requests: Any, context: Any) -> Any:
        try:
            async for reply in carry(requests, context):
                yield reply
        finally:
            ended.set()

    gateway.carry = notice
    gateway.handlers["GetVariable"] = answering()
    session = SessionContext("s", channel, {"push": False})
    assert await session.get_variable("x") == 5
    del session
    gc.collect()
    await ended.wait()


async def test_an_answer_that_is_none_is_an_internal_error(gateway: ScriptedGateway, channel: grpc.aio.Channel) -> None:
    async def garbage(requests: Any, context: Any) -> Any:
        async for _ in requests:
            piece = calls_pb2.CallPiece(call_id=1, data=b"\xff\xff\xff", last=True)
            yield calls_pb2.CarryResponse(frames=[calls_pb2.CalleeFrame(piece=piece)])

    gateway.carry = garbage
    carrier = StreamCarrier(channel)
    with pytest.raises(coilyard.InternalError):
        await get(carrier)
    await carrier.close()
