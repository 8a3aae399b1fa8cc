"""What a `SessionContext` can be told at its construction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from coilyard._calls import DEFAULT_TIMEOUT_S
from coilyard._errors import InvalidArgument
from coilyard._eviction import EvictionPolicy


@dataclass(frozen=True)
class SessionConfig:
    """Settings of one `SessionContext`; a plain dict with these keys does as well.

    Attributes:
        enable_caching: False: every read asks the gateway.
        cache_ttl: Seconds for which a cached value holds while changes are not pushed; 0 switches the cache off.
        cache_max_size: The most cached variables.
        eviction_policy: `lru`, `lfu` or `fifo`.
        push: False: no watch is opened for the cache; it lives by `cache_ttl` alone.
        timeout: Seconds for one request, retries included.
        source: What this writer calls itself in histories.
        metadata: Given to the session if it is created here.
        ttl_ms: The session's time to live in milliseconds if it is created here; None: it does not expire.
        create_if_missing: False: a session that does not exist is an error rather than created.
        token: The bearer token, for a channel that does not carry one by itself.
        as_session: Call on behalf of this other session: access rules are matched with its id.
        multiplex: False: each request is a gRPC call of its own rather than a frame on one stream. For a channel that
            does not carry one by itself.
    """

    enable_caching: bool = True
    cache_ttl: float = 1.0
    cache_max_size: int = 1000
    eviction_policy: EvictionPolicy = "lru"
    push: bool = True
    timeout: float = DEFAULT_TIMEOUT_S
    source: str = "python"
    metadata: Mapping[str, Any] = field(default_factory=dict)
    ttl_ms: int | None = None
    create_if_missing: bool = True
    token: str | None = None
    as_session: str | None = None
    multiplex: bool = True

    @classmethod
    def of(cls, config: SessionConfig | Mapping[str, Any] | None) -> SessionConfig:
        """The settings that `config` stands for.

        Raises:
            InvalidArgument: It has a key that is none of the settings.
        """
        if isinstance(config, SessionConfig):
            return config
        given = dict(config or {})
        known = [item.name for item in fields(cls)]
        unknown = sorted(given.keys() - set(known))
        if unknown:
            raise InvalidArgument(f"config: unknown key {unknown[0]!r}; known are {', '.join(known)}")
        return cls(**given)
