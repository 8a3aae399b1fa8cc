"""A stand-in for a language model that needs no key, no download and no luck.

It is NOT a language model: it is naive Bayes over the demonstrations in its own prompt, behind the interface
that DSPy expects of one. It knows only what the prompt shows it; without demonstrations it guesses.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, NamedTuple

import dspy

_HEADER = re.compile(r"^\[\[ ## (\w+) ## \]\]$", re.MULTILINE)
_WANTED = re.compile(r"`\[\[ ## (\w+) ## \]\]`(?: \(must be formatted as a valid Python (Literal\[.*?\])\))?")
_WORD = re.compile(r"[a-z][a-z']+|[$!?%]|\d+")
_REMINDER = "\n\nRespond with the corresponding output fields"


class Demo(NamedTuple):
    text: str
    label: str


class InContextNaiveBayes(dspy.BaseLM):
    """Answers a classification prompt of DSPy's ChatAdapter from the demonstrations in it.

    Output fields: the label, `confidence` (0 to 1) and `reasoning` (the words that decided: asked to reason,
    it goes by those words alone). `temperature` adds the noise of softmax sampling, drawn from a hash of the
    prompt: the same prompt and settings give the same answer, always; another `rollout_id` draws again.
    """

    def __init__(self, label_field: str = "label", temperature: float = 0.0, **kwargs: Any) -> None:
        super().__init__(model="in-context-naive-bayes", temperature=temperature, cache=False, **kwargs)
        self.label_field = label_field

    def forward(
        self, prompt: str | None = None, messages: list[dict[str, Any]] | None = None, **kwargs: Any
    ) -> SimpleNamespace:
        settings = {**self.kwargs, **kwargs}
        *history, question = [str(message["content"]) for message in messages or []] or [prompt or ""]
        body, reminder = question.rpartition(_REMINDER)[::2]
        wanted = {name: kind for name, kind in _WANTED.findall(reminder) if name != "completed"}
        if self.label_field not in wanted:
            raise ValueError(f"{self.model} only answers ChatAdapter prompts that ask for `{self.label_field}`")
        demos = self._demonstrations(messages or [])
        labels = tuple(re.findall(r"'([^']*)'", wanted[self.label_field])) or tuple(sorted({d.label for d in demos}))
        evidence = weigh(learn(demos, labels), text_of(body), most=15 if "reasoning" in wanted else None)
        temperature = settings.get("temperature") or 0.0
        seed = "\0".join([*history, question, str(settings.get("rollout_id"))])
        choices = [
            _choice(index, self._answer(wanted, evidence, temperature, f"{index}\0{seed}"))
            for index in range(settings.get("n") or 1)
        ]
        size = sum(len(_words(text)) for text in [*history, question])
        usage = {"prompt_tokens": size, "completion_tokens": len(wanted), "total_tokens": size + len(wanted)}
        return SimpleNamespace(model=self.model, choices=choices, usage=usage)

    async def aforward(
        self, prompt: str | None = None, messages: list[dict[str, Any]] | None = None, **kwargs: Any
    ) -> SimpleNamespace:
        return self.forward(prompt, messages, **kwargs)  # a few milliseconds of arithmetic: not worth a thread

    def _demonstrations(self, messages: list[dict[str, Any]]) -> tuple[Demo, ...]:
        turns = [str(message["content"]) for message in messages if message["role"] != "system"][:-1]
        asked, answered = turns[::2], [sections(turn).get(self.label_field) for turn in turns[1::2]]
        return tuple(Demo(text_of(user), label) for user, label in zip(asked, answered, strict=True) if label)

    def _answer(self, wanted: dict[str, str], evidence: Evidence, temperature: float, seed: str) -> str:
        scores = {label: score + temperature * _gumbel(f"{label}\0{seed}") for label, score in evidence.scores.items()}
        label = max(scores, key=lambda candidate: scores[candidate])  # of equals the one that the prompt names first
        confidence = 1 / sum(math.exp(min(score - scores[label], 0.0)) for score in scores.values())
        known = {
            self.label_field: label,
            "confidence": f"{confidence:.3f}",
            "reasoning": _reasoning(evidence),
        }
        unknown = wanted.keys() - known.keys()
        if unknown:
            raise ValueError(f"{self.model} cannot fill the output fields {sorted(unknown)}")
        return "\n\n".join(f"[[ ## {name} ## ]]\n{known[name]}" for name in wanted) + "\n\n[[ ## completed ## ]]"


class Model(NamedTuple):
    """How many demonstrations carry each label, and in how many of those each word occurs."""

    demos: dict[str, int]
    words: dict[str, Counter[str]]


class Evidence(NamedTuple):
    scores: dict[str, float]
    deciding: list[tuple[str, str]]


@lru_cache(maxsize=16)
def learn(demos: tuple[Demo, ...], labels: tuple[str, ...]) -> Model:
    words: dict[str, Counter[str]] = {label: Counter() for label in labels}
    count = dict.fromkeys(labels, 0)
    for demo in demos:
        if demo.label in count:
            count[demo.label] += 1
            words[demo.label].update(_words(demo.text))
    return Model(count, words)


def weigh(model: Model, text: str, most: int | None) -> Evidence:
    """Log odds per label. Words hang together, so n of them count as the square root of n would."""
    smoothing = 0.5
    weights: dict[str, dict[str, float]] = {}
    for word in _words(text):
        if any(word in words for words in model.words.values()):
            weights[word] = {
                label: math.log((model.words[label][word] + smoothing) / (model.demos[label] + 2 * smoothing))
                for label in model.words
            }
    spread = {word: max(weight.values()) - min(weight.values()) for word, weight in weights.items()}
    ranked = sorted(weights, key=lambda word: (-spread[word], word))[:most]
    scores = {
        label: math.log(count + 1) + sum(weights[word][label] for word in ranked) / math.sqrt(len(ranked) or 1)
        for label, count in model.demos.items()
    }
    strongest = [(word, max(weights[word], key=lambda label: weights[word][label])) for word in ranked[:15]]
    return Evidence(scores, strongest)


def sections(content: str) -> dict[str, str]:
    pieces = _HEADER.split(content)
    return {name: value.strip() for name, value in zip(pieces[1::2], pieces[2::2], strict=True)}


def text_of(content: str) -> str:
    return "\n".join(sections(content).values())


@lru_cache(maxsize=4096)
def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.lower()))


def _reasoning(evidence: Evidence) -> str:
    if not evidence.deciding:
        return "No word of this mail occurs in a demonstration: a guess."
    return "Deciding words: " + ", ".join(f"{word} ({label})" for word, label in evidence.deciding) + "."


def _gumbel(seed: str) -> float:
    draw = int.from_bytes(hashlib.sha256(seed.encode()).digest()[:8], "big")
    return -math.log(-math.log((draw + 0.5) / 2**64))


def _choice(index: int, text: str) -> SimpleNamespace:
    message = SimpleNamespace(role="assistant", content=text)
    return SimpleNamespace(index=index, message=message, finish_reason="stop")
