"""The private channel to the runtime: JSON in frames, each after its length as four bytes, highest first."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Iterator, Mapping
from typing import Any

_LENGTH = struct.Struct(">I")
_CHUNK = 65_536


class Channel:
    """One end of the channel.

    Args:
        connection: A stream socket, blocking.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._socket = connection
        self._received = bytearray()
        self.open = True

    def fileno(self) -> int:
        """What to wait for."""
        return self._socket.fileno()

    def send(self, frame: Mapping[str, Any]) -> None:
        """Sends one frame; a runtime that is gone is noticed by the next read."""
        payload = json.dumps(frame).encode()
        try:
            self._socket.sendall(_LENGTH.pack(len(payload)) + payload)
        except OSError:
            self.open = False

    def receive(self) -> Iterator[Any]:
        """Reads what is there and yields the frames that are whole. Afterwards `open` tells whether more can come."""
        try:
            chunk = self._socket.recv(_CHUNK)
        except OSError:
            chunk = b""
        if not chunk:
            self.open = False
        self._received += chunk
        while len(self._received) >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(self._received)
            end = _LENGTH.size + length
            if len(self._received) < end:
                return
            payload = bytes(self._received[_LENGTH.size : end])
            del self._received[:end]
            yield json.loads(payload)

    def close(self) -> None:
        """Closes this end in this process."""
        self.open = False
        self._socket.close()
