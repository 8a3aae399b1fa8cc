"""Clients, their settings and caches of one's own check what they are given as the methods of a session do."""

from __future__ import annotations

import asyncio

import grpc
import pytest

import coilyard
from coilyard import InvalidArgument, SessionContext, ValidationFailed, VariableCache
from support.everything import EvilDict


@pytest.mark.asyncio
async def test_a_client_and_its_settings_are_checked_the_same_way() -> None:
    for name, value in (
        ("address", 5), ("address", ""), ("token", 5), ("token", " x"), ("credentials", "tls"), ("timeout", "5"),
        ("timeout", 0), ("timeout", float("nan")), ("timeout", float("inf")), ("multiplex", 1),
    ):  # fmt: skip
        with pytest.raises(InvalidArgument) as refused:
            await coilyard.connect(**{"address": "127.0.0.1:1", name: value})
        assert str(refused.value).startswith(name)
        with pytest.raises(InvalidArgument):
            coilyard.sync.connect(**{"address": "127.0.0.1:1", name: value})
    for key, value in (
        ("enable_caching", 1), ("cache_ttl", "1"), ("cache_ttl", -1), ("cache_max_size", 0), ("cache_max_size", 1.5),
        ("eviction_policy", "random"), ("push", None), ("timeout", 0), ("source", 5), ("metadata", [1]),
        ("ttl_ms", "5"), ("ttl_ms", 0), ("create_if_missing", "no"), ("token", 5), ("as_session", ""),
        ("multiplex", "yes"),
    ):  # fmt: skip
        with pytest.raises(InvalidArgument) as refused:
            coilyard.SessionConfig.of({key: value})
        assert str(refused.value).startswith(key)
    for config in (5, "x", [("timeout", 1)], {"colour": "red"}, {5: 1}, EvilDict(timeout=1)):
        with pytest.raises(InvalidArgument, match="config"):
            coilyard.SessionConfig.of(config)
    async with coilyard.connect("127.0.0.1:1", timeout=0.2) as client:
        for ask in (
            lambda: client.session(None), lambda: client.session(""), lambda: client.session("s", create=1),
            lambda: client.create_session(5), lambda: client.create_session(""),
            lambda: client.create_session(ttl_ms=0),
            lambda: client.session_info(None), lambda: client.stop_session(b"s"),
            lambda: client.stop_session("s", keep=0), lambda: anext(client.list_sessions(0)),
            lambda: anext(client.list_sessions("5")),
        ):  # fmt: skip
            with pytest.raises(InvalidArgument):
                await ask()
        with pytest.raises(ValidationFailed, match="session_id"):
            SessionContext(None, client.channel)
        with pytest.raises(ValidationFailed, match="channel"), grpc.insecure_channel("127.0.0.1:1") as channel:
            SessionContext("s", channel)


@pytest.mark.asyncio
async def test_a_cache_of_ones_own_is_checked_the_same_way() -> None:
    for name, value in (("ttl", None), ("ttl", "1"), ("max_size", 0), ("eviction_policy", 5), ("enabled", 1)):
        if value is not None:
            with pytest.raises(InvalidArgument, match=name):
                VariableCache(**{name: value})
    cache = VariableCache()
    for ask in (
        lambda: cache.get_batch("x"), lambda: cache.get_batch([5]), lambda: cache.get_batch(["x"], 5),
        lambda: cache.invalidate_pattern(5), lambda: cache.invalidate_pattern("x", 5),
    ):  # fmt: skip
        with pytest.raises(ValidationFailed):
            await ask()
    for subscribe in (
        lambda: cache.subscribe_invalidation(5, asyncio.sleep),
        lambda: cache.subscribe_invalidation("x", 5),
    ):
        with pytest.raises(ValidationFailed):
            subscribe()
