"""What a test needs besides Python: missing in CI it is a failure, elsewhere a skip that says how to mend it."""

from __future__ import annotations

import os
import shutil

import pytest

from support.real_gateway import MAIN


def needs_gateway() -> None:
    """Node and the built command line."""
    if shutil.which("node") is not None and MAIN.exists():
        return
    missing = f"needs node and {MAIN}: npm run build"
    if os.environ.get("CI"):
        pytest.fail(missing)
    pytest.skip(missing)
