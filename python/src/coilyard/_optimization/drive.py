"""A run that was started here, from its start to its end: its trials, its callback, and what has to be freed."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable
from typing import Any

from coilyard._errors import ClientClosed, CoilyardError, InvalidArgument, NotFound, PayloadTooLarge
from coilyard._optimization.external import Source
from coilyard._optimization.follow import Follower
from coilyard._optimization.objectives import EvaluationFailed, Objective, describe
from coilyard._optimization.records import Trial
from coilyard._optimization.run import OptimizationRun
from coilyard._optimization.threads import OwnThread, retrieve

#: Seconds that tasks have to end after they were cancelled.
_GRACE_S = 1.0

#: Seconds to stop a run when its client leaves.
LEAVE_S = 3.0

_log = logging.getLogger("coilyard.optimization")


class Drive:
    """One run.

    Attributes:
        run: The hold on it.
        source: Where its trials come from.
        is_ours: Whether this client keeps it alive: the runtime does not call the objective.
        metric: Which of the metrics is optimized.
    """

    def __init__(
        self,
        run: OptimizationRun,
        source: Source,
        *,
        objective: Objective | None = None,
        metric: str = "",
        parallel: int = 1,
        is_ours: bool = True,
    ) -> None:
        self.run = run
        self.source = source
        self.metric = metric
        self.is_ours = is_ours
        self.follower: Follower | None = None
        self._objective = objective
        self._parallel = parallel
        self._driving: asyncio.Task[None] | None = None

    @property
    def is_over(self) -> bool:
        """Whether nothing is left to be done for it."""
        if any(not task.done() for task in self._tasks()):
            return False
        return self.run.ended is not None or not self.is_ours

    def start(self, on_end: Callable[[Drive], None]) -> None:
        """Begins to try values, if there is an objective to call here.

        Args:
            on_end: Called when the last of its tasks has ended.
        """
        if self._objective is not None:
            self._driving = asyncio.get_running_loop().create_task(self._try_all(self._objective))

        def ended(_: asyncio.Task[None]) -> None:
            if self.is_over:
                on_end(self)

        for task in self._tasks():
            task.add_done_callback(ended)

    def _tasks(self) -> Iterable[asyncio.Task[None]]:
        if self._driving is not None:
            yield self._driving
        if self.follower is not None:
            yield self.follower.task

    async def _try_all(self, objective: Objective) -> None:
        loop = asyncio.get_running_loop()
        over = loop.create_task(self.run.over.wait())
        workers = {loop.create_task(self._work(objective)) for _ in range(self._parallel)}
        try:
            left = set(workers)
            while left and not over.done():
                awaited: set[asyncio.Task[Any]] = {over, *left}
                await asyncio.wait(awaited, return_when=asyncio.FIRST_COMPLETED)
                for worker in [worker for worker in left if worker.done()]:
                    left.remove(worker)
                    worker.result()
        except Exception as error:
            await self._give_up(error)
        finally:
            # Also when cancelled: the loss may have been learnt by whoever leaves because of it.
            self._say_if_lost()
            objective.give_up()
            for task in (over, *workers):
                task.cancel()
                task.add_done_callback(retrieve)
            await self.source.close()

    def _say_if_lost(self) -> None:
        ended = self.run.ended
        if self.is_ours and ended is not None and ended["reason"] in (None, "lease_expired"):
            _log.warning(
                "%s has ended, and its best value was not written: the gateway did not hear of this client for longer "
                "than the lease of the run. Was it suspended, cut off, or its event loop blocked? `lease_s` among the "
                "settings is how long a run waits.",
                self.run.id,
            )  # fmt: skip

    async def _work(self, objective: Objective) -> None:
        thread = OwnThread(f"coilyard-objective-{self.run.id}")
        try:
            while (trial := await self.source.ask()) is not None:
                await self._try(objective, trial, thread)
        finally:
            thread.close()

    async def _try(self, objective: Objective, trial: Trial, thread: OwnThread) -> None:
        try:
            metrics, score = await objective.evaluate(trial.value, self.metric, thread)
        except EvaluationFailed as failure:
            _log.info("trial %d of %s failed: %s", trial.number, self.run.id, failure)
            await self.source.fail(trial, str(failure))
            return
        try:
            await self.source.tell(trial, metrics, score=score)
        except (InvalidArgument, PayloadTooLarge) as refused:
            await self.source.fail(trial, describe(refused))

    async def _give_up(self, error: Exception) -> None:
        unexpected = None if isinstance(error, CoilyardError) else error
        _log.error("%s ends: its trials cannot go on: %s", self.run.id, describe(error), exc_info=unexpected)
        self.is_ours = False
        try:
            await self.run.stop("failed", describe(error), timeout_s=LEAVE_S)
        except CoilyardError as refused:
            _log.debug("%s could not be told that it failed: %s", self.run.id, refused)

    async def leave(self) -> None:
        """Ends what goes on here, and the run with it if nobody else keeps it alive; its best values are committed."""
        try:
            if self.is_ours:
                await self.run.stop(timeout_s=LEAVE_S)
        except (NotFound, ClientClosed) as gone:
            _log.debug("%s went with its session: %s", self.run.id, gone)
        except CoilyardError as error:
            _log.warning("%s could not be stopped and ends by itself after its lease: %s", self.run.id, error)
        finally:
            await self.close()

    async def close(self) -> None:
        """Ends what goes on here; a result that comes later is dropped."""
        if self.follower is not None:
            self.follower.close()
        if self._driving is not None:
            self._driving.cancel()
        await self.source.close()
        tasks = {task for task in self._tasks() if not task.done() and not _is_inside(self, task)}
        if tasks:
            await asyncio.wait(tasks, timeout=_GRACE_S)


def _is_inside(drive: Drive, task: asyncio.Task[Any]) -> bool:
    """Whether the callback is what ends its own run: it must not wait for itself."""
    follower = drive.follower
    return follower is not None and task is follower.task and follower.is_telling_here
