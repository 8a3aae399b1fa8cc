"""The connection to the runtime: hello, then frames in both directions until one side ends it."""

from __future__ import annotations

import asyncio
import contextlib
import importlib.util
import json
import logging
import os
import platform
from collections.abc import Coroutine, Iterator, Sequence
from typing import Any

from coilyard._clock import SystemClock
from coilyard._proto import workers_pb2
from coilyard._registry import BUILT_IN_MODULES, Registry
from coilyard._version import __version__
from coilyard._worker.asks import Asks
from coilyard._worker.call_logs import CallLogs
from coilyard._worker.dial import Dialer
from coilyard._worker.executor import Executor
from coilyard._worker.exits import Exit, WorkerExit, cut_off_soon
from coilyard._worker.heartbeat import beat
from coilyard._worker.hops import Hops
from coilyard._worker.lease import Lease, LeaseWatch
from coilyard._worker.module_calls import ModuleCalls
from coilyard._worker.options import WorkerOptions
from coilyard._worker.outbox import MAX_FRAME_BYTES, Outbox
from coilyard._worker.pieces import PieceAssembler
from coilyard._worker.preload import preload
from coilyard._worker.sessions import Sessions
from coilyard._worker.threads import Threads
from coilyard._worker.tool_calls import ToolCalls

#: Seconds for the runtime to answer the hello, and to end the connection after the last frame.
WELCOME_TIMEOUT_S = 30.0
FAREWELL_TIMEOUT_S = 2.0

_log = logging.getLogger("coilyard.worker")


class Attachment:
    """One life of a worker on one connection.

    Args:
        options: Who it is.
        registry: What it can do.
    """

    def __init__(self, options: WorkerOptions, registry: Registry) -> None:
        self._options = options
        self._registry = registry
        self._outbox = Outbox()
        self._drain_asked = asyncio.Event()
        self._abandoned: asyncio.Future[WorkerExit] = asyncio.get_running_loop().create_future()
        self._lease: Lease | None = None
        self._dialer = Dialer(options)
        self._carrier = self._dialer.carrier()
        hops = Hops()
        self._threads = Threads(options.concurrency, hops)
        self._pieces = PieceAssembler()
        self._asks = Asks(self._outbox.put, self._max_frame_bytes, hops)
        self._sessions = Sessions(self._dialer.channel, options.token, self._asks)
        tools = ToolCalls(registry, self._threads, self._sessions, hops)
        modules = ModuleCalls(registry, self._threads, tools)
        self._executor = Executor(
            tools,
            modules,
            options.concurrency,
            self._outbox.put,
            self._outbox.offer,
            self._max_frame_bytes,
            self._asks,
        )

    def _max_frame_bytes(self) -> int:
        return self._outbox.max_frame_bytes

    def drain(self) -> None:
        """Asks it to take no more calls, finish those in hand, and end."""
        self._drain_asked.set()

    async def run(self) -> None:
        """Serves until it was asked to drain and has.

        Raises:
            WorkerExit: It was refused, or the stream ended too early.
        """
        logs = CallLogs()
        logging.getLogger().addHandler(logs)
        try:
            welcome = await self._greet()
            self._outbox.max_frame_bytes = welcome.max_frame_bytes or MAX_FRAME_BYTES
            interval_ms = welcome.heartbeat_interval_ms or self._options.heartbeat_interval_ms
            if welcome.lease_ms:  # who started it by hand wants to know
                _log.info("the runtime at %s has taken this worker in", self._options.gateway)
            with self._leased(welcome.lease_ms / 1000):
                await self._serve(interval_ms / 1000)
        finally:
            logging.getLogger().removeHandler(logs)
            self._asks.close()
            await self._carrier.close()
            self._threads.close()
            await self._sessions.close()
            await self._dialer.close()

    async def _greet(self) -> workers_pb2.Welcome:
        hello = workers_pb2.WorkerFrame(hello=hello_of(self._options, self._registry))
        try:
            frames = await self._carrier.greet(workers_pb2.AttachRequest(frames=[hello]), WELCOME_TIMEOUT_S)
        except asyncio.TimeoutError as error:
            raise WorkerExit(Exit.DISCONNECTED, f"no welcome within {WELCOME_TIMEOUT_S:.0f} s") from error
        if not frames:
            raise WorkerExit(Exit.REFUSED, "the runtime ended the stream instead of welcoming this worker")
        first, *others = frames
        if first.WhichOneof("frame") != "welcome":
            raise WorkerExit(Exit.REFUSED, f"expected a welcome, got {first.WhichOneof('frame')}")
        self._obey(others)
        return first.welcome

    async def _serve(self, interval_s: float) -> None:
        serving = self._carrier.serve(self._outbox, self._hear)
        beating = _spawn(beat(SystemClock(), interval_s, lambda: self._executor.call_ids, self._outbox.offer))
        draining = _spawn(self._drain())
        preloading = _spawn(preload(self._options.preload, lambda: not self._executor.call_ids))
        try:
            endings: list[asyncio.Future[Any]] = [serving, draining, self._abandoned]
            await asyncio.wait(endings, return_when=asyncio.FIRST_COMPLETED)
            if self._abandoned.done():
                raise self._abandoned.result()
            if not draining.done():
                raise serving.exception() or WorkerExit(Exit.DISCONNECTED, "the runtime ended the stream")
            # Everything was answered: send what waits, say goodbye, and let the runtime end the connection.
            self._outbox.close()
            await self._carrier.part(FAREWELL_TIMEOUT_S)
        finally:
            for task in (preloading, beating, draining):
                task.cancel()
            await asyncio.gather(preloading, beating, draining, return_exceptions=True)
            await self._carrier.close()

    @contextlib.contextmanager
    def _leased(self, lease_s: float) -> Iterator[None]:
        """Ends the worker when it hears nothing for so long; 0: it has no lease."""
        if lease_s == 0:
            yield
            return
        loop = asyncio.get_running_loop()
        self._lease = Lease(lease_s)

        def over(silent_s: float) -> None:
            reason = (
                f"nothing came from the runtime for {silent_s:.1f} s: it is gone, it hangs, or it cannot be reached"
            )
            # A loop that hangs would never hear of what comes next.
            cut_off_soon(Exit.LEASE_OVER, reason)
            with contextlib.suppress(RuntimeError):  # the loop has just ended
                loop.call_soon_threadsafe(self._abandon, WorkerExit(Exit.LEASE_OVER, reason))

        watch = LeaseWatch(self._lease, over)
        try:
            yield
        finally:
            watch.stop()

    def _abandon(self, ended: WorkerExit) -> None:
        if not self._abandoned.done():
            self._abandoned.set_result(ended)

    def _hear(self, frames: Sequence[workers_pb2.RuntimeFrame]) -> None:
        if self._lease is not None:
            self._lease.sign()
        self._obey(frames)

    async def _drain(self) -> None:
        await self._drain_asked.wait()
        self._outbox.put(workers_pb2.WorkerFrame(draining=workers_pb2.Draining()))
        await self._executor.drain()

    def _obey(self, frames: Sequence[workers_pb2.RuntimeFrame]) -> None:
        for frame in frames:
            kind = frame.WhichOneof("frame")
            if kind == "call":
                self._executor.start(frame.call)
            elif kind == "cancel":
                self._executor.cancel(frame.cancel.call_id, frame.cancel.reason)
            elif kind == "credit":
                self._executor.grant(frame.credit.call_id, frame.credit.chunks)
            elif kind == "answer":
                self._asks.answered(frame.answer)
            elif kind == "piece":
                whole = self._pieces.take(frame.piece)
                if whole is not None:
                    self._obey([whole])
            elif kind == "drain":
                self.drain()
            elif kind == "pulse":
                pass  # any frame is a sign of life
            else:
                _log.warning("a frame of an unknown kind was ignored: is the runtime newer than this worker?")


def hello_of(options: WorkerOptions, registry: Registry) -> workers_pb2.Hello:
    """The first frame: who this is and what it can do."""
    tools = [
        workers_pb2.ToolSpec(
            name=tool.name,
            description=tool.description,
            parameters_schema=json.dumps(tool.schema),
            streaming=tool.streaming,
            variables=tool.variables,
        )
        for tool in registry.tools.all()
    ]
    modules = [
        workers_pb2.ModuleSpec(name=module.name, description=module.description, variables=module.variables)
        for module in registry.modules.all()
    ]
    if importlib.util.find_spec("dspy") is not None:
        modules += [
            workers_pb2.ModuleSpec(name=kind, description=f"dspy.{kind} by signature") for kind in BUILT_IN_MODULES
        ]
    return workers_pb2.Hello(
        token=options.token,
        worker_id=options.worker_id,
        incarnation=options.incarnation,
        pid=os.getpid(),
        python_version=platform.python_version(),
        sdk_version=__version__,
        tools=tools,
        modules=modules,
        concurrency=options.concurrency,
    )


def _spawn(work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
    return asyncio.get_running_loop().create_task(work)
