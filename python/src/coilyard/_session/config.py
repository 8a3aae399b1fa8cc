"""What a `SessionContext` can be told at its construction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from coilyard import _arguments as given
from coilyard._calls import DEFAULT_TIMEOUT_S
from coilyard._eviction import POLICIES, EvictionPolicy


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

    def __post_init__(self) -> None:
        given.flag(self.enable_caching, "enable_caching")
        given.amount(self.cache_ttl, "cache_ttl", "seconds", infinite=True)
        given.whole(self.cache_max_size, "cache_max_size", least=1)
        given.one_of(self.eviction_policy, "eviction_policy", POLICIES)
        given.flag(self.push, "push")
        given.amount(self.timeout, "timeout", "seconds", zero=False)
        given.text(self.source, "source", "what the writer calls itself", empty=True)
        given.mapping(self.metadata, "metadata")
        given.optional_whole(self.ttl_ms, "ttl_ms", least=1)
        given.flag(self.create_if_missing, "create_if_missing")
        if self.token is not None:
            given.text(self.token, "token")
        if self.as_session is not None:
            given.text(self.as_session, "as_session", "the id of a session")
        given.flag(self.multiplex, "multiplex")

    @classmethod
    def of(cls, config: SessionConfig | Mapping[str, Any] | None) -> SessionConfig:
        """The settings that `config` stands for.

        Raises:
            InvalidArgument: It has a key that is none of the settings, or a value that cannot be.
        """
        if isinstance(config, SessionConfig):
            return config
        if config is None:
            return cls()
        known = [item.name for item in fields(cls)]
        return cls(**given.mapping(config, "config", "a SessionConfig, or a dict with its keys", known))
