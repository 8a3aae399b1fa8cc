"""What is said and done when the gateway is not there, comes later, or is cut off by HTTP/2 itself."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any, Literal

import grpc
import pytest
from typing_extensions import Self

import coilyard
from coilyard import SessionContext, _readiness
from coilyard import _methods as methods
from coilyard._calls import Caller, carrier_over, open_channel
from coilyard._carrier import UnaryCarrier
from coilyard._errors import StoreUnavailable
from coilyard._proto import sessions_pb2, variables_pb2, workers_pb2
from coilyard._tools import GatewayTools, ToolRequest
from support.calm_server import CalmServer
from support.manual_clock import PassingClock, until
from support.scripted_gateway import ScriptedGateway, a_message, a_variable, an_update, refuse

pytestmark = pytest.mark.asyncio


@pytest.fixture
def nowhere() -> Iterator[str]:
    """An address at which nobody listens, for as long as the test runs: only who is told of it may, as servers do."""
    with socket.socket() as held:
        held.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        held.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{held.getsockname()[1]}"


#: Seconds for a request with a `PassingClock` of 15 seconds: the time is over after the first attempt, or the second.
ONE_ATTEMPT, TWO_ATTEMPTS = 30.0, 60.0


@asynccontextmanager
async def hurried(address: str, timeout: float, multiplex: bool = True) -> AsyncIterator[coilyard.Client]:
    """A client whose time is over after so many attempts, however long each takes."""
    async with coilyard.connect(address, timeout=timeout, multiplex=multiplex) as client:
        client._caller.clock = PassingClock(15.0)
        yield client


async def a_value(request: Any, context: Any) -> Any:
    return variables_pb2.GetVariableResponse(revision=1, variable=a_variable(value=5))


# Nobody there


@pytest.mark.parametrize("multiplex", [True, False], ids=["frames", "calls"])
async def test_a_gateway_that_is_not_there_is_a_connection_error_that_names_its_address(
    nowhere: str, multiplex: bool
) -> None:
    async with hurried(nowhere, TWO_ATTEMPTS, multiplex) as client:
        caller = Caller(carrier_over(client.channel, None, multiplex), TWO_ATTEMPTS, PassingClock(15.0))
        session = SessionContext("s", client.channel, caller=caller)
        asks = {
            "session": lambda: client.session("s"),
            "read": lambda: session.get_variable("x", default=1),
            "write": lambda: session.set_variable("x", 1),
            "tool": lambda: session.call_tool("t", timeout=TWO_ATTEMPTS),
            "watch": lambda: anext(session.watch_variable("x")),
        }
        for name, ask in asks.items():
            with pytest.raises(ConnectionError) as lost:
                await ask()
            error: Any = lost.value
            assert isinstance(error, coilyard.ConnectionLost), name
            assert isinstance(error, grpc.RpcError)
            assert nowhere in str(error), name
            assert (error.code, error.code()) == ("unavailable", grpc.StatusCode.UNAVAILABLE)
            assert (error.execution, error.retryable) == ("not_started", True), name
            assert error.details == {}


@pytest.mark.parametrize("address", ["no.such.host.invalid:5", "::::"])
@pytest.mark.parametrize("multiplex", [True, False], ids=["frames", "calls"])
async def test_an_address_that_means_nothing_was_never_reached(address: str, multiplex: bool) -> None:
    async with hurried(address, ONE_ATTEMPT, multiplex) as client:
        with pytest.raises(coilyard.ConnectionLost) as lost:
            await client.session("s")
        assert (lost.value.execution, lost.value.retryable) == ("not_started", True)
        assert address in str(lost.value)


async def test_the_time_allowed_is_used_up_before_a_request_is_given_up(nowhere: str) -> None:
    async with coilyard.connect(nowhere, timeout=60.0) as client:
        clock = client._caller.clock = PassingClock(0.0)
        began = clock.now()
        with pytest.raises(ConnectionError):
            await client.session("s")
        assert 59.8 < clock.now() - began < 60.0


async def test_time_that_is_over_before_the_last_attempt_was_sent_does_not_hide_what_is_in_the_way(
    nowhere: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with hurried(nowhere, TWO_ATTEMPTS) as client:
        carrier = client._caller.carrier
        send, attempts = carrier.send, []

        async def hastily(method: Any, request: Any, timeout_s: float, calling_session: str | None) -> Any:
            attempts.append(timeout_s)
            # Nothing can be sent in no time at all.
            return await send(method, request, timeout_s if len(attempts) == 1 else 0.0, calling_session)

        monkeypatch.setattr(carrier, "send", hastily)
        with pytest.raises(coilyard.ConnectionLost, match=r"[Cc]onnection refused") as lost:
            await client.session("s")
        assert (len(attempts), lost.value.execution, lost.value.retryable) == (2, "not_started", True)
        assert isinstance(lost.value.__cause__, coilyard.DeadlineExceeded)


async def test_a_gateway_that_is_slow_to_take_a_connection_is_not_taken_for_one_that_is_not_there(
    gateway: ScriptedGateway,
) -> None:
    async with CalmServer(gateway.address, connections=0, late_s=0.5) as slow:
        channel = open_channel(slow.address)
        request = sessions_pb2.GetSessionRequest(session_id="s")
        reply = await UnaryCarrier(channel).send(methods.GetSession, request, 60.0, None)
        assert (reply.session.id, slow.reached) == ("s", 1)
        await channel.close()


async def test_a_gateway_that_takes_a_request_and_says_nothing_is_a_timeout_that_says_how_long(
    gateway: ScriptedGateway,
) -> None:
    async def hang(request: Any, context: Any) -> None:
        await asyncio.Event().wait()

    gateway.handlers["GetVariable"] = hang
    async with coilyard.connect(gateway.address) as client:
        session = await client.session("s")
        client._caller.timeout_s = 0.2
        with pytest.raises(TimeoutError, match=r"no answer within 0\.2 s") as late:
            await session.get_variable("x", default=1)
        error: Any = late.value
        assert gateway.address in str(error)
        assert (error.code, error.execution, error.retryable) == ("deadline_exceeded", "unknown", False)


async def test_an_error_does_not_forget_that_an_earlier_attempt_may_have_been_executed(
    gateway: ScriptedGateway,
) -> None:
    async def answer(request: Any, context: Any) -> Any:
        lost = StoreUnavailable("in the middle of it", execution="unknown")
        if len(gateway.of("SetVariable")) > 1:
            lost = StoreUnavailable("not even begun", execution="not_started")
        await refuse(context, lost, grpc.StatusCode.UNAVAILABLE)

    gateway.handlers["SetVariable"] = answer
    async with hurried(gateway.address, TWO_ATTEMPTS) as client:
        session = await client.session("s")
        with pytest.raises(StoreUnavailable) as failed:
            await session.set_variable("x", 1)
    assert len(gateway.of("SetVariable")) == 2
    assert (failed.value.execution, failed.value.retryable) == ("unknown", False)


async def test_what_must_not_happen_twice_is_sent_again_only_if_it_was_never_sent(gateway: ScriptedGateway) -> None:
    async def answer(request: Any, context: Any) -> Any:
        if request.name == "lost":
            await refuse(context, StoreUnavailable("gone", execution="unknown"), grpc.StatusCode.UNAVAILABLE)
        return workers_pb2.CallToolResponse()

    gateway.handlers["CallTool"] = answer
    async with coilyard.connect(gateway.address) as client:
        session = await client.session("s")
        with pytest.raises(ConnectionError):
            await session.call_tool("lost", timeout=60)
        assert len(gateway.of("CallTool")) == 1
    await gateway.stop()
    async with coilyard.connect(gateway.address) as client:
        tools = GatewayTools(client._caller)
        calling = asyncio.ensure_future(tools.call_tool(ToolRequest("found", {}, timeout_s=60)))
        await asyncio.sleep(0.1)
        await gateway.start(gateway.port)
        with pytest.raises(coilyard.ValidationFailed, match="without a kind"):
            await calling
        assert [request.name for request in gateway.of("CallTool")] == ["lost", "found"]


async def test_something_else_at_the_address_is_no_gateway_without_a_stream(gateway: ScriptedGateway) -> None:
    async def web_server(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(100)
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    server = await asyncio.start_server(web_server, "127.0.0.1", 0)
    address = f"127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with hurried(address, TWO_ATTEMPTS) as client:
        with pytest.raises(coilyard.TransportError) as refused:
            await client.session("s")
        assert address in str(refused.value)
        carrier: Any = client._caller.carrier
        assert carrier._is_served, "who answered was no gateway, so nothing is known of it"
    server.close()


# Waiting for it


async def serving(request: bytes, context: Any) -> bytes:
    return b"\x08\x01"


class Health:
    """A gateway's answer to whether it serves, on a port that is its own. None: it says nothing."""

    def __init__(self, *answers: bytes | None, port: int = 0) -> None:
        self.answers = list(answers)
        self.asked: list[dict[str, str]] = []
        self.server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])

        async def check(request: bytes, context: Any) -> bytes:
            self.asked.append(dict(context.invocation_metadata()))
            answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
            if answer is None:
                await asyncio.Event().wait()
            return answer

        method = grpc.unary_unary_rpc_method_handler(check)
        self.server.add_generic_rpc_handlers(
            (grpc.method_handlers_generic_handler("grpc.health.v1.Health", {"Check": method}),)
        )
        self.port = self.server.add_insecure_port(f"127.0.0.1:{port}")

    async def __aenter__(self) -> Self:
        await self.server.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.server.stop(None)


async def test_ready_waits_for_a_gateway_that_comes_later(nowhere: str) -> None:
    async with coilyard.connect(nowhere, token="t") as client:
        waiting = asyncio.ensure_future(client.ready())
        await asyncio.sleep(0.2)
        assert not waiting.done()
        async with Health(b"\x08\x02", b"\x08\x01", port=int(nowhere.rpartition(":")[2])) as health:
            await waiting
            assert [asked["authorization"] for asked in health.asked] == ["Bearer t"] * 2, "not while it shuts down"
            await client.ready(timeout=60)


async def test_ready_says_after_its_time_what_was_in_the_way(nowhere: str) -> None:
    async with hurried(nowhere, ONE_ATTEMPT) as client:
        with pytest.raises(TimeoutError, match=r"not ready within 30 s: .*[Cc]onnection refused") as late:
            await client.ready(timeout=ONE_ATTEMPT)
        error: Any = late.value
        assert nowhere in str(error)
        assert (error.code, error.execution, error.retryable) == ("deadline_exceeded", "not_started", True)
        assert isinstance(error.__cause__, coilyard.ConnectionLost)
    async with Health(b"\x08\x02") as health:
        async with hurried(f"127.0.0.1:{health.port}", ONE_ATTEMPT) as client:
            with pytest.raises(coilyard.DeadlineExceeded, match="not serving yet"):
                await client.ready(timeout=ONE_ATTEMPT)
        with pytest.raises(coilyard.ClientClosed):
            await client.ready(timeout=ONE_ATTEMPT)


async def test_a_last_question_that_is_not_answered_in_time_does_not_hide_what_was_in_the_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async with Health(b"\x08\x02", None) as health, hurried(f"127.0.0.1:{health.port}", TWO_ATTEMPTS) as client:

        async def pause(_seconds: float) -> None:
            monkeypatch.setattr(_readiness, "_PATIENCE_S", 0.05)

        monkeypatch.setattr(client._caller.clock, "sleep", pause)
        with pytest.raises(coilyard.DeadlineExceeded, match="not serving yet"):
            await client.ready(timeout=TWO_ATTEMPTS)


async def test_ready_does_not_wait_where_something_else_answers(gateway: ScriptedGateway) -> None:
    async with coilyard.connect(gateway.address) as client:
        with pytest.raises(coilyard.TransportError) as refused:
            await client.ready(timeout=60)
        assert refused.value.code == "unimplemented"


async def test_ready_of_the_synchronous_facade(nowhere: str) -> None:
    def wait() -> None:
        with coilyard.sync.connect(nowhere) as client:
            client.ready(timeout=0.1)

    with pytest.raises(coilyard.DeadlineExceeded, match="not ready"):
        await asyncio.to_thread(wait)


# Ended by HTTP/2


@pytest.mark.parametrize("how", ["stream", "connection"])
@pytest.mark.parametrize("code", [11, 2, 7, 8], ids=["enhance your calm", "internal", "refused", "cancel"])
async def test_a_call_that_http_ends_is_a_lost_connection_and_asked_again(
    gateway: ScriptedGateway, how: Literal["stream", "connection"], code: int
) -> None:
    gateway.handlers["GetVariable"] = a_value
    async with CalmServer(gateway.address, how, code) as calm, coilyard.connect(calm.address) as client:
        session = await client.session("s", config={"push": False})
        assert await session.get_variable("x") == 5
        assert calm.ended >= 1
        assert calm.reached >= 1
        assert len(gateway.of("GetVariable")) == 1


@pytest.mark.parametrize("how", ["stream", "connection"])
async def test_a_watch_that_http_ends_goes_on_and_the_cache_with_it(
    gateway: ScriptedGateway, how: Literal["stream", "connection"]
) -> None:
    gateway.handlers["GetVariable"] = a_value
    async with (
        CalmServer(gateway.address, how, connections=2, streams=3) as calm,
        coilyard.connect(calm.address) as client,
    ):
        session = SessionContext("s", client.channel, {"create_if_missing": False})
        following = asyncio.ensure_future(anext(session.watch_variable("x")))
        assert await session.get_variable("x") == 5
        await until(lambda: len(gateway.watches) == 2, "the watch and that of the cache")
        for peer in gateway.watches:
            peer.send(a_message(1, *([an_update("initial", value=5)] if peer.request.variables else [])))
        assert (await following).value == 5
        await until(lambda: session.cache.live)
        assert calm.ended >= 2


async def test_a_request_that_is_only_ever_reset_fails_as_a_lost_connection(gateway: ScriptedGateway) -> None:
    async with (
        CalmServer(gateway.address, connections=10_000) as calm,
        hurried(calm.address, TWO_ATTEMPTS) as client,
    ):
        with pytest.raises(coilyard.ConnectionLost, match=calm.address) as lost:
            await client.session("s")
        error: Any = lost.value
        assert error.code() is grpc.StatusCode.UNAVAILABLE
        assert calm.ended == 2, "as many as attempts, which are spaced, or the storm would go on"


async def test_very_many_cancelled_calls_do_no_harm_to_those_that_follow(
    gateway: ScriptedGateway, channel: grpc.aio.Channel
) -> None:
    async def answer(request: Any, context: Any) -> Any:
        if request.variable == "slow":
            await asyncio.Event().wait()
        return await a_value(request, context)

    gateway.handlers["GetVariable"] = answer
    session = SessionContext("s", channel, {"push": False, "enable_caching": False})
    assert await session.get_variable("x") == 5
    for _ in range(5):
        reading = [asyncio.ensure_future(session.get_variable("slow", bypass_cache=True)) for _ in range(300)]
        await asyncio.sleep(0.01)
        for task in reading:
            task.cancel()
        await asyncio.wait(reading)
        assert await session.get_variable("x") == 5


async def test_a_message_that_one_side_does_not_take_is_too_large_and_not_asked_for_again(
    gateway: ScriptedGateway,
) -> None:
    async def answer(request: Any, context: Any) -> Any:
        return variables_pb2.GetVariableResponse(revision=1, variable=a_variable(value="x" * 5000, type="string"))

    gateway.handlers["GetVariable"] = answer
    channel = grpc.aio.insecure_channel(gateway.address, options=[("grpc.max_receive_message_length", 1000)])
    session = SessionContext("s", channel, {"multiplex": False, "push": False})
    with pytest.raises(coilyard.PayloadTooLarge) as refused:
        await session.get_variable("x", default=1)
    assert (refused.value.code, refused.value.execution) == ("payload_too_large", "unknown")
    assert len(gateway.of("GetVariable")) == 1
    await channel.close()


async def test_a_caller_without_an_address_says_none(nowhere: str) -> None:
    channel = open_channel(nowhere)
    session = SessionContext("s", channel)
    assert isinstance(session._core.call, Caller)
    session._core.call.clock, session._core.call.timeout_s = PassingClock(15.0), ONE_ATTEMPT
    with pytest.raises(coilyard.ConnectionLost) as lost:
        await session.get_variable("x")
    assert "(gateway )" not in str(lost.value)
    await session.cleanup()
    await channel.close()
