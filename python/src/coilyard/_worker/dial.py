"""The ways to the runtime: to its gateway, and for its frames alone, to its socket on this machine."""

from __future__ import annotations

from pathlib import Path

import grpc

from coilyard._calls import CHANNEL_OPTIONS
from coilyard._worker.carrier import Carrier
from coilyard._worker.exits import Exit, WorkerExit
from coilyard._worker.grpc_carrier import GrpcCarrier
from coilyard._worker.local_carrier import LocalCarrier
from coilyard._worker.options import WorkerOptions


class Dialer:
    """Opens the worker's one channel to the gateway when something first needs it.

    A worker whose frames travel over a socket, and whose tools touch no session, never does.

    Args:
        options: Say where to and how.
    """

    def __init__(self, options: WorkerOptions) -> None:
        self._options = options
        self._channel: grpc.aio.Channel | None = None

    def channel(self) -> grpc.aio.Channel:
        """The channel.

        Raises:
            WorkerExit: A file of the command line cannot be read.
        """
        if self._channel is None:
            self._channel = dial(self._options)
        return self._channel

    def carrier(self) -> Carrier:
        """What carries the frames."""
        return LocalCarrier(self._options.socket) if self._options.socket else GrpcCarrier(self.channel)

    async def close(self) -> None:
        """Closes the channel if there is one."""
        if self._channel is not None:
            await self._channel.close()


def dial(options: WorkerOptions) -> grpc.aio.Channel:
    """A channel to the gateway.

    Raises:
        WorkerExit: A file of the command line cannot be read.
    """
    # A runtime that stands still (a debugger, a laptop asleep) answers no ping. It does not lose workers by that whose
    # process it watches over: they die with it.
    settings = [
        (name, value) for name, value in CHANNEL_OPTIONS if not (options.die_with_stdin and "keepalive" in name)
    ]
    if not options.tls:
        return grpc.aio.insecure_channel(options.gateway, options=settings)
    credentials = grpc.ssl_channel_credentials(
        _read("--tls-ca", options.tls_ca), _read("--tls-key", options.tls_key), _read("--tls-cert", options.tls_cert)
    )
    return grpc.aio.secure_channel(options.gateway, credentials, options=settings)


def _read(name: str, path: str) -> bytes | None:
    if not path:
        return None
    try:
        return Path(path).read_bytes()
    except OSError as error:
        raise WorkerExit(Exit.USAGE, f"{name}: {error}") from error
