"""The cache: what it holds, what it counts, and that it never tells an older value than it knows."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from coilyard import MISSING, VariableCache
from support.cached import a_value
from support.manual_clock import ManualClock, settle


def a_cache(clock: ManualClock, **options: Any) -> VariableCache:
    return VariableCache(**{"ttl": 30.0, "timer": clock.now, **options})


@pytest.mark.parametrize("value", [0, "", False, None, 0.0])
def test_falsy_values_are_hits_like_any_other(clock: ManualClock, value: object) -> None:
    cache = a_cache(clock)
    cache.set("x", value)
    assert cache.get("x") is value
    assert cache.stats()["hits"] == 1


def test_a_missing_key_is_missing_and_not_none(clock: ManualClock) -> None:
    cache = a_cache(clock)
    assert cache.get("x") is MISSING
    assert cache.get("x", None) is None
    assert cache.stats()["misses"] == 2


def test_an_empty_cache_is_true() -> None:
    assert VariableCache()


def test_a_variable_is_one_entry_under_its_name_and_its_id(clock: ManualClock) -> None:
    cache = a_cache(clock)
    cache.offer(a_value(), as_of=1)
    assert (cache.get("x"), cache.get("id_x"), len(cache)) == (1, 1, 1)


def test_a_new_value_under_the_id_is_seen_under_the_name(clock: ManualClock) -> None:
    cache = a_cache(clock)
    cache.offer(a_value(value=1, revision=1), as_of=1)
    cache.set("id_x", 2)
    assert cache.get("x") == 2


def test_a_name_that_is_registered_anew_leaves_its_old_variable(clock: ManualClock) -> None:
    cache = a_cache(clock)
    cache.offer(a_value(value="old", revision=1, id="a"), as_of=1)
    cache.offer(a_value(value="new", revision=5, id="b"), as_of=5)
    assert cache.get("x") == "new"
    assert cache.get("a") is MISSING


def test_readers_cannot_change_what_others_read(clock: ManualClock) -> None:
    cache = a_cache(clock)
    mine = [1]
    cache.set("own", mine)
    cache.offer(a_value(value=[1]), as_of=1)
    cache.go_live(1)
    mine.append(2)
    for key in ("own", "x"):
        cache.get(key, []).append(3)
    assert (cache.get("own"), cache.get("x")) == (MISSING, [1])


def test_a_value_lives_as_long_as_its_time_to_live(clock: ManualClock) -> None:
    cache = a_cache(clock, ttl=2.0)
    cache.set("x", 1)
    clock.move(1.999)
    assert cache.get("x") == 1
    clock.move(0.001)
    assert cache.get("x") is MISSING
    stats = cache.stats()
    assert (stats["expirations"], stats["evictions"], stats["size"]) == (1, 0, 0)


def test_a_changed_time_to_live_holds_for_what_is_cached_already(clock: ManualClock) -> None:
    cache = a_cache(clock, ttl=1.0)
    cache.set("x", 1)
    cache.configure(ttl=10.0)
    clock.move(5)
    assert cache.get("x") == 1


@pytest.mark.parametrize("switch", [{"ttl": 0}, {"enabled": False}])
def test_a_cache_that_is_off_holds_nothing_and_shows_the_same_figures(
    clock: ManualClock, switch: dict[str, Any]
) -> None:
    cache = a_cache(clock)
    cache.set("x", 1)
    keys = cache.stats().keys()
    cache.configure(**switch)
    cache.set("y", 1)
    assert (cache.get("x"), cache.get("y")) == (MISSING, MISSING)
    assert cache.stats().keys() == keys
    assert cache.stats()["enabled"] is False
    cache.configure(ttl=1, enabled=True)
    cache.set("z", 1)
    assert cache.get("z") == 1


@pytest.mark.parametrize(
    "wrong", [{"ttl": -1}, {"ttl": float("nan")}, {"max_size": 0}, {"max_size": 1.5}, {"eviction_policy": "mru"}]
)
def test_a_setting_out_of_range_is_refused_and_changes_nothing(clock: ManualClock, wrong: dict[str, Any]) -> None:
    cache = a_cache(clock)
    before = cache.stats()
    with pytest.raises(ValueError, match=next(iter(wrong))):
        cache.configure(**{"ttl": 5.0, **wrong})
    assert cache.stats() == before
    with pytest.raises(ValueError, match=next(iter(wrong))):
        a_cache(clock, **wrong)


@pytest.mark.parametrize(("policy", "gone"), [("lru", "b"), ("lfu", "c"), ("fifo", "a")])
def test_the_policy_decides_who_leaves_a_full_cache(clock: ManualClock, policy: Any, gone: str) -> None:
    cache = a_cache(clock, max_size=3, eviction_policy=policy)
    for key in "abc":
        cache.set(key, key)
    for key in "bbaaca":
        cache.get(key)
    cache.set("d", "d")
    assert sorted(entry.id for entry in cache.table.by_id.values()) == sorted({*"abcd"} - {gone})
    assert cache.stats()["evictions"] == 1


def test_storing_over_a_key_of_a_full_cache_evicts_nobody(clock: ManualClock) -> None:
    cache = a_cache(clock, max_size=2)
    cache.set("a", 1)
    cache.set("b", 1)
    cache.set("a", 2)
    assert (cache.get("a"), cache.get("b"), cache.stats()["evictions"]) == (2, 1, 0)


def test_a_smaller_size_evicts_at_once(clock: ManualClock) -> None:
    cache = a_cache(clock)
    for number in range(10):
        cache.set(str(number), number)
    cache.configure(max_size=3)
    assert len(cache) == 3
    assert [cache.get(str(number)) for number in (7, 8, 9)] == [7, 8, 9]


def test_a_late_reply_loses_against_a_pushed_change(clock: ManualClock) -> None:
    cache = a_cache(clock)
    cache.go_live(3)
    cache.push("id_x", 5, lambda: a_value(value="pushed", revision=5))
    assert cache.offer(a_value(value="late", revision=4), as_of=4) is False
    assert cache.get("x") is MISSING
    assert cache.offer(a_value(value="pushed", revision=5), as_of=6) is True
    assert cache.get("x") == "pushed"


def test_a_reply_from_before_the_watch_is_not_known_to_be_true(clock: ManualClock) -> None:
    cache = a_cache(clock)
    cache.offer(a_value("early", 1, 3), as_of=3)
    cache.offer(a_value("sure", 1, 3), as_of=4)
    cache.go_live(4)
    assert (cache.get("early"), cache.get("sure")) == (MISSING, 1)
    assert cache.offer(a_value("slow", 1, 2), as_of=3) is False


def test_what_a_push_says_is_taken_only_into_entries_that_exist(clock: ManualClock) -> None:
    cache = a_cache(clock)
    cache.offer(a_value(revision=1), as_of=1)
    cache.go_live(1)
    cache.push("id_x", 2, lambda: a_value(value=2, revision=2))
    cache.push("id_y", 3, lambda: pytest.fail("decoded for nobody"))
    cache.push("id_x", 1, lambda: pytest.fail("decoded although old"))
    assert (cache.get("x"), len(cache), cache.stats()["pushes"]) == (2, 1, 1)


def test_a_deleted_variable_does_not_come_back_with_a_late_reply(clock: ManualClock) -> None:
    cache = a_cache(clock)
    cache.offer(a_value(revision=1), as_of=1)
    cache.go_live(1)
    cache.forget("id_x", 2)
    assert cache.offer(a_value(revision=1), as_of=1) is False
    assert cache.get("x") is MISSING


def test_while_changes_are_pushed_no_clock_decides(clock: ManualClock) -> None:
    cache = a_cache(clock, ttl=1.0)
    cache.offer(a_value(), as_of=1)
    cache.go_live(1)
    clock.move(1_000_000)
    assert cache.get("x") == 1
    assert cache.table.fast.keys() == {"x", "id_x"}


def test_when_pushes_stop_values_live_by_the_clock_from_then_on(clock: ManualClock) -> None:
    cache = a_cache(clock, ttl=1.0)
    cache.offer(a_value(), as_of=1)
    cache.go_live(1)
    clock.move(100)
    cache.go_dark()
    assert cache.table.fast == {}
    clock.move(0.9)
    assert cache.get("x") == 1
    clock.move(0.1)
    assert cache.get("x") is MISSING


def test_a_watch_that_resumes_keeps_what_had_not_expired(clock: ManualClock) -> None:
    cache = a_cache(clock, ttl=1.0)
    cache.offer(a_value("kept"), as_of=1)
    cache.go_live(1)
    cache.go_dark()
    clock.move(0.5)
    cache.offer(a_value("fresh", revision=2), as_of=2)
    cache.go_live(None)
    clock.move(100)
    assert (cache.get("kept"), cache.get("fresh")) == (1, 1)
    cache.go_dark()
    clock.move(2)
    cache.go_live(None)
    assert len(cache) == 0


def test_a_reset_replaces_what_is_cached_by_the_snapshot_whatever_its_revisions(clock: ManualClock) -> None:
    cache = a_cache(clock)
    for name in ("kept", "gone"):
        cache.offer(a_value(name, "old", 90), as_of=90)
    cache.go_live(90)
    cache.reset(5, [a_value("kept", "new", 3), a_value("other", "new", 4)])
    assert (cache.get("kept"), cache.get("gone"), cache.get("other")) == ("new", MISSING, MISSING)
    assert cache.offer(a_value("gone", "again", 5), as_of=5)
    assert cache.get("gone") == "again"


def test_what_was_fetched_before_an_invalidation_is_not_stored_after_it(clock: ManualClock) -> None:
    cache = a_cache(clock)
    generation = cache.generation
    cache.invalidate("x")
    assert cache.offer(a_value(), as_of=1, generation=generation)
    assert cache.get("x") is MISSING


def test_the_memory_of_revisions_is_bounded_and_forgets_on_the_safe_side(clock: ManualClock) -> None:
    cache = a_cache(clock)
    cache.seen.__init__(limit=10)
    for number in range(1, 31):
        cache.seen.note(f"id_{number}", number)
    assert cache.offer(a_value("1", revision=1), as_of=1) is False
    assert cache.offer(a_value("1", revision=1), as_of=30) is True


@pytest.mark.asyncio
async def test_a_batch_fetches_what_is_missing_once_and_together(clock: ManualClock) -> None:
    cache = a_cache(clock)
    cache.set("a", None)
    asked: list[list[str]] = []

    async def fetch(missing: list[str]) -> dict[str, int]:
        asked.append(missing)
        return {"b": 2}

    assert await cache.get_batch(["b", "a", "c", "b"], fetch) == {"b": 2, "a": None}
    assert asked == [["b", "c"]]
    assert await cache.get_batch(["a", "b"], fetch) == {"a": None, "b": 2}
    assert await cache.get_batch(["zz"]) == {}


@pytest.mark.asyncio
async def test_subscribers_hear_why_a_value_is_no_longer_true(clock: ManualClock) -> None:
    cache = a_cache(clock)
    heard: list[tuple[str, str]] = []

    async def listen(variable_id: str, reason: str) -> None:
        heard.append((variable_id, reason))

    cache.subscribe_invalidation("x", listen)
    by_id = cache.subscribe_invalidation("id_x", listen)
    cache.offer(a_value(revision=1), as_of=1)
    cache.go_live(1)
    cache.push("id_x", 2, lambda: a_value(revision=2))
    await settle()
    assert heard == [("id_x", "updated")] * 2
    assert cache.unsubscribe_invalidation(by_id) is True
    assert cache.unsubscribe_invalidation(by_id) is False
    heard.clear()
    cache.invalidate("x", reason="manual")
    cache.offer(a_value(revision=2), as_of=2)
    cache.forget("id_x", 3)
    await settle()
    assert heard == [("id_x", "manual"), ("id_x", "deleted")]


@pytest.mark.asyncio
async def test_a_callback_that_raises_or_hangs_harms_nobody(
    clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    cache = a_cache(clock)
    heard: list[str] = []

    async def broken(variable_id: str, reason: str) -> None:
        raise RuntimeError("broken callback")

    async def fine(variable_id: str, reason: str) -> None:
        heard.append(variable_id)

    cache.subscribe_invalidation("x", broken)
    cache.subscribe_invalidation("x", fine)
    cache.set("x", 1)
    assert await cache.invalidate_pattern("x") == 1
    assert heard == ["x"]
    assert "broken callback" in caplog.text


@pytest.mark.asyncio
async def test_a_pattern_drops_every_entry_that_it_matches_somewhere(clock: ManualClock) -> None:
    cache = a_cache(clock)
    for name in ("temperature", "base_temperature", "model"):
        cache.offer(a_value(name), as_of=1)
    assert await cache.invalidate_pattern("^base_|^temp") == 2
    assert len(cache) == 1
    with pytest.raises(ValueError, match="pattern"):
        await cache.invalidate_pattern("(?=x)")


def test_invalidation_from_a_thread_without_a_loop_reaches_the_subscriber(clock: ManualClock) -> None:
    cache = a_cache(clock)
    heard: list[str] = []

    async def listen(variable_id: str, reason: str) -> None:
        heard.append(reason)

    async def main() -> None:
        cache.subscribe_invalidation("x", listen)
        cache.set("x", 1)
        await asyncio.to_thread(cache.invalidate, "x", "from a thread")
        await settle()

    asyncio.run(main())
    assert heard == ["from a thread"]


def test_the_hits_of_one_variable_survive_its_eviction(clock: ManualClock) -> None:
    cache = a_cache(clock, max_size=1)
    cache.offer(a_value("a"), as_of=1)
    cache.get("a")
    cache.offer(a_value("b"), as_of=1)
    assert cache.table.uses_of("id_a") == 1
    cache.go_live(1)
    assert cache.read_from_thread("b") == 1
    assert cache.read_from_thread("a") is MISSING
    assert cache.stats()["hits"] == 2
