"""Rules of the house that a program can check."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import coilyard

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "coilyard"
FILES = sorted(path for path in PACKAGE.rglob("*.py") if "_proto" not in path.parts)

#: Who may import whom: a file of the group on the left imports only from the groups on the right (and what is public).
LAYERS = {
    "_zygote": {"_zygote", "_worker", "_session", "base"},
    "_worker": {"_worker", "_session", "base"},
    "_session": {"_session", "base"},
    "base": {"base"},
    "top": {"_worker", "_session", "base", "top", "_zygote"},
}
TOP = {"__init__", "_client", "_dspy_bridge", "_resolver", "sync", "worker", "zygote"}


def group_of(parts: tuple[str, ...]) -> str:
    if len(parts) > 1 and parts[0] in LAYERS:
        return parts[0]
    return "top" if parts[0].removesuffix(".py") in TOP else "base"


def imports_of(path: Path) -> list[tuple[str, ...]]:
    found = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "coilyard":
            parts = tuple((node.module or "").split(".")[1:])
            found += [parts] if parts else [(alias.name,) for alias in node.names]
    return found


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_a_file_imports_only_what_its_layer_may(path: Path) -> None:
    mine = group_of(path.relative_to(PACKAGE).parts)
    for parts in imports_of(path):
        assert group_of(parts) in LAYERS[mine], f"{path.name} imports coilyard.{'.'.join(parts)}"


def test_enough_files_are_checked() -> None:
    assert len(FILES) > 45


@pytest.mark.parametrize("path", [*FILES, *sorted((ROOT / "tests").rglob("*.py"))], ids=lambda path: path.name)
def test_a_file_has_at_most_400_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 400


def test_everything_public_is_listed_and_nothing_else() -> None:
    assert all(hasattr(coilyard, name) for name in coilyard.__all__)
    assert list(coilyard.__all__) == sorted(coilyard.__all__, key=_order)
    assert set(coilyard.__all__) == {
        name for name in vars(coilyard) if not name.startswith("_") and name not in {"optuna", "worker", "zygote"}
    } | {"__version__"}


def _order(name: str) -> tuple[int, str]:
    kind = 0 if name.isupper() and not name.startswith("_") else 1 if name[0].isupper() else 2
    return kind, name


def test_every_public_method_is_documented() -> None:
    for kind in (coilyard.SessionContext, coilyard.Client, coilyard.VariableCache, coilyard.Watch):
        for name in dir(kind):
            if not name.startswith("_"):
                assert getattr(getattr(kind, name), "__doc__", None), f"{kind.__name__}.{name}"


def test_the_generated_code_is_what_the_protos_generate() -> None:
    check = [sys.executable, str(ROOT / "tools" / "generate.py"), "--check"]
    done = subprocess.run(check, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr


test_the_generated_code_is_what_the_protos_generate = pytest.mark.timeout(300)(
    test_the_generated_code_is_what_the_protos_generate
)


@pytest.mark.parametrize("implementation", ["upb", "python"])
def test_the_generated_code_runs_on_every_implementation_of_protobuf(implementation: str) -> None:
    code = (
        "from coilyard._values import encode_value, decode_value;"
        "from coilyard._proto import variables_pb2, workers_pb2;"
        "v = encode_value({'a': [1]});"
        "assert decode_value(type(v).FromString(v.SerializeToString())) == {'a': [1]}"
    )
    environment = {"PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION": implementation, "PYTHONPATH": str(ROOT / "src")}
    subprocess.run([sys.executable, "-W", "ignore", "-c", code], check=True, timeout=60, env=environment)
