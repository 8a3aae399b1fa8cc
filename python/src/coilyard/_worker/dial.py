"""The way to the gateway."""

from __future__ import annotations

from pathlib import Path

import grpc

from coilyard._calls import CHANNEL_OPTIONS
from coilyard._worker.exits import Exit, WorkerExit
from coilyard._worker.options import WorkerOptions


def dial(options: WorkerOptions) -> grpc.aio.Channel:
    """The worker's one connection, for its frames and for what its tools ask of the gateway.

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
