"""What a Coilyard worker imports for the research agent: the model that answers, and a tool that names it."""

from __future__ import annotations

import os

import coilyard
import dspy
from glossary import Glossary


def _from_environment() -> tuple[dspy.BaseLM, str]:
    """`LM_MODEL` decides, so that a key which happens to be in the environment spends nobody's money."""
    name, base, key = (os.environ.get(name) for name in ("LM_MODEL", "OPENAI_BASE_URL", "OPENAI_API_KEY"))
    if not name:
        return Glossary(), "a glossary of a few entries. This is not a language model"
    if not base and not key:
        raise RuntimeError(f"LM_MODEL={name} needs OPENAI_BASE_URL (a local server) or OPENAI_API_KEY (OpenAI)")
    lm = dspy.LM(f"openai/{name}", api_base=base or None, api_key=key or "none")
    return lm, f"{name} at {base or 'OpenAI'}"


# Once per process, in the main thread: DSPy lets nobody else configure it afterwards.
_lm, _description = _from_environment()
dspy.configure(lm=_lm)


@coilyard.tool
def describe_model() -> str:
    """Say which model answers, and what it is not."""
    return _description
