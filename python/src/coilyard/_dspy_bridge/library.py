"""DSPy itself, imported when it is needed and not before."""

from __future__ import annotations

import asyncio
import importlib
from typing import Any

from coilyard import _arguments as given


async def load_dspy() -> Any:
    """DSPy; the first import of a process takes seconds, and does so in a thread.

    Raises:
        ImportError: It is not installed; the text says how to install it.
    """
    # Not taken from `sys.modules`: there it is half made while another thread imports it.
    return await asyncio.to_thread(_import)


def _import() -> Any:
    try:
        return importlib.import_module("dspy")
    except ImportError as error:
        raise ImportError(f"this needs DSPy ({error}): pip install 'coilyard[dspy]'") from error


def a_module(dspy: Any, value: Any, field: str) -> Any:
    """The module itself.

    Raises:
        ValidationFailed: It is none.
    """
    if not isinstance(value, dspy.Module):
        raise given.wrong_kind(field, "a dspy.Module", value)
    return value
