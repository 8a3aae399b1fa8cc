"""The command line of a worker."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass

TOKEN_VARIABLE = "COILYARD_WORKER_TOKEN"  # noqa: S105 - the name of a variable, not a token

#: Name the files of `--tls-ca`, `--tls-cert` and `--tls-key` where those are not given.
TLS_VARIABLES = {
    "tls_ca": "COILYARD_WORKER_TLS_CA",
    "tls_cert": "COILYARD_WORKER_TLS_CERT",
    "tls_key": "COILYARD_WORKER_TLS_KEY",
}


@dataclass(frozen=True)
class WorkerOptions:
    """What a worker is told at its start.

    Attributes:
        gateway: `host:port` to dial.
        socket: The runtime's socket on this machine, a path or `@` and an abstract name, which carries its frames;
            empty: the gateway does.
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
        tls: The connection is encrypted.
        tls_ca: A file with the authorities that the gateway's certificate may be of; empty: those that are public.
        tls_cert: A file with the certificate that it shows the gateway; empty: none.
        tls_key: The file with the key of that.
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
    socket: str = ""
    tls: bool = False
    tls_ca: str = ""
    tls_cert: str = ""
    tls_key: str = ""


def parse_options(arguments: Sequence[str] | None = None) -> WorkerOptions:
    """Reads the command line; ends the process with code 2 when it makes no sense.

    The token is taken out of the environment, so that user code and the processes it starts do not inherit it.
    """
    parser = _parser()
    given = vars(parser.parse_args(arguments))
    inherited = os.environ.pop(TOKEN_VARIABLE, "")
    token = given.pop("token") or inherited
    if not token:
        parser.error(f"a token is needed: --token or {TOKEN_VARIABLE}")
    given["worker_id"] = given["worker_id"] or token.rpartition(".")[0]
    if not given["worker_id"]:
        parser.error("this token names no worker: --worker-id is needed")
    given.update({name: tuple(given[name]) for name in ("imports", "paths", "preload", "rlimits")})
    # The command line decides whether there is TLS at all: a variable that is left over must not.
    given["tls"] = given["tls"] or any(given[name] for name in TLS_VARIABLES)
    if given["tls"]:
        given.update({name: given[name] or os.environ.get(variable, "") for name, variable in TLS_VARIABLES.items()})
    if bool(given["tls_cert"]) != bool(given["tls_key"]):
        parser.error("--tls-cert and --tls-key belong together")
    return WorkerOptions(token=token, **given)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m coilyard.worker",
        description="Runs declared Python code for a runtime that it dials. The runtime starts its own workers. One"
        " that is started by hand, perhaps on another machine, needs a place in a pool: runtime.python.invite() makes"
        " it, and says the command and the token.",
    )
    connection = parser.add_argument_group("the connection")
    connection.add_argument("--gateway", required=True, metavar="HOST:PORT", help="the gateway to dial")
    connection.add_argument(
        "--socket", default="", metavar="NAME",
        help="the runtime's socket on this machine, a path or @ and an abstract name; default: by the gateway",
    )  # fmt: skip
    connection.add_argument("--worker-id", metavar="ID", help="default: the id that the token of an invitation names")
    connection.add_argument(
        "--incarnation", type=_positive, default=1, metavar="N", help="which life of this worker it is"
    )
    connection.add_argument(
        "--token", help=f"default: the environment variable {TOKEN_VARIABLE}, which `ps` does not show"
    )
    connection.add_argument(
        "--heartbeat-interval-ms", type=_positive, default=2_000, metavar="N",
        help="how often it gives a sign of life, unless the runtime says otherwise",
    )  # fmt: skip
    encryption = parser.add_argument_group("TLS, for a gateway that has it")
    encryption.add_argument("--tls", action="store_true", help="encrypt; --tls-ca, --tls-cert and --tls-key imply it")
    for name, what in (
        ("tls_ca", "authorities that its certificate may be of; default: the public ones"),
        ("tls_cert", "the certificate that is shown to a gateway that asks for one"),
        ("tls_key", "the key of that certificate"),
    ):
        encryption.add_argument(
            f"--{name.replace('_', '-')}", default="", metavar="FILE",
            help=f"PEM: {what}. With --tls also the environment variable {TLS_VARIABLES[name]}",
        )  # fmt: skip
    work = parser.add_argument_group("the work")
    work.add_argument(
        "--import",
        dest="imports",
        action="append",
        default=[],
        metavar="MODULE",
        help="declares tools; may be repeated",
    )
    work.add_argument(
        "--path", dest="paths", action="append", default=[], metavar="DIR", help="searched first for modules; as often"
    )
    work.add_argument("--preload", action="append", default=[], metavar="MODULE", help="import it when idle; as often")
    work.add_argument("--concurrency", type=_positive, default=1, metavar="N", help="calls at the same time")
    process = parser.add_argument_group("the process")
    process.add_argument(
        "--die-with-stdin", action="store_true", help="end when stdin does: the runtime's own workers do"
    )
    process.add_argument("--detached", action="store_true", help="may outlive its parent")
    process.add_argument("--nice", type=int, default=0, metavar="N", help="added to its niceness")
    process.add_argument(
        "--rlimit", dest="rlimits", action="append", type=_rlimit, default=[], metavar="NAME=VALUE",
        help="a limit of the system, such as as=8000000000; may be repeated",
    )  # fmt: skip
    return parser


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
