"""How a run is to be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from coilyard._values import encode_metadata

#: Seconds that a run outlives the last sign of its clients, unless the gateway or the caller says otherwise.
DEFAULT_LEASE_S = 15.0


@dataclass(frozen=True, slots=True)
class StartOptions:
    """How a run is to be; see `StartOptimizationRequest` in the wire contract.

    Attributes:
        variables: Names or ids.
        optimizer: A built-in one, one of the runtime's, or, of an `external` run, any name.
        config: The optimizer's own settings, which travel; of an external run there are none to send.
        max_iterations: Trials that may end.
        convergence_threshold: The gain below which the run ends; 0: never for that.
        direction: `maximize` or `minimize`.
        objective: The tool that the runtime calls for each trial; empty: trials are asked for.
        metric: Which of the metrics is optimized; empty: `score`, or the only one.
        external: Every request for a trial brings the values to try.
        apply_trials: Sets the variables to the values of each trial.
        parallel: How many trials may run at the same time.
        timeout_s: Seconds until the run ends; None: never for that.
        patience: How many trials the convergence looks back; None: as the gateway thinks.
        lease_s: Seconds that the run outlives the last sign of a client.
        source: What this client calls itself in histories.
    """

    variables: tuple[str, ...]
    optimizer: str
    config: Mapping[str, Any] = field(default_factory=dict)
    max_iterations: int = 100
    convergence_threshold: float = 0.001
    direction: str = "maximize"
    objective: str = ""
    metric: str = ""
    external: bool = False
    apply_trials: bool = False
    parallel: int = 1
    timeout_s: float | None = None
    patience: int | None = None
    lease_s: float = DEFAULT_LEASE_S
    source: str = "python"

    def fields(self) -> dict[str, Any]:
        """The fields of the request that starts it, but those that every write has.

        Raises:
            ValidationFailed: A setting of the optimizer has no form on the wire (also a TypeError).
        """
        return {
            "variables": list(self.variables),
            "optimizer": self.optimizer,
            "config": encode_metadata(self.config, "optimizer_config"),
            "max_iterations": self.max_iterations,
            "convergence_threshold": self.convergence_threshold,
            "direction": self.direction,
            "objective": self.objective,
            "metric": self.metric,
            "external": self.external,
            "apply_trials": self.apply_trials,
            "parallel": self.parallel,
            "timeout_ms": _milliseconds(self.timeout_s),
            "patience": self.patience or 0,
            "lease_ms": _milliseconds(self.lease_s),
            "source": self.source,
        }


def _milliseconds(seconds: float | None) -> int:
    """At least one: nought stands for what the gateway thinks."""
    return 0 if seconds is None else max(1, round(seconds * 1000))
