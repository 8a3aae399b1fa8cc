"""Tells when the runtime has given no sign of life for too long.

Only a worker whose process the runtime does not watch over has a lease: nobody else would end it when the machine of
the runtime stops, the network swallows the connection, or the runtime hangs. A thread of its own looks at it, so that
it also ends a worker whose event loop hangs.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

#: How often in the time of a lease it is looked at.
_LOOKS = 10


class Lease:
    """How long the runtime has been silent.

    Args:
        lease_s: Seconds of silence after which the runtime counts as gone.
        now: Monotonic seconds.
    """

    def __init__(self, lease_s: float, now: Callable[[], float] = time.monotonic) -> None:
        self.lease_s = lease_s
        self.look_s = lease_s / _LOOKS
        self._now = now
        self._heard = self._looked = now()

    def sign(self) -> None:
        """Any frame is a sign of life."""
        self._heard = self._now()

    def look(self) -> float | None:
        """To be called every `look_s` seconds: for how long nothing was heard, once that is too long."""
        now = self._now()
        # This process stood still (it was stopped, the machine was suspended, a function let nobody else run): what
        # came meanwhile is still unread, so the runtime is given the time again.
        if now - self._looked > 2 * self.look_s:
            self._heard = now
        self._looked = now
        silent = now - self._heard
        return silent if silent > self.lease_s else None


class LeaseWatch:
    """The thread that looks at a lease until it is over.

    Args:
        lease: What to look at.
        over: Called in that thread, once, with how many seconds nothing was heard.
    """

    def __init__(self, lease: Lease, over: Callable[[float], None]) -> None:
        self._lease = lease
        self._over = over
        self._stopped = threading.Event()
        threading.Thread(target=self._watch, name="coilyard-lease", daemon=True).start()

    def stop(self) -> None:
        """Nothing is told from here on."""
        self._stopped.set()

    def _watch(self) -> None:
        while not self._stopped.wait(self._lease.look_s):
            silent = self._lease.look()
            if silent is not None:
                self._over(silent)
                return
