"""Work of DSPy in threads: what it inherits, how it ends, and what it tells of its trials."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import dspy
import pytest

from coilyard import AlreadyOptimizing
from coilyard._dspy_bridge.threads import Interrupted, Interruption, run_in_thread
from coilyard._dspy_bridge.trials import Recorder
from support.local_lm import LocalLM
from support.manual_clock import settle, until

pytestmark = [pytest.mark.asyncio, pytest.mark.dspy]

EXAMPLES = [dspy.Example(question=str(index), answer="answer").with_inputs("question") for index in range(12)]


def metric(example: Any, prediction: Any, trace: Any = None) -> bool:
    return bool(prediction.answer == example.answer)


def is_answer(field: str, prompt: str, settings: dict[str, Any]) -> str:
    return "answer"


def ours() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name.startswith("coilyard-dspy")]


def pools() -> set[threading.Thread]:
    """The threads of DSPy's own pools."""
    return {thread for thread in threading.enumerate() if thread.name.startswith("ThreadPoolExecutor")}


async def test_a_thread_inherits_the_settings_of_its_caller() -> None:
    model, heard = LocalLM(is_answer), list[str]()

    class Listening(dspy.utils.BaseCallback):
        def on_module_start(self, call_id: str, instance: Any, inputs: Any) -> None:
            heard.append(type(instance).__name__)

    with dspy.context(lm=model, callbacks=[Listening()], trace=[], disable_history=True):
        found = await run_in_thread(dspy, lambda _: dspy.Predict("question -> answer")(question="?"))
    assert (found.answer, heard) == ("answer", ["Predict"])
    assert ours() == []


async def test_an_optimizer_that_is_a_coroutine_is_awaited() -> None:
    async def compile_later() -> str:
        return "done"

    assert await run_in_thread(dspy, lambda _: compile_later()) == "done"


async def test_a_cancellation_that_nobody_asked_for_is_an_error() -> None:
    def gives_up(_: Interruption) -> None:
        raise asyncio.CancelledError

    with pytest.raises(RuntimeError, match="CancelledError"):
        await run_in_thread(dspy, gives_up)


@pytest.mark.parametrize("num_threads", [1, 4])
async def test_cancelling_ends_the_work_of_every_thread(num_threads: int) -> None:
    """The evaluation would take 12 answers; each waits until the cancellation."""
    started, go_on = threading.Event(), threading.Event()

    def slowly(field: str, prompt: str, settings: dict[str, Any]) -> str:
        started.set()
        assert go_on.wait(60)
        return "answer"

    model = LocalLM(slowly)
    evaluate = dspy.Evaluate(devset=EXAMPLES, metric=metric, num_threads=num_threads)
    before = pools()
    with dspy.context(lm=model, trace=[], disable_history=True):
        running = asyncio.create_task(run_in_thread(dspy, lambda _: evaluate(dspy.Predict("question -> answer"))))
        assert await asyncio.to_thread(started.wait, 60)
        running.cancel()
        await settle()
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert len(model.asked) <= num_threads
    assert ours() == []
    await until(lambda: pools() <= before)


async def test_a_metric_alone_is_enough_to_be_interrupted() -> None:
    interruption, calls = Interruption(), list[int]()

    def endless(_: Interruption) -> None:
        guarded = interruption.guarding(lambda: calls.append(1))
        while True:
            guarded()
            if len(calls) == 3:
                interruption.set()

    with pytest.raises(Interrupted):
        await run_in_thread(dspy, endless, interruption=interruption)
    assert len(calls) == 3


async def test_a_guarded_metric_looks_like_the_metric() -> None:
    import inspect

    class Five:
        def __call__(self, gold: Any, pred: Any, trace: Any, name: Any, pred_trace: Any) -> float:
            return 0.5

    seen: list[Any] = []
    guarded = Interruption().guarding(Five(), seen.append)
    inspect.signature(guarded).bind(None, None, None, None, None)
    assert (guarded(1, 2, 3, 4, 5), seen) == (0.5, [0.5])
    assert Interruption().guarding(metric).__name__ == "metric"


class Told:
    """A run that writes down what it is told."""

    def __init__(self) -> None:
        self.lines: list[Any] = []
        self.number = 0
        self.is_over = False
        self.error: Exception | None = None

    async def ask(self, values: Any = None) -> int | None:
        if self.error is not None:
            raise self.error
        if self.is_over:
            return None
        self.number += 1
        self.lines.append(("ask", self.number, values))
        return self.number

    async def tell(self, trial: int, metrics: Any, *, score: float | None = None) -> None:
        self.lines.append(("tell", trial, metrics, score))

    async def fail(self, trial: int, error: str) -> None:
        self.lines.append(("fail", trial, error))


class Result:
    def __init__(self, score: Any, count: int = 2) -> None:
        self.score = score
        self.results = [None] * count


async def test_evaluations_become_trials_in_order() -> None:
    told = Told()
    recorder = Recorder(told, {"v": 1})
    heard = recorder.callback(dspy)
    heard.on_evaluate_start("a", None, {})
    heard.on_evaluate_start("b", None, {"callback_metadata": {"metric_key": "eval_full"}})
    heard.on_evaluate_start("quiet", None, {"callback_metadata": {"disable_logging": True}})
    heard.on_evaluate_end("b", Result(50.0))
    heard.on_evaluate_end("quiet", Result(100.0))
    heard.on_evaluate_end("a", None, ValueError("no"))
    heard.on_evaluate_start("c", None, {})
    heard.on_evaluate_end("c", Result(float("nan")))
    heard.on_evaluate_start("d", None, {})
    heard.on_evaluate_end("d", None, Interrupted())
    await asyncio.sleep(0)
    await recorder.close(complete=True)
    assert told.lines == [
        ("ask", 1, {"v": 1}),
        ("ask", 2, {"v": 1}),
        ("tell", 2, {"score": 50.0, "examples": 2.0}, 50.0),
        ("fail", 1, "ValueError: no"),
        ("ask", 3, {"v": 1}),
        ("fail", 3, "the score is no finite number: nan"),
        ("ask", 4, {"v": 1}),
    ]


async def test_an_optimizer_that_evaluates_nothing_is_one_trial_by_what_its_metric_said() -> None:
    told = Told()
    recorder = Recorder(told, {})
    for said in (True, False, 0.5, dspy.Prediction(score=0.5), None, "nothing"):
        recorder.answered(said)
    await recorder.close(complete=True)
    assert told.lines[1:] == [("tell", 1, {"score": 50.0, "examples": 4.0}, 50.0)]
    for complete in (True, False):
        silent = Told()
        recorder = Recorder(silent, {})
        if not complete:
            recorder.answered(True)
        await recorder.close(complete=complete)
        assert silent.lines == []


async def test_what_cannot_be_told_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    told = Told()
    told.error = AlreadyOptimizing("no")
    recorder = Recorder(told, {})
    heard = recorder.callback(dspy)
    for call_id in "abc":
        heard.on_evaluate_start(call_id, None, {})
        heard.on_evaluate_end(call_id, Result(1.0))
    await asyncio.sleep(0)
    await recorder.close(complete=True)
    assert [record.levelname for record in caplog.records] == ["WARNING"]
    told.error, told.is_over = None, True
    recorder = Recorder(told, {})
    heard = recorder.callback(dspy)
    heard.on_evaluate_end("a", Result(1.0))
    await asyncio.sleep(0)
    await recorder.close(complete=True)
    assert told.lines == []
