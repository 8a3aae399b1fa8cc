"""The lease of a run: renewed by a client for as long as it holds the run, and no longer."""

from __future__ import annotations

import asyncio
import logging
import weakref
from typing import Protocol

from coilyard import _methods as methods
from coilyard._calls import Caller
from coilyard._clock import Clock
from coilyard._errors import (
    AccessDenied,
    ClientClosed,
    CoilyardError,
    FailedPrecondition,
    NotFound,
    OptimisticLockFailure,
)
from coilyard._proto import optimizations_pb2

_log = logging.getLogger("coilyard.optimization")


class Held(Protocol):
    """What is kept alive.

    Attributes:
        id: Of the run.
    """

    id: str

    @property
    def is_needed(self) -> bool:
        """Whether the run has to hear of this client."""
        ...

    def renewal(self) -> optimizations_pb2.RenewOptimizationRequest:
        """The sign of life."""
        ...

    def learn(self, status: optimizations_pb2.OptimizationStatus) -> None:
        """Takes in how the run is."""

    async def lost(self) -> None:
        """Takes in that the gateway says that the run is over."""

    def kept_no_longer(self) -> None:
        """Takes in that the renewing has ended by itself."""


class Keeper:
    """Renews a lease for as long as the run is there and needs it; knows the run weakly."""

    def __init__(self, run: Held, call: Caller, every_s: float) -> None:
        loop = asyncio.get_running_loop()
        self._task = loop.create_task(_renew(weakref.ref(run), call, every_s))
        # The collector may run in any thread, and after the loop has ended.
        self._finalizer = weakref.finalize(run, _cancel_from_anywhere, loop, self._task)
        self._finalizer.atexit = False

    def cancel(self) -> None:
        """Ends the renewing."""
        self._finalizer.detach()
        if self._task is not asyncio.current_task():
            self._task.cancel()


def _cancel_from_anywhere(loop: asyncio.AbstractEventLoop, task: asyncio.Task[None]) -> None:
    if not loop.is_closed():
        loop.call_soon_threadsafe(task.cancel)


async def _renew(known: weakref.ref[Held], call: Caller, every_s: float) -> None:
    punctuality = _Punctuality(call.clock, every_s)
    while True:
        await punctuality.sleep(known)
        run = known()
        if run is None or not run.is_needed:
            break
        request, run = run.renewal(), None
        try:
            reply = await call(methods.RenewOptimization, request, max(every_s, 1.0))
        except ClientClosed:
            break
        except (NotFound, FailedPrecondition, OptimisticLockFailure, AccessDenied) as error:
            _log.debug("%s is held no longer: %s", request.optimization_id, error)
            run = known()
            if run is not None:
                await run.lost()
            break
        except CoilyardError as error:
            _log.debug("%s is not heard of for now: %s", request.optimization_id, error)
        else:
            run = known()
            if run is not None:
                run.learn(reply.status)
                if not run.is_needed:
                    break
        run = None
    run = known()
    if run is not None:
        run.kept_no_longer()


class _Punctuality:
    """Sleeps between renewals and says once why one came late."""

    def __init__(self, clock: Clock, every_s: float) -> None:
        self._clock = clock
        self._every_s = every_s
        self._has_warned = False

    async def sleep(self, known: weakref.ref[Held]) -> None:
        due = self._clock.now() + self._every_s
        await self._clock.sleep(self._every_s)
        late = self._clock.now() - due
        run = known()
        if late > self._every_s and run is not None and not self._has_warned:
            self._has_warned = True
            _log.warning(
                "%s was not renewed for %.1f s, of the %.1f s after which it ends: something blocked the event loop. "
                "An objective that computes should be a plain function, which gets a thread of its own, rather than a "
                "coroutine.",
                run.id, late + self._every_s, self._every_s * 3,
            )  # fmt: skip
