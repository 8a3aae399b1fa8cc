"""How long to wait before trying again."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Backoff:
    """Exponential delays with jitter: many clients that lost the same gateway do not come back in step.

    Attributes:
        first_s: Upper bound of the first delay in seconds.
        longest_s: No delay is longer than this many seconds.
        chance: Returns numbers in [0, 1).
    """

    first_s: float = 0.05
    longest_s: float = 2.0
    chance: Callable[[], float] = field(default=random.random)

    def delay(self, attempt: int) -> float:
        """Seconds to wait after the failed `attempt`, the first of which is 0; never less than half a millisecond."""
        bound = min(self.longest_s, self.first_s * 2.0 ** min(attempt, 30))
        return max(0.0005, bound * (0.5 + self.chance() / 2))
