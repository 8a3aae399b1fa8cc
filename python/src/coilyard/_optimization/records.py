"""What there is to know of a run and of its trials, as Python code sees it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from coilyard._proto import optimizations_pb2
from coilyard._values import decode_value, to_datetime


@dataclass(frozen=True, slots=True)
class Trial:
    """Values to be tried.

    Attributes:
        number: 1, 2, 3, … in the order in which the trials of a run begin.
        values: By the name of the variable.
        client_id: Who has to tell its result.
    """

    number: int
    values: dict[str, Any]
    client_id: str = field(default="", repr=False)

    @property
    def value(self) -> Any:
        """The value, of a run over one variable; else the values by name."""
        return one_or_all(self.values)


@dataclass(frozen=True, slots=True)
class TellOutcome:
    """What became of a result.

    Attributes:
        entry: The trial as `get_optimization_history` shows it; None when the run had ended before: the result was
            dropped.
        status: The run as `get_optimization_status` shows it.
    """

    entry: dict[str, Any] | None
    status: dict[str, Any]

    @property
    def ended(self) -> bool:
        """Whether the run is over."""
        return not self.status["is_optimizing"]


#: What is known of a variable that was never optimized.
_UNKNOWN: Mapping[str, Any] = dict.fromkeys((
    "optimization_id", "iteration", "best_value", "best_metrics", "best_score", "started_at", "last_update",
    "optimizer_type", "variables", "max_iterations", "direction", "reason", "error", "committed_version", "conflicts",
))  # fmt: skip


def one_or_all(by_name: Mapping[str, Any], names: Iterable[str] | None = None) -> Any:
    """What a run over one variable has of it; what a run over several has, by name.

    Args:
        by_name: What there is; None takes the place of what is missing.
        names: The variables of the run, where `by_name` may lack some.
    """
    variables = list(by_name if names is None else names)
    if len(variables) == 1:
        return by_name.get(variables[0])
    return dict(by_name) or None


def status_dict(status: optimizations_pb2.OptimizationStatus) -> dict[str, Any]:
    """The state of a run as `get_optimization_status` shows it."""
    if not status.optimization_id:
        return {"is_optimizing": False, **_UNKNOWN}
    variables = list(status.variables)
    return {
        "is_optimizing": status.is_optimizing,
        "optimization_id": status.optimization_id,
        "iteration": status.iteration,
        "best_value": one_or_all(_decoded(status.best_values), variables),
        "best_metrics": dict(sorted(status.best_metrics.items())),
        "best_score": status.best_score if status.HasField("best_score") else None,
        "started_at": to_datetime(status.started_at_ms),
        "last_update": to_datetime(status.last_update_ms),
        "optimizer_type": status.optimizer,
        "variables": variables,
        "max_iterations": status.max_iterations,
        "direction": status.direction,
        "reason": status.reason or None,
        "error": status.error or None,
        "committed_version": one_or_all(dict(sorted(status.committed.items())), variables),
        "conflicts": list(status.conflicts),
    }


def unknown_end(optimization_id: str, variables: Iterable[str]) -> dict[str, Any]:
    """The state of a run that is over, when nobody remembers how it ended."""
    return {"is_optimizing": False, **_UNKNOWN, "optimization_id": optimization_id, "variables": list(variables)}


def history_entry(trial: optimizations_pb2.OptimizationTrial) -> dict[str, Any]:
    """A trial that has ended as `get_optimization_history` shows it."""
    return {
        "iteration": trial.iteration if trial.HasField("iteration") else None,
        "value": one_or_all(_decoded(trial.values)),
        "metrics": dict(sorted(trial.metrics.items())),
        "score": trial.score if trial.HasField("score") else None,
        "state": trial.state,
        "error": trial.error or None,
        "timestamp": to_datetime(trial.ended_at_ms),
        "started_at": to_datetime(trial.started_at_ms) if trial.started_at_ms else None,
        "optimizer_id": trial.optimization_id or None,
        "version": trial.version if trial.HasField("version") else None,
    }


def trial_of(message: optimizations_pb2.Trial, client_id: str) -> Trial:
    """The record of a message."""
    return Trial(message.number, _decoded(message.values), client_id)


def _decoded(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: decode_value(values[name]) for name in sorted(values)}
