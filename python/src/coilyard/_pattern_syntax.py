"""The syntax of `_pattern`: RE2's, without named classes and Unicode properties. Text in, a tree out."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass

from coilyard._errors import InvalidArgument

MAX_REPEAT = 1_000
MAX_DEPTH = 100

Test = Callable[[str], bool]
#: Looks at (text, index) without consuming.
Assertion = Callable[[str, int], bool]


@dataclass(frozen=True)
class Flags:
    ignore_case: bool = False
    dot_all: bool = False
    multi_line: bool = False


@dataclass(frozen=True)
class Char:
    """One character that passes the test."""

    test: Test


@dataclass(frozen=True)
class Look:
    """A place in the text that passes the assertion; consumes nothing."""

    assertion: Assertion


@dataclass(frozen=True)
class Concat:
    """All parts in order."""

    parts: tuple[Node, ...]


@dataclass(frozen=True)
class Either:
    """One of the options."""

    options: tuple[Node, ...]


@dataclass(frozen=True)
class Repeat:
    """`least` to `most` times the part, without a bound when `most` is None."""

    part: Node
    least: int
    most: int | None


Node = Char | Look | Concat | Either | Repeat


def _is_word(char: str) -> bool:
    return char.isascii() and (char.isalnum() or char == "_")


def _at_boundary(text: str, index: int) -> bool:
    before = index > 0 and _is_word(text[index - 1])
    return before != (index < len(text) and _is_word(text[index]))


_CLASSES: dict[str, Test] = {
    "d": lambda char: char.isascii() and char.isdigit(),
    "s": lambda char: char in "\t\n\f\r ",
    "w": _is_word,
}
_LOOKS: dict[str, Assertion] = {
    "A": lambda _, index: index == 0,
    "z": lambda text, index: index == len(text),
    "b": _at_boundary,
    "B": lambda text, index: not _at_boundary(text, index),
}
_CONTROLS = {"a": "\a", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
_REPEAT = re.compile(r"\{(\d{1,4})(,(\d{1,4})?)?\}")
_GROUP = re.compile(r"\?(?:P?<\w+>|([ims]*)(?:-([ims]+))?(:|\)))")


class Parser:
    """Recursive descent over the pattern; every method leaves `index` behind what it read."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self.index = 0
        self.depth = 0

    def fail(self, reason: str) -> InvalidArgument:
        return InvalidArgument(
            f"pattern {self.pattern!r}: {reason} at {self.index}",
            details={"field": "pattern", "position": self.index},
        )

    def peek(self) -> str:
        return self.pattern[self.index : self.index + 1]

    def take(self) -> str:
        char = self.peek()
        if not char:
            raise self.fail("unexpected end")
        self.index += 1
        return char

    def parse(self) -> Node:
        node = self.either(Flags())
        if self.peek():
            raise self.fail("unmatched )")
        return node

    def either(self, flags: Flags) -> Node:
        self.depth += 1
        if self.depth > MAX_DEPTH:
            raise self.fail("nested too deeply")
        parts: list[Node] = []
        options: list[Node] = []
        while (char := self.peek()) and char != ")":
            if char == "|":
                self.index += 1
                options.append(Concat(tuple(parts)))
                parts = []
            elif scoped := self.bare_flags(flags):
                flags = scoped
            else:
                parts.append(self.repeated(flags))
        self.depth -= 1
        return Either((*options, Concat(tuple(parts))))

    def bare_flags(self, flags: Flags) -> Flags | None:
        """Reads `(?i)`, which holds for the rest of the group."""
        found = _GROUP.match(self.pattern, self.index + 1) if self.peek() == "(" else None
        if found is None or found[3] != ")":
            return None
        self.index = found.end()
        return _with_flags(flags, found)

    def repeated(self, flags: Flags) -> Node:
        node = self.atom(flags)
        bounds = self.bounds()
        if bounds is None:
            return node
        least, most = bounds
        if (most is not None and (most < least or most > MAX_REPEAT)) or least > MAX_REPEAT:
            raise self.fail("bad repetition count")
        if self.peek() == "?":  # lazy or greedy makes no difference to whether there is a match
            self.index += 1
        if self.bounds() is not None:
            raise self.fail("repetition of a repetition")
        return Repeat(node, least, most)

    def bounds(self) -> tuple[int, int | None] | None:
        simple = {"*": (0, None), "+": (1, None), "?": (0, 1)}.get(self.peek())
        if simple is not None:
            self.index += 1
            return simple
        counted = _REPEAT.match(self.pattern, self.index)
        if counted is None:
            return None
        self.index = counted.end()
        least = int(counted[1])
        return least, (int(counted[3]) if counted[3] else None) if counted[2] else least

    def atom(self, flags: Flags) -> Node:
        char = self.take()
        if char == "(":
            return self.group(flags)
        if char == "[":
            return Char(self.char_class(flags))
        if char == ".":
            return Char(lambda c: flags.dot_all or c != "\n")
        if char == "^":
            return Look(lambda text, i: i == 0 or (flags.multi_line and text[i - 1] == "\n"))
        if char == "$":
            return Look(lambda text, i: i == len(text) or (flags.multi_line and text[i] == "\n"))
        if char in "*+?":
            raise self.fail("nothing to repeat")
        if char == "\\":
            if self.peek() in _LOOKS and self.peek():
                return Look(_LOOKS[self.take()])
            escaped = self.escape()
            return Char(escaped if callable(escaped) else _literal(escaped, flags))
        return Char(_literal(char, flags))

    def group(self, flags: Flags) -> Node:
        if self.peek() == "?":
            found = _GROUP.match(self.pattern, self.index)
            if found is None:
                raise self.fail("unknown group, such as look-around")
            self.index = found.end()
            flags = _with_flags(flags, found)
        node = self.either(flags)
        if self.peek() != ")":
            raise self.fail("missing )")
        self.index += 1
        return node

    def escape(self) -> str | Test:
        """Reads what follows a backslash: one literal character, or the test of a class."""
        char = self.take()
        if char.lower() in _CLASSES:
            test = _CLASSES[char.lower()]
            return test if char.islower() else (lambda c: not test(c))
        if char in _CONTROLS:
            return _CONTROLS[char]
        if char == "x":
            code = re.compile(r"\{([0-9a-fA-F]{1,6})\}|([0-9a-fA-F]{2})").match(self.pattern, self.index)
            if code is None or int(code[1] or code[2], 16) > 0x10FFFF:
                raise self.fail("bad \\x escape")
            self.index = code.end()
            return chr(int(code[1] or code[2], 16))
        if char.isalnum():
            raise self.fail(f"unknown escape \\{char}, such as a back-reference")
        return char

    def char_class(self, flags: Flags) -> Test:
        negated = self.peek() == "^"
        self.index += negated
        tests: list[Test] = []
        while self.peek() != "]" or not tests:
            low = self.class_item()
            if callable(low):
                tests.append(low)
                continue
            high: str | Test = low
            if self.peek() == "-" and self.pattern[self.index + 1 : self.index + 2] not in {"]", ""}:
                self.index += 1
                high = self.class_item()
            if callable(high) or high < low:
                raise self.fail("bad character range")
            tests.append(_in_range(low, high, flags))
        self.index += 1
        return lambda char: any(test(char) for test in tests) != negated

    def class_item(self) -> str | Test:
        char = self.take()
        if char == "[" and self.peek() == ":":
            raise self.fail("named classes are not supported")
        return self.escape() if char == "\\" else char


def _with_flags(flags: Flags, found: re.Match[str]) -> Flags:
    on, off = found[1] or "", found[2] or ""
    return Flags(
        ignore_case=("i" in on or flags.ignore_case) and "i" not in off,
        multi_line=("m" in on or flags.multi_line) and "m" not in off,
        dot_all=("s" in on or flags.dot_all) and "s" not in off,
    )


def _literal(char: str, flags: Flags) -> Test:
    if flags.ignore_case:
        forms = {char.lower(), char.upper(), char}
        return lambda c: c in forms or c.lower() in forms
    return lambda c: c == char


def _in_range(low: str, high: str, flags: Flags) -> Test:
    if flags.ignore_case:
        return lambda c: low <= c.lower() <= high or low <= c.upper() <= high
    return lambda c: low <= c <= high
