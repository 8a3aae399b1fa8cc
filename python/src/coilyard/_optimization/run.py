"""A run as a client holds it: asks for trials, tells their results, and is heard of in time.

Everything here may be repeated: a client is given the same trial until it has told its result, a result that was told
counts once, and starts and stops carry request ids.
"""

from __future__ import annotations

import asyncio
import heapq
from collections.abc import Mapping
from typing import Any, Protocol

from coilyard import _arguments as given
from coilyard import _methods as methods
from coilyard._calls import Caller, new_request_id
from coilyard._errors import CoilyardError, NotOptimizing, OptimisticLockFailure
from coilyard._optimization.lease import Keeper
from coilyard._optimization.records import (
    TellOutcome,
    Trial,
    history_entry,
    status_dict,
    trial_of,
    unknown_end,
)
from coilyard._optimization.start import DEFAULT_LEASE_S, StartOptions
from coilyard._proto import optimizations_pb2
from coilyard._values import encode_value

#: Seconds for one request for a trial, at least: the gateway lets it wait while there is nothing to try.
_ASK_S = 60.0

#: Fields of the wire that callers know by another name.
_CALLED = {
    "variables": "variable",
    "optimizer": "optimizer_type",
    "config": "optimizer_config",
    "lease_ms": "lease_s",
    "timeout_ms": "timeout_s",
}


class RunCore(Protocol):
    """What a run needs of a session."""

    session_id: str
    call: Caller

    async def initialize(self) -> None:
        """Returns once there is a session."""

    def scoped(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """The fields that every write has, added to its own."""
        ...

    def invalidate(self, name: str | None) -> None:
        """Has the next read ask the gateway."""


class OptimizationRun:
    """One run; made by `open_run`, or by `join_run` where another client has started it. Belongs to the running loop.

    Any number of tasks may ask at the same time: each trial in hand has a client id of its own.

    Attributes:
        id: Of the run.
        variables: Their names.
        ended: The status once it is known that the run has ended, else None.
        over: Set when that becomes known.
    """

    def __init__(
        self,
        core: RunCore,
        status: optimizations_pb2.OptimizationStatus,
        *,
        apply_trials: bool = False,
        is_owner: bool = True,
    ) -> None:
        self.id = status.optimization_id
        self.variables = tuple(status.variables)
        self.ended: dict[str, Any] | None = None
        self.over = asyncio.Event()
        self._core = core
        self._applies = apply_trials
        self._client = f"python-{new_request_id()}"
        self._free: list[str] = []
        self._clients = 0
        self._in_hand: dict[str, Trial] = {}
        self._lease_s = status.lease_ms / 1000 or DEFAULT_LEASE_S
        self._keeper: Keeper | None = None
        self._is_owner = is_owner
        self._take(status)

    def __repr__(self) -> str:
        return f"<OptimizationRun {self.id}{', ended' if self.ended else ''}>"

    async def ask(self, values: Mapping[str, Any] | None = None) -> Trial | None:
        """The next trial, once there is one; None: the run is over.

        Args:
            values: What to try, by name: of an external run, and only of one.

        Raises:
            InvalidArgument: The values cannot be (also a ValueError).
            CoilyardError: The gateway could not be asked.
        """
        if self.ended is not None:
            return None
        client_id = self._free_client()
        trial = None
        try:
            trial = await self._ask(client_id, values or {})
        finally:
            if trial is None:
                heapq.heappush(self._free, client_id)
        if trial is not None:
            self._in_hand[client_id] = trial
            self._keep()
        return trial

    async def _ask(self, client_id: str, values: Mapping[str, Any]) -> Trial | None:
        wanted = {name: encode_value(value, field=f"values[{name!r:.40}]") for name, value in values.items()}
        request = optimizations_pb2.AskTrialRequest(
            session_id=self._core.session_id, optimization_id=self.id, client_id=client_id, values=wanted
        )
        while self.ended is None:
            try:
                reply = await self._core.call(methods.AskTrial, request, max(self._core.call.timeout_s, _ASK_S))
            except (NotOptimizing, OptimisticLockFailure):
                await self._learn_end()
                return None
            if reply.HasField("trial"):
                self._outdate(applied=self._applies)
                return trial_of(reply.trial, client_id)
            if reply.HasField("ended"):
                self._take(reply.ended)
        return None

    async def tell(self, trial: Trial, metrics: Mapping[str, float], *, score: float | None = None) -> TellOutcome:
        """Says how good a trial was.

        Args:
            trial: As `ask` gave it.
            metrics: What was measured.
            score: How good that is; the metric that the run is about when left out.

        Raises:
            InvalidArgument: There is no such trial, or the score is not among the metrics (also a ValueError).
            CoilyardError: The gateway could not be told.
        """
        return await self._tell(trial, {"metrics": metrics, "score": score})

    async def fail(self, trial: Trial, error: str) -> TellOutcome:
        """Says that a trial has failed, and why.

        Raises:
            CoilyardError: The gateway could not be told.
        """
        return await self._tell(trial, {"error": error or "failed"})

    async def _tell(self, trial: Trial, result: Mapping[str, Any]) -> TellOutcome:
        request = optimizations_pb2.TellTrialRequest(
            session_id=self._core.session_id,
            optimization_id=self.id,
            number=trial.number,
            client_id=trial.client_id,
            **result,
        )
        try:
            # The run outlives a longer silence than a request does.
            reply = await self._core.call(methods.TellTrial, request, max(self._core.call.timeout_s, self._lease_s))
        except (NotOptimizing, OptimisticLockFailure):
            self._give_back(trial)
            return TellOutcome(None, await self._learn_end())
        self._give_back(trial)
        self._take(reply.status)
        entry = history_entry(reply.trial) if reply.HasField("trial") else None
        return TellOutcome(entry, status_dict(reply.status))

    async def stop(self, reason: str = "stopped", error: str = "", *, timeout_s: float | None = None) -> dict[str, Any]:
        """Ends the run and returns its status; does nothing when it is over.

        Args:
            reason: `stopped`, `exhausted`, `converged`, or `failed`: nothing is committed then.
            error: What went wrong, of one that failed.
            timeout_s: Seconds for the request, where that is less than for any.

        Raises:
            CoilyardError: The gateway could not be told.
        """
        if self.ended is not None:
            return self.ended
        fields = {"variable": self.variables[0], "optimization_id": self.id, "reason": reason, "error": error}
        request = optimizations_pb2.StopOptimizationRequest(**self._core.scoped(fields))
        try:
            usual_s = self._core.call.timeout_s
            reply = await self._core.call(methods.StopOptimization, request, min(usual_s, timeout_s or usual_s))
        except (NotOptimizing, OptimisticLockFailure):
            return await self._learn_end()
        self._take(reply.status)
        return status_dict(reply.status)

    async def close(self) -> None:
        """Ends the renewing: without another client the run ends after its lease. May be called again."""
        keeper, self._keeper, self._is_owner = self._keeper, None, False
        if keeper is not None:
            keeper.cancel()

    @property
    def in_hand(self) -> list[Trial]:
        """The trials that were asked for here and whose results were not told."""
        return list(self._in_hand.values())

    def learn(self, status: optimizations_pb2.OptimizationStatus) -> None:
        """Takes in a status of this run that came another way."""
        if status.optimization_id == self.id:
            self._take(status)

    def _free_client(self) -> str:
        if self._free:
            return heapq.heappop(self._free)
        self._clients += 1
        return f"{self._client}-{self._clients:04}"

    def _give_back(self, trial: Trial) -> None:
        if self._in_hand.pop(trial.client_id, None) is not None:
            heapq.heappush(self._free, trial.client_id)
        self._outdate(applied=self._applies)

    def _take(self, status: optimizations_pb2.OptimizationStatus) -> None:
        if status.lease_ms:
            self._lease_s = status.lease_ms / 1000
        if status.is_optimizing:
            self._keep()
        else:
            self._end(status_dict(status), committed=bool(status.committed))

    def _end(self, status: dict[str, Any], *, committed: bool) -> None:
        if self.ended is not None:
            return
        self.ended = status
        self._outdate(applied=committed or self._applies)
        self.over.set()
        if self._keeper is not None:
            self._keeper.cancel()
            self._keeper = None

    def _outdate(self, *, applied: bool) -> None:
        """Has the next read see what the runtime has written, before it is pushed."""
        for name in self.variables if applied else ():
            self._core.invalidate(name)

    async def _learn_end(self) -> dict[str, Any]:
        """The status of a run of which the gateway says that it is over."""
        request = optimizations_pb2.GetOptimizationStatusRequest(
            session_id=self._core.session_id, variable=self.variables[0]
        )
        status = (await self._core.call(methods.GetOptimizationStatus, request)).status
        if status.optimization_id == self.id and not status.is_optimizing:
            self._take(status)
        else:
            self._end(unknown_end(self.id, self.variables), committed=True)
        return self.ended or status_dict(status)

    def _keep(self) -> None:
        """Has the run heard of this client: all the time if it has started it, else while it has a trial in hand."""
        if self._keeper is None and self.ended is None and self._lease_s and (self._is_owner or self._in_hand):
            self._keeper = Keeper(self, self._core.call, self._lease_s / 3)

    @property
    def is_needed(self) -> bool:
        """Whether the run has to hear of this client."""
        return self.ended is None and (self._is_owner or bool(self._in_hand))

    def kept_no_longer(self) -> None:
        """The renewing has ended by itself."""
        self._keeper = None

    def renewal(self) -> optimizations_pb2.RenewOptimizationRequest:
        """The sign of life."""
        return optimizations_pb2.RenewOptimizationRequest(
            session_id=self._core.session_id, optimization_id=self.id, client_id=self._client
        )

    async def lost(self) -> None:
        """Takes in that the gateway says that the run is over."""
        try:
            await self._learn_end()
        except CoilyardError:
            self._end(unknown_end(self.id, self.variables), committed=True)


async def open_run(core: RunCore, options: StartOptions) -> OptimizationRun:
    """Starts a run and holds it.

    Raises:
        AlreadyOptimizing: A variable is held by another run (also a ValueError).
        InvalidArgument: The optimizer is not known, or refuses its settings (also a ValueError).
        VariableNotFound: There is no such variable (also a KeyError).
        PermissionDenied: No right to optimize it (also a PermissionError).
    """
    fields = options.fields()
    await core.initialize()
    request = optimizations_pb2.StartOptimizationRequest(**core.scoped(fields))
    with given.called(**_CALLED):
        reply = await core.call(methods.StartOptimization, request)
    is_owner = not options.objective
    return OptimizationRun(core, reply.status, apply_trials=options.apply_trials, is_owner=is_owner)


async def join_run(core: RunCore, optimization_id: str) -> OptimizationRun:
    """A run that another client has started; it is kept alive from here only while a trial is in hand.

    Raises:
        NotOptimizing: There is no such run (also a ValueError).
    """
    await core.initialize()
    request = optimizations_pb2.RenewOptimizationRequest(
        session_id=core.session_id, optimization_id=optimization_id, client_id=f"python-{new_request_id()}"
    )
    reply = await core.call(methods.RenewOptimization, request)
    return OptimizationRun(core, reply.status, apply_trials=True, is_owner=False)
