"""What this process may use of the machine."""

from __future__ import annotations

import logging
import os
from collections.abc import Sequence

_log = logging.getLogger("coilyard.worker")


def limit_this_process(nice: int, rlimits: Sequence[tuple[str, int]]) -> None:
    """Sets niceness and limits; what the system does not know or allow is reported and left as it is.

    Args:
        nice: Added to the niceness.
        rlimits: Soft limits by name, as the module `resource` has them without `RLIMIT_` and in small letters.
    """
    try:
        if nice:
            os.nice(nice)
        import resource  # noqa: PLC0415 - there is none on Windows
    except (ImportError, OSError) as error:
        _log.warning("this process cannot be limited: %s", error)
        return
    for name, value in rlimits:
        number = getattr(resource, f"RLIMIT_{name.upper()}", None)
        if number is None:
            _log.warning("this system has no limit %r", name)
            continue
        hard = resource.getrlimit(number)[1]
        try:
            resource.setrlimit(number, (value if hard == resource.RLIM_INFINITY else min(value, hard), hard))
        except (OSError, ValueError) as error:
            _log.warning("the limit %s=%d was not accepted: %s", name, value, error)
