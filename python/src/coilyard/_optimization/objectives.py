"""How good a value is: says a function, a tool by its name, or a program with a dataset and a metric."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from coilyard import _arguments as given
from coilyard._errors import InvalidArgument
from coilyard._optimization.results import read_result
from coilyard._optimization.threads import Attempt, OwnThread, attempt, is_async

_EXPECTED = "a function, the name of a tool, or a dict with program, dataset and metric"
_PROGRAM_KEYS = ("program", "dataset", "metric")


@dataclass(frozen=True)
class Objective:
    """What is called here with each value, or with a dict of values by name.

    Attributes:
        function: A plain function, which gets a thread, or a coroutine function.
        reads_variables: Whether it reads the variables by itself rather than looking at its argument.
        give_up: Called when the result of a call that goes on is not wanted any more.
    """

    function: Callable[[Any], Any]
    reads_variables: bool = False
    give_up: Callable[[], None] = lambda: None

    async def evaluate(self, value: Any, metric: str, thread: OwnThread) -> tuple[dict[str, float], float]:
        """The metrics and the score of a value.

        Raises:
            EvaluationFailed: The objective raised, or returned nothing that says how good the value was.
        """
        called = await attempt(self.function, value, thread=thread)
        if called.error is None:
            called = _read(called.value, metric)
        if called.error is not None:
            raise EvaluationFailed(describe(called.error)) from called.error
        metrics, score = called.value
        return metrics, score


class EvaluationFailed(Exception):
    """A trial has failed; the text says why."""


def _read(returned: Any, metric: str) -> Attempt:
    try:
        return Attempt(read_result(returned, metric))
    except Exception as error:
        return Attempt(error=error)


def describe(error: BaseException) -> str:
    """An exception as one line of a history; what is no Unicode in it, such as half of a pair, is spelled out."""
    try:
        text = str.__str__(str(error))[:2000].encode(errors="backslashreplace").decode()
    except Exception:
        text = ""
    kind = type(error).__name__
    return f"{kind}: {text}"[:2000] if text else kind


def objective_of(value: Any, field: str = "objective") -> Objective | str | None:
    """What the argument stands for: an objective, the name of a tool, or None.

    Raises:
        ValidationFailed: It is none of them (also a TypeError).
        InvalidArgument: It is a mapping that lacks something (also a ValueError).
    """
    if value is None:
        return None
    if isinstance(value, str):
        return given.text(value, field, _EXPECTED)
    if isinstance(value, Mapping):
        return _program_objective(value, field)
    if not callable(value):
        raise given.wrong_kind(field, _EXPECTED, value)
    return Objective(value)


def _program_objective(value: Mapping[str, Any], field: str) -> Objective:
    parts = given.mapping(value, field, _EXPECTED, _PROGRAM_KEYS)
    for key in _PROGRAM_KEYS:
        if key not in parts:
            raise InvalidArgument(f"{field}: {key} is missing; expected {_EXPECTED}")
    for key in ("program", "metric"):
        if not callable(parts[key]):
            raise given.wrong_kind(f"{field}[{key!r}]", "a function", parts[key])
    place = f"{field}['dataset']"
    examples = given.items(parts["dataset"], place, "a list of examples")
    if not examples:
        raise given.wrong_value(place, "at least one example", examples)
    inputs = [_inputs(example, f"{place}[{index}]") for index, example in enumerate(examples)]
    evaluation = _Evaluation(parts["program"], parts["metric"], list(zip(examples, inputs, strict=True)))
    is_waiting = is_async(parts["program"]) or is_async(parts["metric"])
    function = evaluation.on_loop if is_waiting else evaluation.in_thread
    return Objective(function, reads_variables=True, give_up=evaluation.given_up.set)


def _inputs(example: Any, place: str) -> dict[str, Any]:
    """What the program is called with: of an example of DSPy what it marks as inputs."""
    expected = "an example of DSPy with inputs, or a dict with inputs"
    if isinstance(example, Mapping):
        if "inputs" not in example:
            raise given.wrong_value(place, expected, example)
        return given.mapping(example["inputs"], f"{place}['inputs']", "a dict of arguments by name")
    inputs = getattr(example, "inputs", None)
    if not callable(inputs):
        raise given.wrong_kind(place, expected, example)
    return given.reading(place, expected, lambda: dict(inputs().items()))


class _Evaluation:
    """A program that is run on every example. Its score is the mean of the metric."""

    def __init__(
        self, program: Callable[..., Any], metric: Callable[..., Any], examples: list[tuple[Any, dict[str, Any]]]
    ) -> None:
        self._program = program
        self._metric = metric
        self._examples = examples
        self.given_up = threading.Event()

    def in_thread(self, _value: Any) -> dict[str, float]:
        """All of it in one thread; leaves off between two examples when it is given up."""
        scores = []
        for example, inputs in self._examples:
            if self.given_up.is_set():
                raise EvaluationFailed("given up")
            scores.append(_score(self._metric(example, self._program(**inputs))))
        return _mean(scores)

    async def on_loop(self, _value: Any) -> dict[str, float]:
        """The same for a program or a metric that has to be awaited."""
        thread = OwnThread("coilyard-evaluation")
        try:
            scores = []
            for example, inputs in self._examples:
                prediction = (await attempt(_keywords(self._program, inputs), thread=thread)).result()
                judged = await attempt(self._metric, example, prediction, thread=thread)
                scores.append(_score(judged.result()))
            return _mean(scores)
        finally:
            thread.close()


def _keywords(program: Callable[..., Any], inputs: Mapping[str, Any]) -> Callable[[], Any]:
    if not is_async(program):
        return lambda: program(**inputs)

    async def run() -> Any:
        return await program(**inputs)

    return run


def _score(judged: Any) -> float:
    return read_result(judged)[1]


def _mean(scores: list[float]) -> dict[str, float]:
    return {"score": sum(scores) / len(scores), "examples": float(len(scores))}
