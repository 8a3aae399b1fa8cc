"""A deterministic stand-in for a language model. It is not one."""

from __future__ import annotations

import re
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import dspy


class LocalLM(dspy.BaseLM):
    """Fills every output field with what `answer(field, prompt, settings)` says, and remembers what it was asked."""

    def __init__(self, answer: Callable[[str, str, dict[str, Any]], str], **kwargs: Any) -> None:
        super().__init__(model=kwargs.pop("model", "local"), cache=False, **kwargs)
        self.answer = answer
        self.asked: list[dict[str, Any]] = []

    def forward(self, prompt: str | None = None, messages: list[dict[str, Any]] | None = None, **kwargs: Any) -> Any:
        text = str(messages[-1]["content"]) if messages else prompt or ""
        settings = {"model": self.model, **self.kwargs, **kwargs}
        self.asked.append(settings)
        question, _, reminder = text.rpartition("Respond with the corresponding output fields")
        wanted = [name for name in re.findall(r"`\[\[ ## (\w+) ## \]\]`", reminder) if name != "completed"]
        body = "\n\n".join(f"[[ ## {name} ## ]]\n{self.answer(name, question, settings)}" for name in wanted)
        message = SimpleNamespace(role="assistant", content=f"{body}\n\n[[ ## completed ## ]]")
        choice = SimpleNamespace(index=0, message=message, finish_reason="stop")
        usage = {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": 2}
        return SimpleNamespace(model=self.model, choices=[choice], usage=usage)


class AsyncLocalLM(LocalLM):
    """The same, awaitable."""

    async def aforward(
        self, prompt: str | None = None, messages: list[dict[str, Any]] | None = None, **kwargs: Any
    ) -> Any:
        return self.forward(prompt, messages, **kwargs)
