"""Parts of a worker on a table: no stream, no process; frames end up in a list."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import grpc

from coilyard._proto import workers_pb2
from coilyard._registry import Registry
from coilyard._values import decode_value, encode_metadata
from coilyard._wire_errors import error_from_detail
from coilyard._worker.asks import Asks
from coilyard._worker.executor import Executor
from coilyard._worker.hops import Hops
from coilyard._worker.module_calls import ModuleCalls
from coilyard._worker.sessions import Sessions
from coilyard._worker.threads import Threads
from coilyard._worker.tool_calls import ToolCalls
from support.manual_clock import until


class BenchWorker:
    """Runs calls and keeps what they answered."""

    def __init__(self, registry: Registry, concurrency: int = 8) -> None:
        self.frames: list[workers_pb2.WorkerFrame] = []
        self.channel = grpc.aio.insecure_channel("127.0.0.1:1")
        self.hops = Hops()
        self.threads = Threads(concurrency, self.hops)
        self.asks = Asks(self.frames.append, hops=self.hops)
        self.sessions = Sessions(lambda: self.channel, "token", self.asks)
        self.tools = ToolCalls(registry, self.threads, self.sessions, self.hops)
        self.modules = ModuleCalls(registry, self.threads, self.tools)
        self.executor = Executor(self.tools, self.modules, concurrency, self.frames.append, asks=self.asks)
        self._last = 0

    async def close(self) -> None:
        for call_id in self.executor.call_ids:
            self.executor.cancel(call_id, "the test is over")
        await self.executor.drain()
        self.threads.close()
        await self.sessions.close()
        await self.channel.close()

    def start(self, call: workers_pb2.Call) -> int:
        self._last += 1
        call.call_id = self._last
        self.executor.start(call)
        return self._last

    async def answer(self, call_id: int) -> Any:
        """The value of the result; raises the error of a failure."""
        await until(lambda: self._answer(call_id) is not None, f"an answer to call {call_id}")
        frame = self._answer(call_id)
        assert frame is not None
        assert sum(self._is_answer(other, call_id) for other in self.frames) == 1, "answered exactly once"
        if frame.WhichOneof("frame") == "failure":
            raise error_from_detail(frame.failure.error)
        return decode_value(frame.result.value)

    async def tool(self, name: str, arguments: Mapping[str, Any] | None = None, **fields: Any) -> Any:
        return await self.answer(self.start(a_tool_call(name, arguments, **fields)))

    async def module(self, kind: str, arguments: Mapping[str, Any] | None = None, **fields: Any) -> Any:
        return await self.answer(self.start(a_module_call(kind, arguments, **fields)))

    def chunks(self, call_id: int) -> list[Any]:
        return [
            decode_value(frame.chunk.value)
            for frame in self.frames
            if frame.WhichOneof("frame") == "chunk" and frame.chunk.call_id == call_id
        ]

    def _answer(self, call_id: int) -> workers_pb2.WorkerFrame | None:
        return next((frame for frame in self.frames if self._is_answer(frame, call_id)), None)

    @staticmethod
    def _is_answer(frame: workers_pb2.WorkerFrame, call_id: int) -> bool:
        kind = frame.WhichOneof("frame")
        return kind in {"result", "failure"} and getattr(frame, kind).call_id == call_id


def a_tool_call(name: str, arguments: Mapping[str, Any] | None = None, **fields: Any) -> workers_pb2.Call:
    return workers_pb2.Call(tool=name, arguments=encode_metadata(arguments), **fields)


def a_module_call(
    kind: str,
    arguments: Mapping[str, Any] | None = None,
    *,
    signature: str = "question -> answer",
    instructions: str = "",
    options: Mapping[str, Any] | None = None,
    tools: list[str] | None = None,
    variables: Mapping[str, Any] | None = None,
    **fields: Any,
) -> workers_pb2.Call:
    recipe = workers_pb2.Recipe(
        kind=kind, signature=signature, instructions=instructions, options=encode_metadata(options), tools=tools or []
    )
    return workers_pb2.Call(
        module=recipe, arguments=encode_metadata(arguments), variables=encode_metadata(variables), **fields
    )
