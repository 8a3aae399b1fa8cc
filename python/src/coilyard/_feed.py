"""One watch that outlives its connections: it resumes behind the last position it saw."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable

import grpc
from google.protobuf.message import DecodeError

from coilyard._calls import Caller
from coilyard._errors import ClientClosed, CoilyardError, InternalError, Overloaded, Unavailable
from coilyard._proto import variables_pb2
from coilyard._wire_errors import error_from_rpc

WatchCall = grpc.aio.UnaryStreamCall[variables_pb2.WatchRequest, variables_pb2.WatchResponse]
OpenWatch = Callable[[variables_pb2.WatchRequest], WatchCall]

_log = logging.getLogger("coilyard.watch")


class Feed:
    """Reads the messages of a watch in order, put together where one was too large to come as one.

    Not started before the first `read`, and never read ahead of: a reader that stops reading holds the stream back by
    flow control. Dropping the last reference frees the stream on the server.

    Attributes:
        position: Where the watch stands; None before its first message.
        resumed: Whether the message read last came from a stream that resumed an earlier one.
        connected: Whether a message arrived on the present stream.
    """

    def __init__(
        self,
        open_watch: OpenWatch,
        request: variables_pb2.WatchRequest,
        caller: Caller,
        before_open: Callable[[], Awaitable[None]],
        on_lost: Callable[[], None] | None = None,
    ) -> None:
        """Prepares a watch.

        Args:
            open_watch: Opens one stream.
            request: What to watch; the position to resume from is added to it.
            caller: Lends its clock, its delays and, for the first connection, its patience.
            before_open: Runs before each stream is opened.
            on_lost: Called when a stream that had delivered breaks. With it, a first connection that takes long is
                waited for; without it, it fails after the caller's timeout.
        """
        self.position: variables_pb2.Position | None = None
        self.resumed = False
        self.connected = False
        self._open_watch = open_watch
        self._request = request
        self._caller = caller
        self._before_open = before_open
        self._on_lost = on_lost
        self._call: WatchCall | None = None
        self._pieces: list[bytes] = []
        self._incomplete: variables_pb2.WatchResponse | None = None
        self._attempt = 0

    async def read(self) -> variables_pb2.WatchResponse:
        """What is new, up to the next position; waits for as long as it takes, over any number of connections.

        Cancelling a read ends the stream; the next read resumes it.

        Raises:
            CoilyardError: The watch has ended: its session is gone, or the gateway refuses it.
        """
        clock = self._caller.clock
        give_up_at = clock.now() + self._caller.timeout_s
        while True:
            try:
                response = await self._read_once()
            except CoilyardError as error:
                self._lose()
                impatient = self.position is None and self._on_lost is None and clock.now() >= give_up_at
                if impatient or not may_come_back(error):
                    raise
                _log.debug("watch interrupted: %s", error)
            except asyncio.CancelledError:
                self._lose()
                raise
            else:
                if response is not None:
                    return response
                self._lose()
            await clock.sleep(self._caller.backoff.delay(self._attempt))
            self._attempt += 1

    async def _read_once(self) -> variables_pb2.WatchResponse | None:
        """The messages up to the next position as one, or None when the stream ended without saying why."""
        if self._call is None:
            await self._before_open()
            try:
                self._call = self._open_watch(self._next_request())
            except grpc.aio.UsageError as cause:
                raise ClientClosed("the client is closed") from cause
        response = None
        while response is None:
            try:
                message = await self._call.read()
            except grpc.aio.AioRpcError as cause:
                raise error_from_rpc(cause) from cause
            if not isinstance(message, variables_pb2.WatchResponse):
                return None
            response = self._complete(message)
        if not self.connected:
            self.connected, self.resumed, self._attempt = True, self.position is not None, 0
        self.position = response.position
        return response

    def _complete(self, message: variables_pb2.WatchResponse) -> variables_pb2.WatchResponse | None:
        """Everything up to a position, once a message brings that: what came before it belongs together."""
        if message.piece:
            self._pieces.append(message.piece)
            if not message.last_piece:
                return None
            pieces, self._pieces = self._pieces, []
            try:
                message = variables_pb2.WatchResponse.FromString(b"".join(pieces))
            except DecodeError as cause:
                raise InternalError(f"the gateway sent something that is no update: {cause}") from cause
        if self._incomplete is not None:
            self._incomplete.MergeFrom(message)
            message = self._incomplete
        is_complete = message.HasField("position")
        self._incomplete = None if is_complete else message
        return message if is_complete else None

    def _next_request(self) -> variables_pb2.WatchRequest:
        request = variables_pb2.WatchRequest()
        request.CopyFrom(self._request)
        if self.position is not None:
            request.after.CopyFrom(self.position)
            request.include_initial = False
        return request

    def _lose(self) -> None:
        self.close()
        if self.connected:
            self.connected = False
            if self._on_lost is not None:
                self._on_lost()

    def close(self) -> None:
        """Frees the stream; the server hears of it at once."""
        self._pieces, self._incomplete = [], None
        call, self._call = self._call, None
        if call is not None:
            call.cancel()


def may_come_back(error: CoilyardError) -> bool:
    """Whether a stream that broke with it is worth opening again."""
    if isinstance(error, ClientClosed):
        return False
    return isinstance(error, (Unavailable, Overloaded)) or error.code == "cancelled"
