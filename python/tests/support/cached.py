"""Values as the cache takes them."""

from __future__ import annotations

from typing import Any

from coilyard._entries import CachedValue


def a_value(name: str = "x", value: Any = 1, revision: int = 1, id: str | None = None) -> CachedValue:
    copy = (lambda: list(value)) if isinstance(value, list) else None
    return CachedValue(id or f"id_{name}", name, None if copy else value, copy, revision)
