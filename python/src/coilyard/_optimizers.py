"""What an optimizer of one's own looks like: it is asked for values and told how good they were."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

#: The optimizers that the runtime has by itself.
BUILT_IN = ("bayesian", "gradient", "grid_search", "random_search")

#: What the class of an optimizer cannot do without.
REQUIRED = ("ask", "tell")


class OptimizationDone(Exception):
    """Raised by `ask` of an optimizer that has nothing more to try. `StopIteration` cannot leave a coroutine."""


@dataclass(frozen=True, slots=True)
class VariableSpec:
    """A variable as an optimizer is made with it.

    Attributes:
        name: Its name.
        type: Such as `float` or `choice`.
        value: What it is now.
        constraints: Such as `min`, `max`, `step`, `choices`.
    """

    name: str
    type: str
    value: Any
    constraints: Mapping[str, Any] = field(default_factory=dict)


@runtime_checkable
class BaseOptimizer(Protocol):
    """What the class of an optimizer has to have; inherit from it, or just have the same methods.

    It is made with a `VariableSpec` and its configuration: the keys of `optimizer_config` that are not about the run,
    and `direction` when that is `minimize`. Of a run over several variables it is made with a dict of `VariableSpec` by
    name, and asks for and is told such dicts of values.

    Each method may be a coroutine. Plain ones are called in one thread, which belongs to the run, never two at the same
    time. What `ask` or `tell` raises ends the run with the reason `failed`.

    It may also have `should_stop() -> bool`, which is asked after each trial and ends the run with the reason
    `converged`, and `fail(value, error)`, which is told of trials that have failed; `tell` is not. `best()` is for
    those who hold the optimizer: the best value of a run is found by the runtime.
    """

    def ask(self) -> Any:
        """The next value to try.

        Raises:
            OptimizationDone: There is none; the run ends with the reason `exhausted` once all trials have ended.
        """
        ...

    def tell(self, value: Any, metrics: Mapping[str, float], score: float) -> Any:
        """How good a value was.

        Args:
            value: What `ask` returned.
            metrics: Everything that was measured.
            score: The one of them that is optimized; more is better or worse as the run was told.
        """
        ...
