"""Finding the best values of variables."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta, timezone
from typing import Any

from coilyard import _arguments as given
from coilyard import _methods as methods
from coilyard._optimization.options import MAXIMIZE, wish
from coilyard._optimization.records import Trial, history_entry, status_dict
from coilyard._proto import optimizations_pb2
from coilyard._session.base import SessionBase

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_RUN = "the id of an optimization"


class VariableOptimization(SessionBase):
    """The methods about optimizations. The runtime holds the variables of a run and remembers every trial."""

    async def start_optimization(
        self,
        variable: str | Sequence[str],
        optimizer_type: str,
        optimizer_config: Mapping[str, Any] | None = None,
        max_iterations: int = 100,
        convergence_threshold: float = 0.001,
        callback: Callable[[int, Any, dict[str, float]], Any] | None = None,
        *,
        objective: Callable[[Any], Any] | str | Mapping[str, Any] | None = None,
        direction: str = MAXIMIZE,
    ) -> str:
        """Starts to look for the best value of a variable and returns the id of the run.

        The run holds the variable: no other run can have it. It ends after `max_iterations` trials, when the best
        score gains less than `convergence_threshold`, when there is nothing more to try, or when it is stopped; the
        best value is written then, unless somebody else has written the variable meanwhile.

        Args:
            variable: Name or id; or a list of them: one run over several, with dicts by name for values.
            optimizer_type: `bayesian`, `grid_search`, `gradient`, `random_search`, one that the runtime was given, or
                one that was registered here with `register_python_optimizer`.
            optimizer_config: Settings of the optimizer, such as `n_initial_points`, `acquisition_function` or `seed`.
                Also settings of the run: `metric` (which of the metrics is optimized), `parallel` (trials at the same
                time), `timeout_s`, `patience` (how many trials the convergence looks back), `apply_trials` (sets the
                variable to each value that is tried), `lease_s` (how long the run outlives this client, 15 s),
                `objective` and `direction`.
            max_iterations: Trials that may end, failed ones included.
            convergence_threshold: 0: never for that.
            callback: Called with iteration, value and metrics of every trial that has ended, in order; the metrics of
                a failed one are empty. May be a coroutine function. What it raises is logged. It is not called any
                more once `stop_optimization` or `cleanup` has returned.
            objective: How good a value is, as a number or a dict of numbers by metric. A plain function gets a thread
                of its own, a coroutine function runs here. The name of a tool: the runtime calls it with each `value`.
                Or a dict with `program`, `dataset` and `metric`: the program reads the variable by itself, which is
                set to each value that is tried, and the mean of `metric(example, prediction)` is the score. None:
                trials are asked for with `ask_trial`.
            direction: `maximize` or `minimize`.

        Raises:
            AlreadyOptimizing: Another run holds the variable (also a ValueError).
            InvalidArgument: The optimizer is not known, or refuses its settings (also a ValueError).
            VariableNotFound: There is no such variable (also a KeyError).
            PermissionDenied: No right to optimize it (also a PermissionError).

        Example:
            >>> def accuracy(temperature):
            ...     return 1.0 - (temperature - 0.4) ** 2
            >>> await session.start_optimization("temperature", "bayesian", max_iterations=25, objective=accuracy)
        """
        wanted = wish(
            variable, optimizer_type, optimizer_config, max_iterations, convergence_threshold, callback, objective,
            direction, self._core.config.source,
        )  # fmt: skip
        return await self._core.optimizations.start(wanted)

    async def stop_optimization(self, variable: str) -> None:
        """Ends the run that holds a variable, whoever has started it; returns once its best value is written.

        A trial that is under way is dropped: a coroutine is cancelled, a plain function comes to its end unheard.

        Raises:
            NotOptimizing: None does (also a ValueError).
        """
        core = self._core
        name = given.name(variable, "variable")
        await core.initialize()
        request = optimizations_pb2.StopOptimizationRequest(**core.scoped({"variable": name}))
        reply = await core.call(methods.StopOptimization, request)
        await core.optimizations.stopped(reply.status)

    async def get_optimization_status(self, variable: str) -> dict[str, Any]:
        """The run that holds a variable, or the last one that did.

        Returns:
            `is_optimizing`, `optimization_id`, `iteration`, `best_value`, `best_metrics`, `best_score`, `started_at`,
            `last_update` (in UTC), `optimizer_type`, `variables`, `max_iterations`, `direction`; `reason` and `error`
            of a run that has ended, `committed_version` (of the variable, None when nothing was written) and
            `conflicts` (variables that others have written meanwhile). All of them None when there was never a run. Of
            a run over several variables `best_value` and `committed_version` are dicts by name.

        Raises:
            VariableNotFound: There is no such variable (also a KeyError).
        """
        core = self._core
        name = given.name(variable, "variable")
        await core.initialize()
        request = optimizations_pb2.GetOptimizationStatusRequest(session_id=core.session_id, variable=name)
        status = (await core.call(methods.GetOptimizationStatus, request)).status
        core.optimizations.saw(status)
        return status_dict(status)

    async def get_optimization_history(
        self, variable: str, limit: int = 100, since: datetime | None = None, optimizer_id: str | None = None
    ) -> list[dict[str, Any]]:
        """What was tried for a variable, oldest first.

        Each entry has `iteration`, `value` (of this variable), `metrics`, `score` (None: it has failed), `state`
        (`complete` or `failed`), `error`, `timestamp` (when it ended, in UTC), `started_at`, `optimizer_id` and
        `version` (of a value that an optimizer elsewhere has written).

        Args:
            variable: Name or id.
            limit: At most so many entries, the newest; at least 1.
            since: Only what has ended then or later. One without a time zone is in UTC, as every `timestamp` is.
            optimizer_id: Only trials of this run, as `start_optimization` returned it.

        Raises:
            VariableNotFound: There is no such variable (also a KeyError).
        """
        core = self._core
        fields: dict[str, Any] = {
            "variable": given.name(variable, "variable"),
            "limit": given.whole(limit, "limit", least=1, most=given.UINT32_MAX),
            "since_ms": 0 if since is None else _milliseconds(since),
            "optimization_id": given.optional_text(optimizer_id, "optimizer_id", f"{_RUN} or None"),
        }
        await core.initialize()
        request = optimizations_pb2.GetOptimizationHistoryRequest(session_id=core.session_id, **fields)
        reply = await core.call(methods.GetOptimizationHistory, request)
        return [history_entry(trial) for trial in reply.trials]

    async def register_python_optimizer(self, name: str, optimizer_class: type) -> None:
        """Makes an optimizer of one's own known to this `SessionContext`; see `BaseOptimizer`.

        It runs here: `start_optimization(variable, name)` makes it with the variable and its settings before anything
        is held, asks it for values, and tells it how good they were.

        Args:
            name: None of the built-in ones.
            optimizer_class: Has the methods `ask` and `tell`.

        Raises:
            ValidationFailed: It is no class, or lacks one of them (also a TypeError).
            InvalidArgument: The name is taken by the runtime (also a ValueError).
        """
        self._core.optimizations.register(given.text(name, "name", "the name of an optimizer"), optimizer_class)

    async def ask_trial(self, optimization_id: str) -> Trial | None:
        """Asks for the next values to try, of a run without an objective; waits until there are some.

        Any number of clients and tasks may ask; each trial is given to one of them. While it is in hand the run is kept
        alive from here, too.

        Returns:
            A trial with `number`, `value` and `values`; None: the run is over.

        Raises:
            NotOptimizing: There is no such run (also a ValueError).

        Example:
            >>> while (trial := await session.ask_trial(run)) is not None:
            ...     await session.tell_trial(run, trial, await measure(trial.value))
        """
        wanted = given.text(optimization_id, "optimization_id", _RUN)
        return await self._core.optimizations.ask(wanted)

    async def tell_trial(self, optimization_id: str, trial: Trial, metrics_or_score: Any) -> dict[str, Any]:
        """Says how good a trial was; gives the status of the run, as `get_optimization_status` does.

        Args:
            optimization_id: Of the run.
            trial: As `ask_trial` gave it.
            metrics_or_score: A finite number, or a dict of such numbers by metric.

        Raises:
            InvalidArgument: It is neither, or the metric that the run is about is not among them (also a ValueError).
            NotOptimizing: The trial was asked for elsewhere (also a ValueError).
        """
        wanted = given.text(optimization_id, "optimization_id", _RUN)
        return await self._core.optimizations.tell(wanted, _trial(trial), metrics_or_score)

    async def fail_trial(self, optimization_id: str, trial: Trial, error: str) -> dict[str, Any]:
        """Says that a trial has failed, and why; gives the status of the run.

        Raises:
            NotOptimizing: The trial was asked for elsewhere (also a ValueError).
        """
        wanted = given.text(optimization_id, "optimization_id", _RUN)
        why = given.text(error, "error", "why the trial has failed")
        return await self._core.optimizations.fail(wanted, _trial(trial), why)


def _trial(value: Any) -> Trial:
    if not isinstance(value, Trial):
        raise given.wrong_kind("trial", "a trial as ask_trial gives it", value)
    return value


def _milliseconds(instant: Any) -> int:
    """An instant on the wire, rounded up: what ended before it is not asked for."""
    if not isinstance(instant, datetime):
        raise given.wrong_kind("since", "a datetime or None", instant)
    aware = instant.replace(tzinfo=timezone.utc) if instant.tzinfo is None else instant
    return max(0, -((_EPOCH - aware) // timedelta(milliseconds=1)))
