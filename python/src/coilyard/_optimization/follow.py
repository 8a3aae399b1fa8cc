"""Tells a callback of every trial of a run, in order, each once, for as long as the run goes on."""

from __future__ import annotations

import asyncio
import inspect
import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from typing import Any

import grpc

from coilyard._calls import Caller
from coilyard._errors import ClientClosed, CoilyardError
from coilyard._feed import may_come_back
from coilyard._optimization.records import history_entry
from coilyard._optimization.threads import Attempt, attempt_of
from coilyard._proto import optimizations_pb2
from coilyard._wire_errors import error_from_rpc

Response = optimizations_pb2.FollowOptimizationResponse

#: Opens a stream of trials.
OpenFollow = Callable[[optimizations_pb2.FollowOptimizationRequest], Any]

#: What is told: the iteration, the value or the values by name, and the metrics.
Callback = Callable[[int, Any, dict[str, float]], Any]

_log = logging.getLogger("coilyard.optimization")


class Follower:
    """Follows one run in a task of its own, over any number of connections."""

    def __init__(
        self,
        open_follow: OpenFollow,
        caller: Caller,
        session_id: str,
        optimization_id: str,
        callback: Callback,
        on_end: Callable[[optimizations_pb2.OptimizationStatus], None],
    ) -> None:
        """Begins to follow.

        Args:
            open_follow: Opens one stream.
            caller: Lends its clock and its delays.
            session_id: Whose run it is.
            optimization_id: The run.
            callback: Told of each trial; may be a coroutine function. It is awaited before it is told of the next.
            on_end: Told how the run has ended.
        """
        self._open = open_follow
        self._caller = caller
        self._session_id = session_id
        self._id = optimization_id
        self._callback = callback
        self._on_end = on_end
        self._seen = 0
        self._is_closed = False
        self._stream: Any = None
        self._telling: asyncio.Task[Attempt] | None = None
        self.task = asyncio.get_running_loop().create_task(self._run())

    def close(self) -> None:
        """Ends it, and with it a callback that hangs; one that ends it itself comes to its own end."""
        self._is_closed = True
        if not self.is_telling_here:
            self.task.cancel()

    @property
    def is_telling_here(self) -> bool:
        """Whether the present task is the callback itself."""
        return self._telling is not None and asyncio.current_task() is self._telling

    async def _run(self) -> None:
        try:
            async with aclosing(self._trials()) as trials:
                async for trial in trials:
                    entry = history_entry(trial)
                    told = await self._tell(entry["iteration"], entry["value"], entry["metrics"])
                    if told.error is not None:
                        _log.error("the callback of %s failed", self._id, exc_info=told.error)
                    if self._is_closed:
                        return
        except CoilyardError as error:
            if not isinstance(error, ClientClosed):
                _log.warning("the callback of %s is told no more: %s", self._id, error)
        finally:
            self._release()

    async def _tell(self, *arguments: Any) -> Attempt:
        try:
            running = self._callback(*arguments)
        except (KeyboardInterrupt, SystemExit):
            raise
        except BaseException as error:
            return Attempt(error=error)
        if not inspect.isawaitable(running):
            return Attempt(running)
        try:
            return await attempt_of(running, self._begin)
        finally:
            self._telling = None

    def _begin(self, telling: asyncio.Task[Attempt]) -> None:
        self._telling = telling

    async def _trials(self) -> AsyncGenerator[optimizations_pb2.OptimizationTrial, None]:
        failures = 0
        while True:
            response = None
            try:
                response = await self._read()
            except CoilyardError as error:
                if not may_come_back(error):
                    raise
                _log.debug("%s is not followed for now: %s", self._id, error)
            if response is None:
                self._release()
                await self._caller.clock.sleep(self._caller.backoff.delay(failures))
                failures += 1
                continue
            failures = 0
            for trial in response.trials:
                if trial.iteration > self._seen:
                    self._seen = trial.iteration
                    yield trial
            if response.HasField("ended"):
                self._on_end(response.ended)
                return

    async def _read(self) -> Response | None:
        """The next message; None when the stream has ended without saying why."""
        if self._stream is None:
            request = optimizations_pb2.FollowOptimizationRequest(
                session_id=self._session_id, optimization_id=self._id, after_iteration=self._seen
            )
            try:
                self._stream = self._open(request)
            except grpc.aio.UsageError as cause:
                raise ClientClosed("the client is closed") from cause
        try:
            response = await self._stream.read()
        except grpc.aio.AioRpcError as cause:
            raise error_from_rpc(cause) from cause
        return response if isinstance(response, Response) else None

    def _release(self) -> None:
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.cancel()
