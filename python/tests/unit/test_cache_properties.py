"""The cache against models of it: whatever happens in whatever order."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from coilyard import MISSING, VariableCache
from support.cached import a_value
from support.manual_clock import ManualClock


class CacheMachine(RuleBasedStateMachine):
    """The cache against the truth: a session whose changes are pushed in order while replies come late."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = ManualClock()
        self.cache = VariableCache(ttl=5.0, max_size=3, timer=self.clock.now)
        self.revision = 0
        self.truth: dict[str, tuple[int, int]] = {}
        self.unpushed: list[tuple[int, str, int | None]] = []
        self.replies: list[tuple[str, int, int, int]] = []
        self.newest_seen: dict[str, int] = {}
        self.pushed = 0
        self.live = False

    @rule(name=st.sampled_from("abcd"), value=st.integers())
    def write(self, name: str, value: int) -> None:
        self.revision += 1
        self.truth[name] = (value, self.revision)
        self.unpushed.append((self.revision, name, value))

    @rule(name=st.sampled_from("abcd"))
    def ask(self, name: str) -> None:
        if name in self.truth:
            value, written_at = self.truth[name]
            self.replies.append((name, value, written_at, self.revision))

    @rule(data=st.data())
    def reply(self, data: st.DataObject) -> None:
        if self.replies:
            name, value, written_at, as_of = self.replies.pop(data.draw(st.integers(0, len(self.replies) - 1)))
            if self.cache.offer(a_value(name, value, written_at), as_of):
                self.newest_seen[name] = max(self.newest_seen.get(name, 0), written_at)

    @rule()
    def connect(self) -> None:
        if not self.live:
            self.live = True
            self.unpushed.clear()
            self.pushed = self.revision
            self.cache.go_live(self.revision)

    @rule()
    def push_one(self) -> None:
        if self.live and self.unpushed:
            revision, name, value = self.unpushed.pop(0)
            self.pushed = revision
            self.newest_seen[name] = revision
            self.cache.push(f"id_{name}", revision, lambda: a_value(name, value, revision))

    @rule()
    def disconnect(self) -> None:
        self.live = False
        self.cache.go_dark()

    @rule(seconds=st.floats(0.1, 4))
    def wait(self, seconds: float) -> None:
        self.clock.move(seconds)

    @rule(name=st.sampled_from("abcd"))
    def read(self, name: str) -> None:
        entry = self.cache.peek(name)
        value = self.cache.get(name)
        if value is MISSING:
            return
        assert entry is not None
        assert entry.revision >= self.newest_seen.get(name, 0)
        if self.live:
            pending = [revision for revision, changed, _ in self.unpushed if changed == name]
            assert pending or entry.revision == self.truth[name][1]

    @invariant()
    def the_figures_add_up(self) -> None:
        stats = self.cache.stats()
        assert stats["size"] <= 3
        assert stats["sets"] >= stats["evictions"]
        assert set(self.cache.table.fast) <= {key for name in "abcd" for key in (name, f"id_{name}")}
        if not self.live:
            assert not self.cache.table.fast


TestCacheMachine = CacheMachine.TestCase
TestCacheMachine.settings = settings(max_examples=80, stateful_step_count=40, deadline=None)


@given(
    policy=st.sampled_from(["lru", "lfu", "fifo"]),
    operations=st.lists(st.tuples(st.sampled_from(["get", "set"]), st.integers(0, 6)), max_size=80),
)
def test_eviction_is_exact_whatever_the_order_of_reads_and_stores(
    policy: Any, operations: list[tuple[str, int]]
) -> None:
    cache = VariableCache(ttl=1e9, max_size=3, eviction_policy=policy)
    model: dict[str, list[int]] = {}  # key -> [order, last use, uses]
    for moment, (operation, number) in enumerate(operations):
        key = str(number)
        if operation == "get":
            assert (cache.get(key) is not MISSING) == (key in model)
            if key in model:
                model[key][1], model[key][2] = moment, model[key][2] + 1
        elif key in model:
            cache.set(key, number)
            model[key][1] = moment
        else:
            cache.set(key, number)
            if len(model) == 3:
                rank = {
                    "lru": lambda k: model[k][1],
                    "lfu": lambda k: (model[k][2], model[k][0]),
                    "fifo": lambda k: model[k][0],
                }
                del model[min(model, key=rank[policy])]
            model[key] = [moment, moment, 0]
        assert {entry.id for entry in cache.table.by_id.values()} == model.keys()
