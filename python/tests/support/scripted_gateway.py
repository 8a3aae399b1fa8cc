"""A gateway on a real port whose every answer a test decides. It has no rules of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import grpc

from coilyard import _methods
from coilyard._call_stream import MAX_BYTES, MAX_MESSAGE_BYTES
from coilyard._errors import CoilyardError, StoreUnavailable
from coilyard._methods import Method
from coilyard._proto import (
    calls_pb2,
    calls_pb2_grpc,
    optimizations_pb2_grpc,
    sessions_pb2,
    sessions_pb2_grpc,
    variables_pb2,
    variables_pb2_grpc,
    workers_pb2_grpc,
)
from coilyard._values import encode_value
from coilyard._wire_errors import DETAIL_TYPE_URL, STATUS_TRAILER, _detail_of_status, detail_from_error

Handler = Callable[[Any, Any], Awaitable[Any]]


def varint(number: int) -> bytes:
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(out + bytes([number]))


def field(number: int, content: bytes) -> bytes:
    return varint(number << 3 | 2) + varint(len(content)) + content


def status_bytes(error: CoilyardError, code: int = 2) -> bytes:
    """A serialized `google.rpc.Status` with our detail in it."""
    packed = field(1, DETAIL_TYPE_URL.encode()) + field(2, detail_from_error(error).SerializeToString())
    return b"\x08" + varint(code) + field(2, error.message.encode()) + field(3, packed)


async def refuse(context: Any, error: CoilyardError, status: grpc.StatusCode) -> None:
    """Ends a call as the gateway does."""
    trailer = ((STATUS_TRAILER, status_bytes(error)),)
    await context.abort(status, error.message, trailing_metadata=trailer)


def a_variable(
    name: str = "x", value: Any = 1, *, revision: int = 1, version: int = 0, **fields: Any
) -> variables_pb2.Variable:
    return variables_pb2.Variable(
        id=f"var_{name}_1",
        name=name,
        type=fields.pop("type", "integer"),
        value=encode_value(value),
        revision=revision,
        version=version,
        **fields,
    )


def an_update(
    kind: str, name: str = "x", value: Any = None, old: Any = None, *, revision: int = 1, **fields: Any
) -> variables_pb2.VariableUpdate:
    update = variables_pb2.VariableUpdate(
        type=getattr(variables_pb2, f"UPDATE_TYPE_{kind.upper()}"),
        name=name,
        variable_id=f"var_{name}_1",
        revision=revision,
        version=fields.pop("version", revision),
        **fields,
    )
    if kind in {"initial", "registered", "updated"}:
        update.value.CopyFrom(encode_value(value))
    if kind in {"updated", "deleted"}:
        update.old_value.CopyFrom(encode_value(old))
    return update


def a_message(revision: int, *updates: variables_pb2.VariableUpdate, tag: str = "t") -> variables_pb2.WatchResponse:
    return variables_pb2.WatchResponse(position=variables_pb2.Position(revision=revision, tag=tag), updates=updates)


class WatchPeer:
    """The gateway's end of one watch."""

    def __init__(self, request: variables_pb2.WatchRequest) -> None:
        self.request = request
        self.queue: asyncio.Queue[Any] = asyncio.Queue()
        self.closed = asyncio.Event()

    def send(self, message: variables_pb2.WatchResponse) -> None:
        self.queue.put_nowait(message)

    def end(self, status: grpc.StatusCode, error: CoilyardError | None = None) -> None:
        self.queue.put_nowait((status, error))


class CarriedContext:
    """What a handler sees of a call that came as a frame."""

    def __init__(self, metadata: dict[str, str]) -> None:
        self._metadata = metadata

    def invocation_metadata(self) -> dict[str, str]:
        return self._metadata

    async def abort(self, status: grpc.StatusCode, text: str = "", trailing_metadata: Any = ()) -> None:
        raise Aborted(status, text, dict(trailing_metadata))


class Aborted(Exception):
    """A refusal of a scripted handler."""

    def __init__(self, status: grpc.StatusCode, text: str, trailers: dict[str, bytes]) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
        self.trailers = trailers

    @property
    def detail(self) -> Any:
        """What the frame says. A failure of gRPC itself has no detail, and cannot happen to a single frame."""
        status = self.trailers.get(STATUS_TRAILER)
        detail = None if status is None else _detail_of_status(status)
        return detail or detail_from_error(StoreUnavailable(self.text))


class ScriptedGateway(
    sessions_pb2_grpc.SessionsServicer,
    variables_pb2_grpc.VariablesServicer,
    workers_pb2_grpc.WorkersServicer,
    optimizations_pb2_grpc.OptimizationsServicer,
):
    """Records requests and answers with the handler of each method; sessions exist unless a test says otherwise."""

    def __init__(self) -> None:
        self.requests: list[tuple[str, Any]] = []
        self.metadata: list[dict[str, str]] = []
        self.handlers: dict[str, Handler] = {}
        self.watches: list[WatchPeer] = []
        self.attach: Handler | None = None
        #: Serves `FollowOptimization`: gives the messages of one stream.
        self.follow: Callable[[Any, Any], AsyncIterator[Any]] | None = None
        self.carries = True
        #: Serves the stream of calls instead of `Carry`, when set.
        self.carry: Handler | None = None
        self.streams = 0
        self.port = 0
        self._server: grpc.aio.Server | None = None

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.port}"

    async def start(self, port: int = 0) -> None:
        self._server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
        sessions_pb2_grpc.add_SessionsServicer_to_server(self, self._server)
        variables_pb2_grpc.add_VariablesServicer_to_server(self, self._server)
        workers_pb2_grpc.add_WorkersServicer_to_server(self, self._server)
        optimizations_pb2_grpc.add_OptimizationsServicer_to_server(self, self._server)
        if self.carries:
            calls_pb2_grpc.add_CallsServicer_to_server(_Calls(self), self._server)
        self.port = self._server.add_insecure_port(f"127.0.0.1:{port}")
        await self._server.start()

    async def stop(self) -> None:
        if self._server is not None:
            await self._server.stop(None)

    async def restart(self) -> None:
        """Cuts every connection and listens again on the same port."""
        await self.stop()
        await self.start(self.port)

    def of(self, method: str) -> list[Any]:
        """The requests of one method."""
        return [request for name, request in self.requests if name == method]

    async def _answer(self, method: str, request: Any, context: Any, default: Any = None) -> Any:
        self.requests.append((method, request))
        self.metadata.append(dict(context.invocation_metadata()))
        handler = self.handlers.get(method)
        if handler is None:
            if default is None:
                await context.abort(grpc.StatusCode.UNIMPLEMENTED, f"no script for {method}")
            return default
        return await handler(request, context)

    async def CreateSession(self, request: Any, context: Any) -> Any:
        session = sessions_pb2.Session(id=request.id or "made")
        default = sessions_pb2.CreateSessionResponse(session=session, created=True)
        return await self._answer("CreateSession", request, context, default)

    async def TouchSession(self, request: Any, context: Any) -> Any:
        session = sessions_pb2.Session(id=request.session_id)
        return await self._answer("TouchSession", request, context, sessions_pb2.TouchSessionResponse(session=session))

    async def GetSession(self, request: Any, context: Any) -> Any:
        session = sessions_pb2.Session(id=request.session_id)
        return await self._answer("GetSession", request, context, sessions_pb2.GetSessionResponse(session=session))

    async def GetVariable(self, request: Any, context: Any) -> Any:
        return await self._answer("GetVariable", request, context)

    async def GetVariables(self, request: Any, context: Any) -> Any:
        return await self._answer("GetVariables", request, context)

    async def SetVariable(self, request: Any, context: Any) -> Any:
        return await self._answer("SetVariable", request, context)

    async def RegisterVariables(self, request: Any, context: Any) -> Any:
        return await self._answer("RegisterVariables", request, context)

    async def UpdateVariables(self, request: Any, context: Any) -> Any:
        return await self._answer("UpdateVariables", request, context)

    async def DeleteVariable(self, request: Any, context: Any) -> Any:
        return await self._answer("DeleteVariable", request, context)

    async def CallTool(self, request: Any, context: Any) -> Any:
        return await self._answer("CallTool", request, context)

    async def StartOptimization(self, request: Any, context: Any) -> Any:
        return await self._answer("StartOptimization", request, context)

    async def AskTrial(self, request: Any, context: Any) -> Any:
        return await self._answer("AskTrial", request, context)

    async def TellTrial(self, request: Any, context: Any) -> Any:
        return await self._answer("TellTrial", request, context)

    async def RenewOptimization(self, request: Any, context: Any) -> Any:
        return await self._answer("RenewOptimization", request, context)

    async def StopOptimization(self, request: Any, context: Any) -> Any:
        return await self._answer("StopOptimization", request, context)

    async def GetOptimizationStatus(self, request: Any, context: Any) -> Any:
        return await self._answer("GetOptimizationStatus", request, context)

    async def GetOptimizationHistory(self, request: Any, context: Any) -> Any:
        return await self._answer("GetOptimizationHistory", request, context)

    async def FollowOptimization(self, request: Any, context: Any) -> Any:
        self.requests.append(("FollowOptimization", request))
        assert self.follow is not None
        async for response in self.follow(request, context):
            yield response

    async def Watch(self, request: Any, context: Any) -> Any:
        peer = WatchPeer(request)
        self.watches.append(peer)
        try:
            while True:
                item = await peer.queue.get()
                if isinstance(item, tuple):
                    status, error = item
                    if error is None:
                        await context.abort(status, "scripted")
                    await refuse(context, error, status)
                yield item
        finally:
            peer.closed.set()

    async def Attach(self, requests: Any, context: Any) -> Any:
        assert self.attach is not None
        async for response in self.attach(requests, context):
            yield response

    async def Carry(self, requests: Any, context: Any) -> Any:
        self.streams += 1
        metadata = dict(context.invocation_metadata())
        replies: asyncio.Queue[Any] = asyncio.Queue()
        tasks: dict[int, asyncio.Task[None]] = {}

        async def serve(request: Any) -> None:
            caller = {"coilyard-session": request.calling_session} if request.calling_session else {}
            method = METHODS[request.method]
            reply = calls_pb2.CallReply(call_id=request.call_id)
            try:
                message = method.request.FromString(request.message)
                answer = await getattr(self, method.name)(message, CarriedContext({**metadata, **caller}))
                reply.message = answer.SerializeToString()
            except Aborted as aborted:
                reply.error.CopyFrom(aborted.detail)
            replies.put_nowait(calls_pb2.CarryResponse(frames=[calls_pb2.CalleeFrame(reply=reply)]))

        pieces: dict[int, bytes] = {}

        async def read() -> None:
            async for message in requests:
                for frame in message.frames:
                    if frame.HasField("request"):
                        tasks[frame.request.call_id] = asyncio.create_task(serve(frame.request))
                    elif frame.HasField("piece"):
                        piece = frame.piece
                        pieces[piece.call_id] = pieces.get(piece.call_id, b"") + piece.data
                        if piece.last:
                            whole = calls_pb2.CallRequest.FromString(pieces.pop(piece.call_id))
                            tasks[piece.call_id] = asyncio.create_task(serve(whole))
                    elif frame.HasField("cancel"):
                        tasks[frame.cancel.call_id].cancel()
            replies.put_nowait(None)

        reading = asyncio.create_task(read())
        try:
            while (reply := await replies.get()) is not None:
                yield reply
        finally:
            for task in (reading, *tasks.values()):
                task.cancel()


class _Calls(calls_pb2_grpc.CallsServicer):
    """Asks the gateway anew for each stream how it is served."""

    def __init__(self, gateway: ScriptedGateway) -> None:
        self._gateway = gateway

    async def Carry(self, requests: Any, context: Any) -> Any:
        serve: Any = self._gateway.carry or self._gateway.Carry
        await context.send_initial_metadata(((MAX_BYTES, "640000000"), (MAX_MESSAGE_BYTES, "4000000")))
        async for reply in serve(requests, context):
            yield reply


METHODS: dict[str, Method[Any, Any]] = {
    method.path: method for method in vars(_methods).values() if isinstance(method, Method)
}
