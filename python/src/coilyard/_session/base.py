"""What the groups of methods of a `SessionContext` share."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from coilyard._errors import InvalidArgument
from coilyard._session.core import SessionCore


class SessionBase:
    """Holds the core, and the two things of it that the hot path of a cached read touches."""

    def __init__(self, core: SessionCore) -> None:
        self._core = core
        self._table = core.cache.table
        self._fast = core.cache.table.fast


def checked_names(names: Iterable[str], field: str = "names") -> list[str]:
    """The names as a list.

    Raises:
        InvalidArgument: It is one text, or has an entry that is none.
    """
    if isinstance(names, str):
        raise InvalidArgument(f"{field}: expected a list of names, got the text {names!r:.80}")
    listed = list(names)
    for name in listed:
        checked_name(name, field)
    return listed


def checked_name(name: Any, field: str = "name") -> str:
    """The name itself.

    Raises:
        InvalidArgument: It is not a text that says something.
    """
    if not isinstance(name, str) or not name:
        raise InvalidArgument(f"{field}: expected the name or id of a variable, got {name!r:.80}")
    return name
