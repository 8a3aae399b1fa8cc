"""The worker as a process: its command line, its imports, its end."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from test_attach import Runtime

from coilyard._worker.exits import Exit
from coilyard._worker.options import TOKEN_VARIABLE, parse_options
from support.bench_worker import a_tool_call
from support.manual_clock import until
from support.scripted_gateway import ScriptedGateway

TOOLS = """
import os, subprocess, sys, time, threading
from coilyard import tool

print("printed at import", flush=True)

@tool
def environment() -> list:
    return [os.environ.get("COILYARD_WORKER_TOKEN"), os.environ.get("LITELLM_LOCAL_MODEL_COST_MAP"), sys.stdin.read()]

@tool
def block(seconds: float, begun: str = "") -> str:
    if begun:
        open(begun, "x").close()
    time.sleep(seconds)
    return "slept"

@tool
async def hang(seconds: float) -> str:
    time.sleep(seconds)

@tool
def leave_a_thread() -> None:
    threading.Thread(target=time.sleep, args=(600,)).start()

@tool
def child() -> int:
    return subprocess.Popen(["sleep", "600"]).pid
"""


def command(gateway: ScriptedGateway, tmp_path: Path, *extra: str) -> list[str]:
    (tmp_path / "user_tools.py").write_text(TOOLS)
    return [
        sys.executable, "-m", "coilyard.worker", "--gateway", gateway.address, "--worker-id", "w",
        "--import", "user_tools", "--path", str(tmp_path), *extra,
    ]  # fmt: skip


def spawn(arguments: list[str], **options: Any) -> subprocess.Popen[str]:
    return subprocess.Popen(
        arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, TOKEN_VARIABLE: "secret"}, start_new_session=True, **options,
    )  # fmt: skip


async def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """The exit code and what was written to stderr. Leaves stdin open: its end would be the worker's."""
    assert process.stderr is not None
    errors = await asyncio.to_thread(process.stderr.read)
    code = await asyncio.to_thread(process.wait)
    for pipe in (process.stdin, process.stdout, process.stderr):
        if pipe is not None:
            pipe.close()
    return code, errors


def is_running(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


@pytest.mark.asyncio
async def test_a_worker_serves_and_drains_on_sigterm(gateway: ScriptedGateway, tmp_path: Path) -> None:
    runtime = Runtime(gateway)
    process = spawn(command(gateway, tmp_path, "--die-with-stdin"))
    runtime.tell(a_tool_call("environment", call_id=1))
    await until(lambda: runtime.of("result"))
    assert '[null,"True",""]' in str(runtime.of("result")[0]).replace("\\", "")
    begun = tmp_path / "begun"
    runtime.tell(a_tool_call("block", {"seconds": 0.3, "begun": str(begun)}, call_id=2))
    await until(begun.exists)
    process.send_signal(signal.SIGTERM)
    code, errors = await ended(process)
    assert code == Exit.DRAINED, errors
    assert [result.call_id for result in runtime.of("result")] == [1, 2]
    assert "secret" not in errors


@pytest.mark.asyncio
async def test_threads_that_user_code_left_do_not_hold_the_end_up(gateway: ScriptedGateway, tmp_path: Path) -> None:
    runtime = Runtime(gateway)
    process = spawn(command(gateway, tmp_path))
    runtime.tell(a_tool_call("leave_a_thread", call_id=1))
    await until(lambda: runtime.of("result"))
    process.send_signal(signal.SIGTERM)
    assert (await ended(process))[0] == Exit.DRAINED, "which takes ten minutes when the thread holds it up"


@pytest.mark.asyncio
async def test_a_lost_runtime_ends_a_worker_that_is_in_the_middle_of_something(
    gateway: ScriptedGateway, tmp_path: Path
) -> None:
    runtime = Runtime(gateway)
    process = spawn(command(gateway, tmp_path))
    begun = tmp_path / "begun"
    runtime.tell(a_tool_call("block", {"seconds": 600, "begun": str(begun)}, call_id=1))
    await until(begun.exists)
    await gateway.stop()
    assert (await ended(process))[0] == Exit.DISCONNECTED, "which takes ten minutes when the call holds it up"


@pytest.mark.asyncio
async def test_the_end_of_stdin_ends_the_worker_and_what_it_started(gateway: ScriptedGateway, tmp_path: Path) -> None:
    runtime = Runtime(gateway)
    process = spawn(command(gateway, tmp_path, "--die-with-stdin"))
    runtime.tell(a_tool_call("child", call_id=1))
    await until(lambda: runtime.of("result"))
    child = runtime.of("result")[0].value.integer
    assert is_running(child)
    assert process.stdin is not None
    process.stdin.close()
    process.stdin = None
    code, errors = await ended(process)
    assert code != Exit.DRAINED, errors
    await until(lambda: not is_running(child))


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the kernel's help is Linux's")
@pytest.mark.asyncio
async def test_a_worker_dies_with_its_parent_even_by_sigkill(gateway: ScriptedGateway, tmp_path: Path) -> None:
    runtime = Runtime(gateway)
    script = f"import subprocess, time; subprocess.Popen({command(gateway, tmp_path)!r}); time.sleep(600)"
    parent = spawn([sys.executable, "-c", script])
    await until(lambda: runtime.of("hello"))
    worker = runtime.of("hello")[0].pid
    assert is_running(worker)
    parent.kill()
    await until(lambda: not is_running(worker))
    await ended(parent)


@pytest.mark.asyncio
async def test_an_import_that_fails_ends_the_worker_with_its_own_code_and_the_traceback(
    gateway: ScriptedGateway, tmp_path: Path
) -> None:
    code, errors = await ended(spawn(command(gateway, tmp_path, "--import", "no_such_module")))
    assert code == Exit.IMPORT_FAILED
    assert (
        errors.rstrip()
        .splitlines()[-1]
        .endswith("cannot import no_such_module: ModuleNotFoundError: No module named 'no_such_module'")
    )


@pytest.mark.parametrize(
    "arguments",
    [[], ["--gateway", "x:1", "--worker-id", "w"], ["--gateway", "x:1", "--worker-id", "w", "--concurrency", "0"]],
)
def test_a_command_line_that_makes_no_sense_ends_with_code_2(
    arguments: list[str], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv(TOKEN_VARIABLE, raising=False)
    with pytest.raises(SystemExit) as ended:
        parse_options(arguments)
    assert ended.value.code == Exit.USAGE
    assert "usage" in capsys.readouterr().err


def test_the_token_leaves_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN_VARIABLE, "secret")
    options = parse_options(["--gateway", "x:1", "--worker-id", "w", "--incarnation", "7"])
    assert (options.token, options.incarnation, os.environ.get(TOKEN_VARIABLE)) == ("secret", 7, None)


def test_the_token_of_an_invitation_names_the_worker_and_another_one_does_not(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("COILYARD_WORKER_TOKEN", "gpu-3.secret")
    assert parse_options(["--gateway", "host:1"]).worker_id == "gpu-3"
    assert parse_options(["--gateway", "host:1", "--token", "x", "--worker-id", "w"]).worker_id == "w"
    with pytest.raises(SystemExit):
        parse_options(["--gateway", "host:1", "--token", "x"])
    assert "--worker-id is needed" in capsys.readouterr().err
