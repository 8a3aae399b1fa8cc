"""Which model answers: a real one when the environment names it, else the stand-in that needs nothing."""

from __future__ import annotations

import os
from typing import NamedTuple

import dspy
from in_context_bayes import InContextNaiveBayes


class ChosenModel(NamedTuple):
    lm: dspy.BaseLM
    description: str


def from_environment() -> ChosenModel:
    """`LM_MODEL` decides, so that a key which happens to be in the environment spends nobody's money.

    Unset: the stand-in. `smollm2`: the small model of `smollm.py`. Anything else: that model, at
    `OPENAI_BASE_URL` (Ollama, vLLM, ...) or, with `OPENAI_API_KEY` alone, at OpenAI.
    """
    name = os.environ.get("LM_MODEL")
    if not name:
        return ChosenModel(
            InContextNaiveBayes(),
            "naive Bayes over the demonstrations in its own prompt, which is not a language model",
        )
    if name == "smollm2":
        from smollm import SmolLM2

        return ChosenModel(SmolLM2(), "SmolLM2 135M Instruct, on this machine")
    base, key = os.environ.get("OPENAI_BASE_URL"), os.environ.get("OPENAI_API_KEY")
    if not base and not key:
        raise RuntimeError(f"LM_MODEL={name} needs OPENAI_BASE_URL (a local server) or OPENAI_API_KEY (OpenAI)")
    lm = dspy.LM(f"openai/{name}", api_base=base or None, api_key=key or "none")
    return ChosenModel(lm, f"{name} at {base or 'OpenAI'}")
