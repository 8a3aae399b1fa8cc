"""What `start_optimization` was told: its parameters, and the keys of the configuration that are about the run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from coilyard import _arguments as given
from coilyard._errors import InvalidArgument
from coilyard._optimization.objectives import Objective, objective_of
from coilyard._optimization.start import DEFAULT_LEASE_S, StartOptions

DIRECTIONS = ("maximize", "minimize")

#: Keys of `optimizer_config` that are about the run; all others are for the optimizer.
RUN_KEYS = ("objective", "direction", "metric", "timeout_s", "patience", "parallel", "apply_trials", "lease_s")


#: Seconds that a lease may have.
LEASE_S = (0.1, 3600.0)

#: The most seconds after which a run may end: some thirty thousand years.
MOST_TIMEOUT_S = 1e12


class _Default(str):
    """A default that can be told from the same text given by a caller."""

    __slots__ = ()


#: The direction of a run that was not told any.
MAXIMIZE = _Default("maximize")


@dataclass(frozen=True)
class Wish:
    """A run as it was asked for.

    Attributes:
        start: What the gateway is told.
        config: The optimizer's own settings, as they came.
        objective: What is called here; the name of a tool; None: trials are asked for.
        callback: Told of every trial.
    """

    start: StartOptions
    config: Mapping[str, Any]
    objective: Objective | str | None
    callback: Callable[..., Any] | None


def wish(
    variable: Any,
    optimizer_type: Any,
    optimizer_config: Any,
    max_iterations: Any,
    convergence_threshold: Any,
    callback: Any,
    objective: Any,
    direction: Any,
    source: str,
) -> Wish:
    """The run that the arguments of `start_optimization` ask for.

    Raises:
        ValidationFailed: One of them is of the wrong kind (also a TypeError).
        InvalidArgument: One of them cannot be, or was given twice (also a ValueError).
    """
    names = _variables(variable)
    optimizer = given.text(optimizer_type, "optimizer_type", "the name of an optimizer")
    config = {} if optimizer_config is None else given.mapping(optimizer_config, "optimizer_config")
    about_run = {key: config.pop(key) for key in RUN_KEYS if config.get(key) is not None}
    for key in RUN_KEYS:
        config.pop(key, None)
    chosen_objective = objective_of(_one_of_both("objective", objective, about_run), "objective")
    said = None if direction is MAXIMIZE else given.one_of(direction, "direction", DIRECTIONS)
    chosen_direction = _one_of_both("direction", said, about_run)
    reads = isinstance(chosen_objective, Objective) and chosen_objective.reads_variables
    start = StartOptions(
        variables=names,
        optimizer=optimizer,
        max_iterations=given.whole(max_iterations, "max_iterations", least=1, most=given.UINT32_MAX),
        convergence_threshold=given.amount(convergence_threshold, "convergence_threshold", "gain"),
        direction=given.one_of(MAXIMIZE if chosen_direction is None else chosen_direction, "direction", DIRECTIONS),
        metric=given.text(about_run["metric"], "metric", "the name of a metric") if "metric" in about_run else "",
        apply_trials=given.flag(about_run.get("apply_trials", reads), "apply_trials"),
        parallel=given.whole(about_run.get("parallel", 1), "parallel", least=1, most=given.UINT32_MAX),
        timeout_s=_timeout(about_run),
        patience=given.optional_whole(about_run.get("patience"), "patience", least=1, most=given.UINT32_MAX),
        lease_s=_lease(about_run),
        source=source,
    )
    return Wish(start, config, chosen_objective, given.function(callback, "callback"))


def _variables(variable: Any) -> tuple[str, ...]:
    if isinstance(variable, str):
        return (given.name(variable, "variable"),)
    expected = "the name or id of a variable, or a list of them"
    listed = given.items(variable, "variable", expected)
    names = tuple(given.text(name, f"variable[{index}]", expected) for index, name in enumerate(listed))
    if not names:
        raise given.wrong_value("variable", expected, variable)
    return names


def _one_of_both(key: str, parameter: Any, config: Mapping[str, Any]) -> Any:
    """What was given as a parameter, in the configuration, or in both alike."""
    configured = config.get(key)
    if parameter is None or configured is None:
        return configured if parameter is None else parameter
    if parameter is configured or (
        isinstance(parameter, str) and isinstance(configured, str) and parameter == configured
    ):
        return parameter
    raise InvalidArgument(
        f"{key}: expected it once, got {given.shown(parameter)} and {given.shown(configured)} in optimizer_config",
        details={"field": key},
    )


def _lease(config: Mapping[str, Any]) -> float:
    seconds = _seconds(config, "lease_s")
    least, most = LEASE_S
    if seconds is not None and not least <= seconds <= most:
        raise given.wrong_value("lease_s", f"seconds from {least} to {most}", seconds)
    return DEFAULT_LEASE_S if seconds is None else seconds


def _timeout(config: Mapping[str, Any]) -> float | None:
    seconds = _seconds(config, "timeout_s")
    if seconds is not None and seconds > MOST_TIMEOUT_S:
        raise given.wrong_value("timeout_s", f"seconds, at most {MOST_TIMEOUT_S:.0f}", seconds)
    return seconds


def _seconds(config: Mapping[str, Any], key: str) -> float | None:
    return given.amount(config[key], key, "seconds", zero=False) if key in config else None
