"""`VariableAwareOptimizer`: an optimizer of DSPy whose settings are variables, compiled under a lease on them."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from coilyard._dspy_bridge.library import a_module
from coilyard._dspy_bridge.plan import Plan
from coilyard._dspy_bridge.synced import Prepared, SyncedModules
from coilyard._dspy_bridge.threads import Interrupted, Interruption, ended, run_in_thread
from coilyard._dspy_bridge.trials import PARALLEL, Recorder, text_of
from coilyard._errors import CoilyardError, NotOptimizing, VariableNotFound
from coilyard._optimization.run import OptimizationRun, open_run
from coilyard._optimization.start import StartOptions
from coilyard._session.context import SessionContext

_log = logging.getLogger("coilyard.optimization")

#: The most that there can be: it is DSPy's optimizer that knows when it is done.
_ITERATIONS = 1_000_000


class VariableAwareOptimizer:
    """An optimizer of DSPy that takes its settings from variables. Made by `create_variable_aware_optimizer`.

    Attributes:
        session_context: Whose variables they are.
        optimizer_class: DSPy's class.
        variable_mappings: The names of the variables by parameter.
        optimizer: DSPy's optimizer of the last compilation; None before the first.
        status: The run of the last compilation, as `get_optimization_status` shows it; None before the first, and while
            nobody knows how it has ended.
    """

    def __init__(self, session_context: SessionContext, dspy: Any, plan: Plan, synced: SyncedModules) -> None:
        self.session_context = session_context
        self.optimizer_class = plan.optimizer_class
        self.variable_mappings = {target.parameter: target.variable for target in plan.targets}
        self.optimizer: Any = None
        self.status: dict[str, Any] | None = None
        self._dspy = dspy
        self._plan = plan
        self._synced = synced

    def __repr__(self) -> str:
        return f"<VariableAwareOptimizer {self.optimizer_class.__name__} {self.variable_mappings}>"

    async def compile(self, student: Any, /, **arguments: Any) -> Any:
        """Compiles a program with what the variables say now, and returns the compiled program.

        DSPy's own `compile` runs in a thread, with the settings of `dspy.configure` and `dspy.context` that hold here.
        The variables are held meanwhile, as by any optimization, and read together. Every candidate that the
        optimizer evaluates becomes a trial in their history. Cancelling ends the work: no further call of a model or
        of the metric begins, those that go on are waited for, and the variables are free.

        Args:
            student: The program. One that was compiled before is compiled anew.
            **arguments: Of DSPy's `compile`, such as `trainset`, `teacher` and `valset`.

        Raises:
            AlreadyOptimizing: A variable is held by another optimization (also a ValueError).
            VariableNotFound: A variable is gone (also a KeyError).
            ValidationFailed: A value or an argument is of the wrong kind (also a TypeError).
            NotOptimizing: `stop_optimization` has ended it (also a ValueError).
            Exception: Whatever DSPy, the metric or the model has raised.
        """
        a_module(self._dspy, student, "student")
        self._plan.check_call(arguments)
        if not self.variable_mappings:
            prepared = await self._synced.prepared(self._dspy, student)
            program = await self._run(prepared, arguments, {}, None, None)
            await self._publish(prepared, program)
            return program
        run = await self._opened()
        self.status = None
        recorder: Recorder | None = None
        reason, error = "failed", ""
        try:
            values = await values_of(self.session_context, list(run.variables))
            prepared = await self._synced.prepared(self._dspy, student)
            recorder = Recorder(run, values)
            program = await self._run(prepared, arguments, values, run, recorder)
            reason = "exhausted"
        except asyncio.CancelledError:
            reason = "stopped"
            raise
        except Interrupted:
            what = f"{run.id} was stopped before {self.optimizer_class.__name__} was done"
            raise NotOptimizing(what, details={"optimizationId": run.id}) from None
        except BaseException as failure:
            error = text_of(failure)
            raise
        finally:
            closing = asyncio.ensure_future(self._close(run, recorder, reason, error))
            await ended(closing, lambda: None)
        await self._publish(prepared, program)
        return program

    async def _run(
        self,
        prepared: Prepared,
        arguments: Mapping[str, Any],
        values: Mapping[str, Any],
        run: OptimizationRun | None,
        recorder: Recorder | None,
    ) -> Any:
        """DSPy's compilation, in its thread."""
        interruption = Interruption()
        constructor, compiling = self._plan.filled(self._dspy, values)
        metric = constructor.get("metric")
        if callable(metric):
            constructor["metric"] = interruption.guarding(metric, None if recorder is None else recorder.answered)

        def work(_: Interruption) -> Any:
            self.optimizer = self.optimizer_class(**constructor)
            return self.optimizer.compile(uncompiled(prepared.program), **compiling, **arguments)

        callbacks = () if recorder is None else (recorder.callback(self._dspy),)
        watching = asyncio.ensure_future(_stop_with(run, interruption))
        try:
            return await run_in_thread(self._dspy, work, interruption=interruption, callbacks=callbacks)
        finally:
            watching.cancel()

    async def _publish(self, prepared: Prepared, program: Any) -> None:
        metadata: dict[str, Any] = {"source": "optimizer", "optimizer": self.optimizer_class.__name__}
        if self.variable_mappings and self.status is not None:
            metadata["optimizer_id"] = self.status["optimization_id"]
            if self.status["best_score"] is not None:
                metadata["best_score"] = self.status["best_score"]
        await self._synced.publish(prepared, program, metadata)

    async def _opened(self) -> OptimizationRun:
        """The run; when this is cancelled meanwhile, it is ended again."""
        core = self.session_context._core  # noqa: SLF001 - of the same package
        options = StartOptions(
            variables=tuple(dict.fromkeys(self.variable_mappings.values())),
            optimizer=self.optimizer_class.__name__,
            max_iterations=_ITERATIONS,
            convergence_threshold=0.0,
            metric="score",
            external=True,
            parallel=PARALLEL,
            source=core.config.source,
        )
        opening = asyncio.ensure_future(open_run(core, options))
        try:
            run: OptimizationRun = await ended(opening, lambda: None)
        except asyncio.CancelledError:
            if not opening.cancelled() and opening.exception() is None:
                await ended(asyncio.ensure_future(self._close(opening.result(), None, "stopped", "")), lambda: None)
            raise
        return run

    async def _close(self, run: OptimizationRun, recorder: Recorder | None, reason: str, error: str) -> None:
        """Ends the run; that it could not be told is no reason to lose a program, or the error that there was."""
        try:
            if recorder is not None:
                await recorder.close(complete=reason == "exhausted")
            self.status = await run.stop(reason, error)
        except CoilyardError as failure:
            _log.warning("%s could not be ended, its lease ends it: %s", run.id, failure)
        finally:
            await run.close()


async def values_of(session: SessionContext, names: list[str]) -> dict[str, Any]:
    """The values of variables, read together and not from the cache.

    Raises:
        VariableNotFound: There is no such variable.
    """
    values = await session.get_variables(names, bypass_cache=True)
    for name in names:
        if name not in values:
            raise VariableNotFound(f"variable {name!r} does not exist", details={"variable": name})
    return values


def uncompiled(student: Any) -> Any:
    """The student, or a copy of it that DSPy takes for one that was never compiled."""
    if not getattr(student, "_compiled", False):
        return student
    copy = student.deepcopy()
    copy._compiled = False  # noqa: SLF001 - the only way that there is
    return copy


async def _stop_with(run: OptimizationRun | None, interruption: Interruption) -> None:
    """Interrupts when somebody stops the run. One that was merely lost is none that is to be stopped."""
    if run is not None:
        await run.over.wait()
        if (run.ended or {}).get("reason") == "stopped":
            interruption.set()
        else:
            _log.warning("%s is over (%s), the compilation goes on", run.id, (run.ended or {}).get("reason"))
