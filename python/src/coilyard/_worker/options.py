"""The command line of a worker."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass

TOKEN_VARIABLE = "COILYARD_WORKER_TOKEN"  # noqa: S105 - the name of a variable, not a token


@dataclass(frozen=True)
class WorkerOptions:
    """What a worker is told at its start.

    Attributes:
        gateway: `host:port` to dial.
        worker_id: Its id.
        incarnation: Which life of this worker it is.
        token: Lets it in once, and afterwards lets its tools call the gateway.
        imports: Modules that declare tools and factories.
        paths: Directories from which they may come, searched first.
        preload: Modules to import when it is idle.
        concurrency: How many calls it runs at the same time.
        heartbeat_interval_ms: How often it gives a sign of life, unless the runtime's welcome says otherwise.
        die_with_stdin: The end of its stdin ends it.
        detached: It may outlive its parent.
        nice: Added to its niceness.
        rlimits: Limits of the system by name, such as `("as", 1_000_000_000)`.
    """

    gateway: str
    worker_id: str
    incarnation: int
    token: str
    imports: tuple[str, ...] = ()
    paths: tuple[str, ...] = ()
    preload: tuple[str, ...] = ()
    concurrency: int = 1
    heartbeat_interval_ms: int = 2_000
    die_with_stdin: bool = False
    detached: bool = False
    nice: int = 0
    rlimits: tuple[tuple[str, int], ...] = ()


def parse_options(arguments: Sequence[str] | None = None) -> WorkerOptions:
    """Reads the command line; ends the process with code 2 when it makes no sense.

    The token is taken out of the environment, so that user code and the processes it starts do not inherit it.
    """
    parser = argparse.ArgumentParser(prog="python -m coilyard.worker", description=__doc__)
    parser.add_argument("--gateway", required=True, metavar="HOST:PORT", help="the gateway to dial")
    parser.add_argument("--worker-id", metavar="ID", help="default: the id that the token of an invitation names")
    parser.add_argument("--incarnation", type=_positive, default=1, metavar="N", help="which life of this worker it is")
    parser.add_argument("--token", help=f"default: the environment variable {TOKEN_VARIABLE}, which `ps` does not show")
    parser.add_argument("--import", dest="imports", action="append", default=[], metavar="MODULE")
    parser.add_argument("--path", dest="paths", action="append", default=[], metavar="DIR")
    parser.add_argument("--preload", action="append", default=[], metavar="MODULE", help="import it when idle")
    parser.add_argument("--concurrency", type=_positive, default=1, metavar="N", help="calls at the same time")
    parser.add_argument("--heartbeat-interval-ms", type=_positive, default=2_000, metavar="N")
    parser.add_argument("--die-with-stdin", action="store_true", help="end when stdin does")
    parser.add_argument("--detached", action="store_true", help="may outlive its parent")
    parser.add_argument("--nice", type=int, default=0, metavar="N", help="added to its niceness")
    parser.add_argument("--rlimit", dest="rlimits", action="append", type=_rlimit, default=[], metavar="NAME=VALUE")
    given = vars(parser.parse_args(arguments))
    inherited = os.environ.pop(TOKEN_VARIABLE, "")
    token = given.pop("token") or inherited
    if not token:
        parser.error(f"a token is needed: --token or {TOKEN_VARIABLE}")
    given["worker_id"] = given["worker_id"] or token.rpartition(".")[0]
    if not given["worker_id"]:
        parser.error("this token names no worker: --worker-id is needed")
    given.update({name: tuple(given[name]) for name in ("imports", "paths", "preload", "rlimits")})
    return WorkerOptions(token=token, **given)


def _rlimit(text: str) -> tuple[str, int]:
    name, equals, value = text.partition("=")
    if not name or not equals or not value.isdigit():
        raise argparse.ArgumentTypeError(f"expected NAME=VALUE, such as as=1000000000, got {text}")
    return name, int(value)


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"expected a whole number of at least 1, got {text}")
    return number
