"""An optimizer of one's own, at work: what it asks for becomes trials, and it is told how good they were."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any, Protocol

from coilyard._arguments import shown
from coilyard._errors import InvalidArgument
from coilyard._optimization.objectives import describe
from coilyard._optimization.records import TellOutcome, Trial, one_or_all
from coilyard._optimization.run import OptimizationRun
from coilyard._optimization.threads import Attempt, OwnThread, attempt, retrieve
from coilyard._optimizers import OptimizationDone

#: Seconds that an optimizer has to learn of the last results.
_GRACE_S = 1.0

_log = logging.getLogger("coilyard.optimization")


class Teller(Protocol):
    """Where results go."""

    async def tell(self, trial: Trial, metrics: Mapping[str, float], *, score: float | None = None) -> TellOutcome:
        """Says how good a trial was."""
        ...

    async def fail(self, trial: Trial, error: str) -> TellOutcome:
        """Says that a trial has failed."""
        ...


class Source(Teller, Protocol):
    """Where trials come from and results go: a run, or a run together with an optimizer of one's own."""

    async def ask(self) -> Trial | None:
        """The next trial; None: there is none, and the run is over or will be once all trials have ended."""

    async def close(self) -> None:
        """Frees what it holds."""


class ExternalSource:
    """A run whose values come from an optimizer that lives here."""

    def __init__(self, run: OptimizationRun, optimizer: Any, thread: OwnThread, *, is_single: bool) -> None:
        self._run = run
        self._optimizer = optimizer
        self._thread = thread
        self._is_single = is_single
        self._turn = asyncio.Lock()
        self._asked: dict[int, Any] = {}
        self._pending = 0
        self._is_exhausted = False
        self._learning: set[asyncio.Task[None]] = set()

    async def ask(self) -> Trial | None:
        """The next trial, of the values that the optimizer wants to try."""
        self._pending += 1
        trial = None
        try:
            trial = await self._next_trial()
        finally:
            if trial is None:
                self._pending -= 1
        if trial is None:
            await self._end_if_exhausted()
        return trial

    async def _next_trial(self) -> Trial | None:
        async with self._turn:
            if self._is_exhausted or self._run.ended is not None:
                return None
            asked = await attempt(self._optimizer.ask, thread=self._thread)
        if isinstance(asked.error, OptimizationDone):
            self._is_exhausted = True
            return None
        if asked.error is not None:
            await self._break(asked.error)
            return None
        try:
            trial = await self._run.ask(self._by_name(asked.value))
        except InvalidArgument as error:
            await self._break(error)
            return None
        if trial is not None:
            self._asked.setdefault(trial.number, asked.value)
        return trial

    def _by_name(self, value: Any) -> Mapping[str, Any]:
        if self._is_single:
            return {self._run.variables[0]: value}
        if not isinstance(value, Mapping) or set(value) != set(self._run.variables):
            raise InvalidArgument(f"ask: expected values of {', '.join(self._run.variables)}, got {shown(value)}")
        return value

    async def tell(self, trial: Trial, metrics: Mapping[str, float], *, score: float | None = None) -> TellOutcome:
        """Says how good a trial was, to the runtime first and then to the optimizer."""
        return await self._passed_on(trial, await self._run.tell(trial, metrics, score=score))

    async def fail(self, trial: Trial, error: str) -> TellOutcome:
        """Says that a trial has failed, to the optimizer too if it has `fail`."""
        return await self._passed_on(trial, await self._run.fail(trial, error))

    async def _passed_on(self, trial: Trial, outcome: TellOutcome) -> TellOutcome:
        """Has the optimizer learn of what the runtime has taken in, also of the trial with which the run has ended."""
        learning = asyncio.get_running_loop().create_task(self._learn(trial, outcome.entry))
        self._learning.add(learning)
        learning.add_done_callback(self._learning.discard)
        learning.add_done_callback(retrieve)
        await asyncio.shield(learning)
        return outcome

    async def _learn(self, trial: Trial, entry: Mapping[str, Any] | None) -> None:
        value = self._asked.pop(trial.number, one_or_all(trial.values))
        if entry is not None:
            async with self._turn:
                failure = await self._tell_optimizer(value, entry)
                stopping = Attempt(False)
                if failure.error is None and self._run.ended is None:
                    stopping = await self._call_optional("should_stop")
            error = failure.error or stopping.error
            if error is not None:
                await self._break(error)
            elif stopping.value:
                await self._run.stop("converged")
        self._pending -= 1
        await self._end_if_exhausted()

    async def _tell_optimizer(self, value: Any, entry: Mapping[str, Any]) -> Attempt:
        if entry["state"] == "complete":
            return await attempt(self._optimizer.tell, value, entry["metrics"], entry["score"], thread=self._thread)
        return await self._call_optional("fail", value, entry["error"] or "failed")

    async def _call_optional(self, name: str, *arguments: Any) -> Attempt:
        method: Callable[..., Any] | None = getattr(self._optimizer, name, None)
        return Attempt() if method is None else await attempt(method, *arguments, thread=self._thread)

    async def _end_if_exhausted(self) -> None:
        if self._is_exhausted and self._pending == 0:
            await self._run.stop("exhausted")

    async def _break(self, error: BaseException) -> None:
        _log.error("the optimizer of %s failed", self._run.id, exc_info=error)
        await self._run.stop("failed", describe(error))

    async def close(self) -> None:
        """Ends the optimizer's thread and the renewing, once the optimizer has learnt of the last results."""
        if self._learning:
            await asyncio.wait(self._learning, timeout=_GRACE_S)
        self._thread.close()
        await self._run.close()
