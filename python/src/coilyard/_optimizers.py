"""What an optimizer of one's own looks like: it is asked for values and told how good they were."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol, runtime_checkable


class OptimizationDone(Exception):
    """Raised by `ask` of an optimizer that has nothing more to try. `StopIteration` cannot leave a coroutine."""


@runtime_checkable
class BaseOptimizer(Protocol):
    """What the class of an optimizer has to have; inherit from it, or just have the same methods.

    It is made with the variable (`name`, `type`, `value` and `constraints` as attributes) and its configuration. Both
    methods may be coroutines. It may also have `should_stop() -> bool` and `best() -> value`, and, to be resumed in
    another process, `state_dict() -> dict` and `load_state_dict(state)`.
    """

    def ask(self) -> Any:
        """The next value to try.

        Raises:
            OptimizationDone: There is none.
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
