"""Encoded messages in parts: what is large in them is never copied into a message first."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

_LENGTH_DELIMITED = 2

Part = bytes | memoryview


@dataclass(frozen=True)
class Rope:
    """An encoded frame, too large to be worth a message object.

    Attributes:
        call_id: The call that it is about.
        parts: Its bytes, in order.
    """

    call_id: int
    parts: Sequence[Part]

    def size(self) -> int:
        """How many bytes it has."""
        return size_of(self.parts)


def field(number: int, content: Sequence[Part]) -> list[Part]:
    """A field that holds bytes, a text or a message, with what its parent says of it."""
    return [varint(number << 3 | _LENGTH_DELIMITED) + varint(size_of(content)), *content]


def varint(number: int) -> bytes:
    """A number as protobuf writes it."""
    if number <= 0x7F:
        return bytes((number,))
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    encoded.append(number)
    return bytes(encoded)


def size_of(parts: Iterable[Part]) -> int:
    """How many bytes they have together."""
    return sum(map(len, parts))


def cut(parts: Iterable[Part], most: int) -> Iterator[list[memoryview]]:
    """The bytes in order, at most so many at a time: views, not copies."""
    waiting, size = list[memoryview](), 0
    for part in parts:
        rest = memoryview(part)
        while size + len(rest) > most:
            yield [*waiting, rest[: most - size]]
            rest, waiting, size = rest[most - size :], [], 0
        waiting.append(rest)
        size += len(rest)
    yield waiting
