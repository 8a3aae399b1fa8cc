"""The zygote as a process, on a channel of the test's own."""

from __future__ import annotations

import json
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from coilyard._zygote import safety

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="a zygote needs /proc and prctl")

_LENGTH = struct.Struct(">I")


class Zygote:
    """Speaks as the runtime does."""

    def __init__(self, process: subprocess.Popen[bytes], channel: socket.socket) -> None:
        self.process = process
        self.channel = channel

    def hear(self) -> dict[str, Any]:
        (length,) = _LENGTH.unpack(self._exactly(_LENGTH.size))
        frame: dict[str, Any] = json.loads(self._exactly(length))
        return frame

    def ask(self, **frame: Any) -> dict[str, Any]:
        payload = json.dumps(frame).encode()
        self.channel.sendall(_LENGTH.pack(len(payload)) + payload)
        return self.hear()

    def _exactly(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            chunk = self.channel.recv(size - len(data))
            assert chunk, "the zygote closed the channel"
            data += chunk
        return data


@contextmanager
def a_zygote(*arguments: str) -> Iterator[Zygote]:
    ours, theirs = socket.socketpair()
    ours.settimeout(60)
    # The channel is descriptor 3, which only the child can make it.
    prepare = f"import os, sys; os.dup2({theirs.fileno()}, 3); sys.argv[0] = 'zygote'\n"
    prepare += "from coilyard._zygote.main import main; main()"
    process = subprocess.Popen(
        [sys.executable, "-c", prepare, *arguments],
        stdin=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        pass_fds=[theirs.fileno()],
        start_new_session=True,
    )
    theirs.close()
    try:
        yield Zygote(process, ours)
    finally:
        ours.close()
        assert process.stdin is not None
        process.stdin.close()
        process.wait(60)


def an_order(**changes: Any) -> dict[str, Any]:
    return {
        "type": "fork",
        "id": 1,
        "worker": "w/1",
        "arguments": [],
        "token": "t",
        "mark": "m",
        "lines": "coilyard-no-such-socket",
        "keys": ["a", "b"],
        **changes,
    }


def test_it_says_that_it_is_ready_when_its_imports_are_done(tmp_path: Path) -> None:
    (tmp_path / "quick_module.py").write_text("done = True\n")
    with a_zygote("--import", "quick_module", "--path", str(tmp_path)) as zygote:
        ready = zygote.hear()
        assert ready["type"] == "ready"
        assert ready["objections"] == []


def test_an_import_that_fails_is_named_and_ends_it(tmp_path: Path) -> None:
    (tmp_path / "broken_module.py").write_text("raise ValueError('not today')\n")
    with a_zygote("--import", "broken_module", "--path", str(tmp_path)) as zygote:
        failed = zygote.hear()
        assert failed["type"] == "import_failed"
        assert failed["module"] == "broken_module"
        assert "ValueError: not today" in failed["reason"]
        assert zygote.process.wait(60) == 3


def test_a_preload_that_fails_does_no_harm() -> None:
    with a_zygote("--preload", "no_such_module", "--preload", "colorsys") as zygote:
        assert zygote.hear()["type"] == "ready"


@pytest.mark.parametrize(
    ("text", "objection"),
    [
        (
            "import threading\nthreading.Thread(target=threading.Event().wait, name='busy', daemon=True).start()",
            "thread 'busy', started by the import of culprit",
        ),
        ("import grpc\nserver = grpc.server(None)", "a server of gRPC, made in"),
        ("import grpc\nchannel = grpc.insecure_channel('h:1')\nchannel.close()", "a channel of gRPC, made in"),
        ("import grpc\nchannel = grpc.aio.insecure_channel('h:1')", "an asyncio channel of gRPC, made in"),
    ],
)
def test_what_a_fork_would_not_survive_is_named(tmp_path: Path, text: str, objection: str) -> None:
    (tmp_path / "culprit.py").write_text(text)
    with a_zygote("--import", "culprit", "--path", str(tmp_path)) as zygote:
        ready = zygote.hear()
        assert any(objection in said for said in ready["objections"]), ready
        assert all("culprit" in said for said in ready["objections"]), ready


def test_a_thread_that_ends_by_itself_is_waited_for(tmp_path: Path) -> None:
    (tmp_path / "short_lived.py").write_text(
        "import threading, time\nthreading.Thread(target=time.sleep, args=(0.1,)).start()"
    )
    with a_zygote("--import", "short_lived", "--path", str(tmp_path)) as zygote:
        assert zygote.hear()["objections"] == []


def test_a_zygote_that_stood_still_waits_for_its_threads_no_less(monkeypatch: pytest.MonkeyPatch) -> None:
    threads, hours, slept = iter([{1, 2}, {1, 2}, {1}]), count(step=3_600), list[float]()
    monkeypatch.setattr(safety, "_tasks", lambda: next(threads))
    monkeypatch.setattr(safety, "time", SimpleNamespace(monotonic=lambda: next(hours), sleep=slept.append))
    watching = safety.Safety()
    watching.release()
    watching.settle()
    assert len(slept) == 2


def test_a_thread_that_comes_later_is_found_before_the_fork(tmp_path: Path) -> None:
    # Only in the zygote: a signal is what can start something in a process that does nothing.
    (tmp_path / "late.py").write_text(
        "import signal, threading\n"
        "def start(*_): threading.Thread(target=threading.Event().wait, name='late', daemon=True).start()\n"
        "signal.signal(signal.SIGUSR1, start)\n"
    )
    with a_zygote("--import", "late", "--path", str(tmp_path)) as zygote:
        pid = zygote.hear()["pid"]
        os.kill(pid, signal.SIGUSR1)
        while len(list(Path(f"/proc/{pid}/task").iterdir())) == 1:
            time.sleep(0.01)
        refused = zygote.ask(**an_order())
        assert refused == {"type": "refused", "id": 1, "objections": ["thread 'late'"]}


def test_a_fork_without_a_line_to_the_runtime_fails_and_the_zygote_goes_on() -> None:
    with a_zygote() as zygote:
        zygote.hear()
        assert zygote.ask(**an_order())["type"] == "failed"
        assert zygote.ask(**an_order(id=2))["id"] == 2


@pytest.mark.parametrize("end", ["channel", "lifeline"])
def test_it_ends_with_the_runtime(end: str) -> None:
    with a_zygote() as zygote:
        pid = zygote.hear()["pid"]
        if end == "channel":
            zygote.channel.close()
        else:
            assert zygote.process.stdin is not None
            zygote.process.stdin.close()
        zygote.process.wait(60)
        assert not Path(f"/proc/{pid}").exists()
