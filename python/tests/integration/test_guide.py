"""The guide: what it shows runs, and what it names exists."""

from __future__ import annotations

import ast
import builtins
import contextlib
import io
import re
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

import dspy
import pytest

import coilyard

GUIDE = (Path(__file__).parents[3] / "docs" / "guides" / "python.md").read_text(encoding="utf-8")
PROGRAMS = re.findall(r"```python\n(.*?)```(?:\n+```text\n(.*?)```)?", GUIDE, re.DOTALL)


@pytest.mark.gateway
@pytest.mark.dspy
@pytest.mark.asyncio
async def test_every_program_of_the_guide_prints_what_the_guide_says(address: str) -> None:
    assert len(PROGRAMS) > 10
    names: dict[str, Any] = {}
    for number, (program, expected) in enumerate(PROGRAMS, 1):
        code = compile(
            program.replace("127.0.0.1:50051", address),
            f"program {number} of the guide",
            "exec",
            ast.PyCF_ALLOW_TOP_LEVEL_AWAIT,
        )
        with contextlib.redirect_stdout(io.StringIO()) as printed, dspy.context(trace=[]):
            running = eval(code, names)
            if isinstance(running, Coroutine):
                await running
        if expected:
            assert printed.getvalue() == expected, program


def test_every_method_of_a_session_is_in_the_guide() -> None:
    local = {"initialize", "info", "touch", "call", "call_tool", "list_tools"}
    methods = {name for name in dir(coilyard.SessionContext) if not name.startswith("_")}
    assert {name for name in methods - local if name not in GUIDE} <= {"channel", "metadata", "created_at"}


def test_an_error_is_the_built_in_that_the_guide_says() -> None:
    errors = GUIDE.partition("## Errors")[2].partition("```python")[0]
    rows = re.findall(r"^\| (`\w+Error`.*?) \| (.*?) \|$", errors, re.MULTILINE)
    assert len(rows) == 6
    for expected, raised in rows:
        bases = [getattr(builtins, name) for name in re.findall(r"`(\w+)`", expected)]
        for name in re.findall(r"`([A-Z]\w+)`", raised):
            assert all(issubclass(getattr(coilyard, name), base) for base in bases), name
