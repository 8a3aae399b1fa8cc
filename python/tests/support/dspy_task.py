"""A task for optimizers of DSPy that needs no language model: the answer is the question."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import dspy

TRAIN = [dspy.Example(question=str(number), answer=str(number)).with_inputs("question") for number in range(8)]


def accuracy_metric(example: Any, prediction: Any, trace: Any = None) -> bool:
    return bool(prediction.answer == example.answer)


def repeats(field: str, prompt: str, settings: dict[str, Any]) -> str:
    """Knows what it was asked; of anything else it makes something up."""
    if field == "answer":
        return prompt.rpartition("[[ ## question ## ]]\n")[2].split("\n")[0].strip()
    return f"the {field}"


class Held:
    """Answers that wait until they may go on.

    Attributes:
        started: Set once the first is waited for.
        go_on: Lets all of them go on.
    """

    def __init__(self, answer: Callable[[str, str, dict[str, Any]], str] = repeats) -> None:
        self.started = threading.Event()
        self.go_on = threading.Event()
        self._answer = answer

    def __call__(self, field: str, prompt: str, settings: dict[str, Any]) -> str:
        self.started.set()
        assert self.go_on.wait(60)
        return self._answer(field, prompt, settings)


def threads_of_the_bridge() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("coilyard-dspy")]
