"""A stand-in for a language model, and NOT one: it looks a question up in a short glossary."""

from __future__ import annotations

import re
from types import SimpleNamespace
from typing import Any

import dspy

ENTRIES = {
    "elixir": "Elixir is a functional, concurrent language that runs on the Erlang virtual machine.",
    "erlang": "Erlang is a language made for telephone exchanges: many processes, no shared state.",
    "otp": "OTP is Erlang's set of libraries and rules for building systems out of supervised processes.",
    "supervisor": "A supervisor is a process that starts other processes and restarts them when they fail.",
    "actor": "An actor owns its state and changes it only in answer to the messages in its mailbox.",
    "dspy": "DSPy is a Python framework in which prompts are programs: signatures, modules and optimizers.",
    "grpc": "gRPC is a remote procedure call framework over HTTP/2 whose messages are protocol buffers.",
    "coilyard": "Coilyard gives a Node service supervised actors and Python workers that share variables.",
}


class Glossary(dspy.BaseLM):
    """Answers ChatAdapter prompts with a `question`: fills `answer`, and `reasoning` when it is asked for.

    It has no randomness, so `temperature` changes nothing here.
    """

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(model="glossary", cache=False, **kwargs)

    def forward(
        self, prompt: str | None = None, messages: list[dict[str, Any]] | None = None, **kwargs: Any
    ) -> SimpleNamespace:
        request = str(messages[-1]["content"]) if messages else prompt or ""
        question, _, reminder = request.partition("\n\nRespond with the corresponding output fields")
        words = re.findall(r"[a-z]+", question.lower())
        term = next((word for word in words if word in ENTRIES), None)
        fields = {
            "reasoning": f"The question is about {term}." if term else "No word of the question is in the glossary.",
            "answer": ENTRIES[term] if term else "The glossary has no entry for that.",
        }
        wanted = [name for name in re.findall(r"`\[\[ ## (\w+) ## \]\]`", reminder) if name != "completed"]
        unknown = set(wanted) - fields.keys()
        if unknown or not wanted:
            raise ValueError(f"the glossary fills `answer` and `reasoning`, not {sorted(unknown)}")
        text = "\n\n".join(f"[[ ## {name} ## ]]\n{fields[name]}" for name in wanted) + "\n\n[[ ## completed ## ]]"
        message = SimpleNamespace(role="assistant", content=text)
        usage = {
            "prompt_tokens": len(words),
            "completion_tokens": len(wanted),
            "total_tokens": len(words) + len(wanted),
        }
        choice = SimpleNamespace(index=0, message=message, finish_reason="stop")
        return SimpleNamespace(model=self.model, choices=[choice], usage=usage)

    async def aforward(
        self, prompt: str | None = None, messages: list[dict[str, Any]] | None = None, **kwargs: Any
    ) -> SimpleNamespace:
        return self.forward(prompt, messages, **kwargs)
