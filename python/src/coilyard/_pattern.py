"""Regular expressions in RE2's syntax, matched in time linear in the text whatever the pattern.

Python's own engine backtracks, so a pattern from a user could hang the process. This one keeps the set of all states
that the text so far can be in (Thompson's construction) and knows no back-references and no look-around, as RE2.
Only "is there a match" is answered: no groups, no positions.
"""

from __future__ import annotations

from coilyard._errors import InvalidArgument
from coilyard._pattern_syntax import Assertion, Char, Concat, Either, Look, Node, Parser, Repeat, Test

MAX_LENGTH = 1_000
MAX_STATES = 10_000


class Pattern:
    """A compiled pattern.

    Raises:
        InvalidArgument: The text is no pattern, uses what cannot be matched in linear time, or is too large.
    """

    def __init__(self, pattern: str) -> None:
        if len(pattern) > MAX_LENGTH:
            raise InvalidArgument(f"a pattern of {len(pattern)} characters; at most {MAX_LENGTH} are allowed")
        self.pattern = pattern
        self._nexts: list[tuple[int, ...]] = []  # by state; one with neither a test nor a look is a fork
        self._tests: dict[int, Test] = {}
        self._looks: dict[int, Assertion] = {}
        self._start = self._compile(Parser(pattern).parse(), self._state(()))

    def search(self, text: str) -> bool:
        """Whether the pattern matches somewhere in `text`."""
        states: set[int] = set()
        for index in range(len(text) + 1):
            reachable = self._closure({*states, self._start}, text, index)
            if 0 in reachable:
                return True
            if index == len(text):
                break
            char = text[index]
            states = {self._nexts[state][0] for state in reachable if self._accepts(state, char)}
        return False

    def _accepts(self, state: int, char: str) -> bool:
        test = self._tests.get(state)
        return test is not None and test(char)

    def _closure(self, states: set[int], text: str, index: int) -> set[int]:
        """All states that can be reached without consuming."""
        pending, seen = list(states), set(states)
        while pending:
            state = pending.pop()
            look = self._looks.get(state)
            if state in self._tests or (look is not None and not look(text, index)):
                continue
            for following in self._nexts[state]:
                if following not in seen:
                    seen.add(following)
                    pending.append(following)
        return seen

    def _state(self, nexts: tuple[int, ...]) -> int:
        if len(self._nexts) >= MAX_STATES:
            raise InvalidArgument(f"pattern {self.pattern!r:.80} is too large")
        self._nexts.append(nexts)
        return len(self._nexts) - 1

    def _compile(self, node: Node, after: int) -> int:
        """Adds the states of `node`, which lead on to `after`, and returns the first."""
        if isinstance(node, Char):
            state = self._state((after,))
            self._tests[state] = node.test
            return state
        if isinstance(node, Look):
            state = self._state((after,))
            self._looks[state] = node.assertion
            return state
        if isinstance(node, Concat):
            for part in reversed(node.parts):
                after = self._compile(part, after)
            return after
        if isinstance(node, Either):
            return self._state(tuple(self._compile(option, after) for option in node.options))
        return self._compile_repeat(node, after)

    def _compile_repeat(self, node: Repeat, after: int) -> int:
        if node.most is None:
            loop = self._state(())
            self._nexts[loop] = (self._compile(node.part, loop), after)
            after = loop
        else:
            end = after
            for _ in range(node.most - node.least):
                after = self._state((self._compile(node.part, after), end))
        for _ in range(node.least):
            after = self._compile(node.part, after)
        return after
