"""Which language model a run asks, with the settings that the session's variables give it. Nothing here is global."""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import Any

from coilyard._errors import InvalidArgument

#: The variables that are settings of the language model.
SETTINGS = (
    "model",
    "temperature",
    "max_tokens",
    "top_p",
    "top_k",
    "stop",
    "seed",
    "presence_penalty",
    "frequency_penalty",
    "reasoning_effort",
)

NOT_CONFIGURED = (
    "no language model is configured: call dspy.configure(lm=...) in a module that the worker imports, or set "
    "LM_MODEL together with OPENAI_API_KEY or OPENAI_BASE_URL"
)


def settings_of(variables: Mapping[str, Any]) -> dict[str, Any]:
    """The settings among the variables; one that is null or an empty text leaves the model's own."""
    return {name: variables[name] for name in SETTINGS if variables.get(name) not in (None, "")}


class LanguageModels:
    """The model of this process: what user code configured, else what the environment names, made on first use."""

    def __init__(self, environment: Mapping[str, str] | None = None) -> None:
        self._environment = os.environ if environment is None else environment
        self._from_environment: Any = None

    def current(self, dspy: Any) -> Any | None:
        """The model, or None when there is none."""
        if dspy.settings.lm is not None:
            return dspy.settings.lm
        if self._from_environment is None:
            self._from_environment = self._make(dspy)
        return self._from_environment

    def _make(self, dspy: Any) -> Any | None:
        name, base, key = (self._environment.get(key) for key in ("LM_MODEL", "OPENAI_BASE_URL", "OPENAI_API_KEY"))
        if not name or not (base or key):
            return None
        # A server at a base URL serves names of its own, which may have slashes; all of them speak OpenAI's protocol.
        full = name if name.startswith("openai/") or ("/" in name and not base) else f"openai/{name}"
        return dspy.LM(full, api_base=base or None, api_key=key or "none")


def bound(dspy: Any, model: Any, settings: Mapping[str, Any]) -> Any:
    """A copy of the model that sends these settings; the model itself is left alone."""
    if not settings or not isinstance(model, dspy.BaseLM):
        return model
    given = dict(settings)
    own = getattr(model, "kwargs", None) or {}
    if "max_tokens" in given and "max_completion_tokens" in own:  # how OpenAI's reasoning models call it
        given["max_completion_tokens"] = given.pop("max_tokens")
    name = given.get("model")
    if name is not None and isinstance(model, dspy.LM) and "/" not in name and "/" in model.model:
        given["model"] = f"{model.model.partition('/')[0]}/{name}"
    return model.copy(**given)


def answers_async(dspy: Any, model: Any) -> bool:
    """Whether the model can be awaited; one that was written without `aforward` cannot."""
    return isinstance(model, dspy.LM) or type(model).aforward is not dspy.BaseLM.aforward


def required(model: Any | None) -> Any:
    """The model.

    Raises:
        InvalidArgument: There is none; the text says how to configure one.
    """
    if model is None:
        raise InvalidArgument(NOT_CONFIGURED, details={"field": "lm"})
    return model
