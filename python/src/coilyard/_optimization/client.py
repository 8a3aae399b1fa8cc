"""The optimizations of one `SessionContext`: what it has started, what it takes part in, and its own optimizers."""

from __future__ import annotations

import asyncio
import logging
import weakref
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Protocol

import grpc

from coilyard import _arguments as given
from coilyard import _methods as methods
from coilyard._errors import ClientClosed, CoilyardError, InvalidArgument, NotOptimizing
from coilyard._optimization.drive import LEAVE_S, Drive
from coilyard._optimization.external import ExternalSource, Source, Teller
from coilyard._optimization.follow import Callback, Follower
from coilyard._optimization.objectives import Objective
from coilyard._optimization.options import Wish
from coilyard._optimization.records import Trial
from coilyard._optimization.results import BadResult, read_metrics, read_result
from coilyard._optimization.run import OptimizationRun, RunCore, join_run, open_run
from coilyard._optimization.start import StartOptions
from coilyard._optimization.threads import OwnThread
from coilyard._optimizers import BUILT_IN, REQUIRED, VariableSpec
from coilyard._proto import optimizations_pb2, variables_pb2
from coilyard._records import value_of
from coilyard._stubs import optimizations_stub
from coilyard._tools import ToolCaller, ToolRequest
from coilyard._values import decode_metadata

_log = logging.getLogger("coilyard.optimization")


class OptimizingCore(RunCore, Protocol):
    """What optimizations need of a session."""

    channel: grpc.aio.Channel
    tools: ToolCaller

    def note(self, variable: variables_pb2.Variable) -> None:
        """Remembers what the values of a variable need on the wire."""


class Optimizations:
    """The part of a session's core that optimizes."""

    def __init__(self, core: OptimizingCore) -> None:
        self._core = core
        self._stub = optimizations_stub(core.channel)
        self._optimizers: dict[str, type] = {}
        self._drives: dict[str, Drive] = {}
        self._joined: dict[str, OptimizationRun] = {}
        self._last_ends: dict[str, str] = {}
        self._undoing: set[asyncio.Task[None]] = set()
        self._closings = 0

    def register(self, name: str, optimizer_class: Any) -> None:
        """Keeps the class of an optimizer under a name.

        Raises:
            InvalidArgument: The name is that of an optimizer of the runtime (also a ValueError).
            ValidationFailed: It is no class, or lacks a method (also a TypeError).
        """
        if name in BUILT_IN:
            raise given.wrong_value(
                "name", f"a name that no optimizer of the runtime has ({', '.join(BUILT_IN)})", name
            )
        expected = "a class with the methods ask and tell"
        if not isinstance(optimizer_class, type):
            raise given.wrong_kind("optimizer_class", expected, optimizer_class)
        missing = [method for method in REQUIRED if not callable(getattr(optimizer_class, method, None))]
        if missing:
            raise given.wrong_kind("optimizer_class", f"{expected} (it lacks {', '.join(missing)})", optimizer_class)
        self._optimizers[name] = optimizer_class

    async def start(self, wish: Wish) -> str:
        """Starts a run and returns its id.

        Raises:
            CoilyardError: The gateway refuses it.
            Exception: What the class of an optimizer of one's own raises; nothing is held then.
        """
        await self._core.initialize()
        closings = self._closings
        optimizer_class = self._optimizers.get(wish.start.optimizer)
        if optimizer_class is None:
            drive = await self._start_in_runtime(wish)
        else:
            drive = await self._start_external(wish, optimizer_class)
        run = drive.run
        if closings != self._closings:
            await drive.leave()
            raise ClientClosed(f"the session was cleaned up while {run.id} began", execution="done")
        if wish.callback is not None:
            drive.follower = self._follow(run, wish.callback)
        if drive.is_ours or wish.callback is not None:
            self._sweep()
            self._drives[run.id] = drive
            drive.start(self._forget)
        if drive.is_ours and wish.objective is None:
            _log.info("%s has no objective: it waits for trials to be asked for, with ask_trial(%r)", run.id, run.id)
        return run.id

    async def _start_in_runtime(self, wish: Wish) -> Drive:
        objective = wish.objective
        is_tool = isinstance(objective, str)
        start = replace(wish.start, config=wish.config, objective=objective if isinstance(objective, str) else "")
        run = await self._open(start)
        return _drive(run, run, start, None if isinstance(objective, str) else objective, is_ours=not is_tool)

    async def _start_external(self, wish: Wish, optimizer_class: type) -> Drive:
        specs = await asyncio.gather(*(self._spec(name) for name in wish.start.variables))
        is_single = len(specs) == 1
        variable = specs[0] if is_single else {spec.name: spec for spec in specs}
        config = dict(wish.config)
        if wish.start.direction != "maximize":
            config["direction"] = wish.start.direction
        objective = wish.objective
        if isinstance(objective, str):
            objective = self._tool_objective(objective, [spec.name for spec in specs])
        thread = OwnThread(f"coilyard-optimizer-{wish.start.optimizer}")
        try:
            optimizer = (await thread.attempt(optimizer_class, variable, config)).result()
            start = replace(wish.start, external=True)
            run = await self._open(start)
        except BaseException:
            thread.close()
            raise
        source = ExternalSource(run, optimizer, thread, is_single=is_single)
        return _drive(run, source, start, objective, is_ours=True)

    async def _open(self, start: StartOptions) -> OptimizationRun:
        """Starts a run; nobody would stop the one of a call that was cancelled meanwhile, so it is stopped here."""
        opening = asyncio.get_running_loop().create_task(open_run(self._core, start))
        try:
            return await asyncio.shield(opening)
        except asyncio.CancelledError:
            undoing = asyncio.get_running_loop().create_task(_undo(opening))
            self._undoing.add(undoing)
            undoing.add_done_callback(self._undoing.discard)
            raise

    async def _spec(self, name: str) -> VariableSpec:
        request = variables_pb2.GetVariableRequest(session_id=self._core.session_id, variable=name)
        variable = (await self._core.call(methods.GetVariable, request)).variable
        self._core.note(variable)
        return VariableSpec(variable.name, variable.type, value_of(variable), decode_metadata(variable.constraints))

    def _tool_objective(self, tool: str, names: list[str]) -> Objective:
        """Calls a tool as the runtime would, for an optimizer that the runtime does not have."""

        async def call(value: Any) -> Any:
            arguments = {"value": value} if len(names) == 1 else dict(value)
            return await self._core.tools.call_tool(ToolRequest(tool, arguments, self._core.session_id))

        return Objective(call)

    def _follow(self, run: OptimizationRun, callback: Callback) -> Follower:
        known = weakref.ref(run)

        def on_end(status: optimizations_pb2.OptimizationStatus) -> None:
            followed = known()
            if followed is not None:
                followed.learn(status)

        call, stub = self._core.call, self._stub

        def open_follow(request: optimizations_pb2.FollowOptimizationRequest) -> Any:
            return stub.FollowOptimization(request, metadata=call.metadata)

        return Follower(open_follow, call, self._core.session_id, run.id, callback, on_end)

    # Trials that are asked for

    async def ask(self, optimization_id: str) -> Trial | None:
        """The next trial of a run, of this client or of another; None: it is over."""
        drive = self._drives.get(optimization_id)
        if drive is not None:
            trial = await drive.source.ask()
            if drive.run.ended is not None:
                await drive.source.close()
            return trial
        run = self._joined.get(optimization_id)
        if run is None:
            joined = await join_run(self._core, optimization_id)
            run = self._joined.setdefault(optimization_id, joined)
        trial = await run.ask()
        if trial is None:
            self._joined.pop(optimization_id, None)
        return trial

    async def tell(self, optimization_id: str, trial: Trial, metrics_or_score: Any) -> dict[str, Any]:
        """Says how good a trial was; gives the status.

        Raises:
            InvalidArgument: It says nothing of that kind (also a ValueError).
            NotOptimizing: No trial of this run was asked for here.
        """
        source, metric = self._source(optimization_id)
        try:
            if metric is None and isinstance(metrics_or_score, Mapping):
                metrics, score = read_metrics(metrics_or_score), None  # the runtime knows which one it is about
            else:
                metrics, score = read_result(metrics_or_score, metric or "")
        except BadResult as bad:
            raise InvalidArgument(f"metrics_or_score: {bad}", details={"field": "metrics_or_score"}) from bad
        return (await source.tell(trial, metrics, score=score)).status

    async def fail(self, optimization_id: str, trial: Trial, error: str) -> dict[str, Any]:
        """Says that a trial has failed; gives the status."""
        source, _ = self._source(optimization_id)
        return (await source.fail(trial, error)).status

    def _source(self, optimization_id: str) -> tuple[Teller, str | None]:
        drive = self._drives.get(optimization_id)
        if drive is not None:
            return drive.source, drive.metric
        run = self._joined.get(optimization_id)
        if run is None:
            raise NotOptimizing(f"no trial of {optimization_id!r:.80} was asked for here")
        return run, None

    # Ends

    async def stopped(self, status: optimizations_pb2.OptimizationStatus) -> None:
        """Ends what goes on here for a run that was stopped."""
        self.saw(status)
        drive = self._drives.pop(status.optimization_id, None)
        if drive is not None:
            await drive.close()

    def saw(self, status: optimizations_pb2.OptimizationStatus) -> None:
        """Has whoever drives the run know its state, and the next read see what an ended one has committed."""
        drive = self._drives.get(status.optimization_id)
        if drive is not None:
            drive.run.learn(status)
        if status.is_optimizing or not status.committed:
            return
        for name in status.variables:
            if self._last_ends.get(name) != status.optimization_id:
                self._last_ends[name] = status.optimization_id
                self._core.invalidate(name)

    def _forget(self, drive: Drive) -> None:
        if self._drives.get(drive.run.id) is drive:
            del self._drives[drive.run.id]

    def _sweep(self) -> None:
        for drive in [drive for drive in self._drives.values() if drive.is_over]:
            self._forget(drive)

    async def close(self) -> None:
        """Stops the runs that were started here and commits their best values; gives back the trials of others."""
        self._closings += 1
        drives, self._drives = list(self._drives.values()), {}
        joined, self._joined = list(self._joined.values()), {}
        await asyncio.gather(*(drive.leave() for drive in drives), *map(_leave, joined))
        if self._undoing:
            await asyncio.wait(self._undoing, timeout=LEAVE_S)


def _drive(
    run: OptimizationRun, source: Source, start: StartOptions, objective: Objective | None, *, is_ours: bool
) -> Drive:
    return Drive(run, source, objective=objective, metric=start.metric, parallel=start.parallel, is_ours=is_ours)


async def _undo(opening: asyncio.Task[OptimizationRun]) -> None:
    try:
        run = await opening
        await run.stop(timeout_s=LEAVE_S)
        await run.close()
    except (CoilyardError, asyncio.CancelledError) as error:
        _log.debug("a run whose start was cancelled could not be stopped, or never began: %s", error)


async def _leave(run: OptimizationRun) -> None:
    for trial in run.in_hand:
        try:
            await run.fail(trial, "its client has left")
        except CoilyardError as error:
            _log.debug("a trial of %s could not be given back: %s", run.id, error)
    await run.close()
