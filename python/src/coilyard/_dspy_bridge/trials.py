"""What a compilation tries, as trials of a run: reported from DSPy's threads, told to the gateway in order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from coilyard._dspy_bridge.threads import Interrupted
from coilyard._errors import CoilyardError

_log = logging.getLogger("coilyard.optimization")

#: Trials in hand at the same time: one that takes long, and those that are told as soon as they are asked for.
PARALLEL = 2

#: Seconds for what is still to be told at the end.
_PATIENCE_S = 15.0

#: How much of an error is told.
_MOST_TEXT = 4000


class Trials(Protocol):
    """What is needed of a run; an `OptimizationRun` has it."""

    async def ask(self, values: Mapping[str, Any] | None = None) -> Any:
        """The next trial, or None."""
        ...

    async def tell(self, trial: Any, metrics: Mapping[str, float], *, score: float | None = None) -> Any:
        """How good it was."""
        ...

    async def fail(self, trial: Any, error: str) -> Any:
        """Why it has failed."""
        ...


@dataclass(frozen=True, slots=True)
class _Began:
    call_id: str


@dataclass(frozen=True, slots=True)
class _Ended:
    call_id: str
    metrics: Mapping[str, float]
    error: str = ""


class Recorder:
    """Turns evaluations into trials. What cannot be told is logged: it does not end a compilation.

    Args:
        trials: The run.
        values: What every trial tried: the values of the run's variables, by name.
    """

    def __init__(self, trials: Trials, values: Mapping[str, Any]) -> None:
        self._trials = trials
        self._values = dict(values)
        self._loop = asyncio.get_running_loop()
        self._events: asyncio.Queue[_Began | _Ended | None] = asyncio.Queue()
        self._in_hand: tuple[str, Any] | None = None
        self._seen = _Answers()
        self._evaluated = False
        self._has_warned = False
        self._task = self._loop.create_task(self._serve())

    def callback(self, dspy: Any) -> Any:
        """What DSPy tells of its evaluations."""
        recorder, quiet = self, set[str]()

        class Evaluations(dspy.utils.BaseCallback):  # type: ignore[misc] # DSPy is imported late
            def on_evaluate_start(self, call_id: str, instance: Any, inputs: Mapping[str, Any]) -> None:  # noqa: ARG002
                recorder._evaluated = True
                if (inputs.get("callback_metadata") or {}).get("disable_logging"):
                    quiet.add(call_id)  # a glance at a few examples, on the way to a candidate
                else:
                    recorder._report(_Began(call_id))

            def on_evaluate_end(self, call_id: str, outputs: Any, exception: BaseException | None = None) -> None:
                if call_id in quiet:
                    quiet.discard(call_id)
                elif exception is None:
                    recorder._report(_of_evaluation(call_id, outputs))
                elif not isinstance(exception, Interrupted):
                    recorder._report(_Ended(call_id, {}, text_of(exception)))

        return Evaluations()

    def answered(self, result: Any) -> None:
        """Takes in what the metric has said of one answer; called from any thread."""
        self._seen.add(result)

    async def close(self, *, complete: bool) -> None:
        """Tells what is still to be told, and ends.

        Args:
            complete: Whether the compilation has come to its end: one that has evaluated no candidate is a trial then,
                by what the metric has said of the answers that it has seen.
        """
        if complete and not self._evaluated and self._seen.count:
            metrics = {"score": self._seen.percentage, "examples": float(self._seen.count)}
            self._events.put_nowait(_Ended("", metrics))
        self._events.put_nowait(None)
        _, unfinished = await asyncio.wait([self._task], timeout=_PATIENCE_S)
        if unfinished:  # other clients have all trials of the run in hand, and do not tell
            _log.warning("not every trial could be told")
            self._task.cancel()

    def _report(self, event: _Began | _Ended) -> None:
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is to be told
            self._loop.call_soon_threadsafe(self._events.put_nowait, event)

    async def _serve(self) -> None:
        while (event := await self._events.get()) is not None:
            try:
                await self._take(event)
            except CoilyardError as error:
                level = logging.DEBUG if self._has_warned else logging.WARNING
                self._has_warned = True
                _log.log(level, "a trial could not be told: %s", error)

    async def _take(self, event: _Began | _Ended) -> None:
        if isinstance(event, _Began):
            if self._in_hand is None:
                trial = await self._trials.ask(self._values)
                self._in_hand = None if trial is None else (event.call_id, trial)
            return
        if self._in_hand is not None and self._in_hand[0] == event.call_id:
            trial, self._in_hand = self._in_hand[1], None
        else:
            trial = await self._trials.ask(self._values)
        if trial is None:  # the run is over
            return
        if event.error:
            await self._trials.fail(trial, event.error)
        else:
            await self._trials.tell(trial, event.metrics, score=event.metrics["score"])


class _Answers:
    """What a metric has said of answers, on average."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._sum = 0.0
        self.count = 0

    @property
    def percentage(self) -> float:
        return round(100 * self._sum / self.count, 2)

    def add(self, result: Any) -> None:
        score = _number(getattr(result, "score", result))
        if score is not None:
            with self._lock:
                self._sum += score
                self.count += 1


def _of_evaluation(call_id: str, outputs: Any) -> _Ended:
    score = _number(getattr(outputs, "score", None))
    if score is None:
        return _Ended(call_id, {}, f"the score is no finite number: {getattr(outputs, 'score', None)!r:.80}")
    return _Ended(call_id, {"score": score, "examples": float(len(outputs.results))})


def _number(value: Any) -> float | None:
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def text_of(error: BaseException) -> str:
    """What is told of an error."""
    return f"{type(error).__name__}: {error}"[:_MOST_TEXT]
