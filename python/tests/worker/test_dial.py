"""How a worker reaches its gateway: what the command line and the environment say, and what becomes of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import grpc
import pytest

from coilyard._worker.dial import dial
from coilyard._worker.exits import Exit, WorkerExit
from coilyard._worker.options import TLS_VARIABLES, WorkerOptions, parse_options

FILES = Path(__file__).parents[3] / "test" / "support" / "tls"
CA, CERT, KEY = (str(FILES / f"{name}.pem") for name in ("ca", "client", "client-key"))
COMMAND = ["--gateway", "host:1", "--worker-id", "w", "--token", "t"]


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in TLS_VARIABLES.values():
        monkeypatch.delenv(variable, raising=False)


def tls_of(options: WorkerOptions) -> tuple[bool, str, str, str]:
    return options.tls, options.tls_ca, options.tls_cert, options.tls_key


@pytest.mark.parametrize(
    ("arguments", "tls"),
    [
        ([], (False, "", "", "")),
        (["--tls"], (True, "", "", "")),
        (["--tls-ca", CA], (True, CA, "", "")),
        (["--tls-cert", CERT, "--tls-key", KEY], (True, "", CERT, KEY)),
    ],
)
def test_the_command_line_says_whether_and_how_the_connection_is_encrypted(
    arguments: list[str], tls: tuple[bool, str, str, str]
) -> None:
    assert tls_of(parse_options([*COMMAND, *arguments])) == tls


def test_the_environment_names_the_files_where_the_command_line_asks_for_encryption(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name, file in (("tls_ca", CA), ("tls_cert", CERT), ("tls_key", KEY)):
        monkeypatch.setenv(TLS_VARIABLES[name], file)
    assert tls_of(parse_options(COMMAND)) == (False, "", "", ""), "a worker of this machine inherits them"
    assert tls_of(parse_options([*COMMAND, "--tls"])) == (True, CA, CERT, KEY)
    assert tls_of(parse_options([*COMMAND, "--tls-ca", "mine"])) == (True, "mine", CERT, KEY)


@pytest.mark.parametrize("arguments", [["--tls-cert", CERT], ["--tls-key", KEY]])
def test_a_certificate_without_its_key_makes_no_sense(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        parse_options([*COMMAND, *arguments])
    assert ended.value.code == Exit.USAGE
    assert "belong together" in capsys.readouterr().err


def test_the_help_names_every_option_with_what_it_is_for(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        parse_options(["--help"])
    text = capsys.readouterr().out
    for name in ("--tls", "--tls-ca FILE", "--tls-cert FILE", "--tls-key FILE", *TLS_VARIABLES.values()):
        assert name in text


@pytest.mark.parametrize(("local", "pings"), [(True, False), (False, True)])
def test_a_worker_that_is_watched_over_pings_no_runtime_that_may_stand_still(
    monkeypatch: pytest.MonkeyPatch, local: bool, pings: bool
) -> None:
    seen: list[dict[str, Any]] = []
    monkeypatch.setattr(grpc.aio, "insecure_channel", lambda _address, options: seen.append(dict(options)))
    dial(WorkerOptions("host:1", "w", 1, "t", die_with_stdin=local))
    assert ("grpc.keepalive_time_ms" in seen[0], "grpc.keepalive_timeout_ms" in seen[0]) == (pings, pings)
    assert "grpc.max_receive_message_length" in seen[0]


def test_the_files_are_what_the_connection_is_made_with(monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[Any] = []
    monkeypatch.setattr(grpc, "ssl_channel_credentials", lambda *files: seen.append(files))
    monkeypatch.setattr(grpc.aio, "secure_channel", lambda address, *_, **__: seen.append(address))
    dial(WorkerOptions("host:1", "w", 1, "t", tls=True, tls_ca=CA, tls_cert=CERT, tls_key=KEY))
    dial(WorkerOptions("other:1", "w", 1, "t", tls=True))
    ca, cert, key = (Path(file).read_bytes() for file in (CA, CERT, KEY))
    assert seen == [(ca, key, cert), "host:1", (None, None, None), "other:1"]


def test_a_file_that_cannot_be_read_is_named() -> None:
    with pytest.raises(WorkerExit, match=r"--tls-ca: .*nowhere\.pem") as ended:
        dial(WorkerOptions("host:1", "w", 1, "t", tls=True, tls_ca="/nowhere.pem"))
    assert ended.value.code == Exit.USAGE
