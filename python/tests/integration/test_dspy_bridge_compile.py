"""Optimizers of DSPy whose settings are variables, against the real gateway; only the language model is none."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from typing import Any

import dspy
import pytest
from dspy.teleprompt import BootstrapFewShot, BootstrapFewShotWithRandomSearch, LabeledFewShot

import coilyard
from coilyard import DSPyOptimizationBridge, SessionContext
from support.dspy_task import TRAIN, Held, accuracy_metric, repeats, threads_of_the_bridge
from support.local_lm import LocalLM
from support.manual_clock import settle

pytestmark = [pytest.mark.asyncio, pytest.mark.gateway, pytest.mark.dspy]


@pytest.fixture(autouse=True)
def model() -> Iterator[LocalLM]:
    lm = LocalLM(repeats, temperature=0.1)
    with dspy.context(lm=lm, disable_history=True, trace=[], num_threads=1):
        yield lm


@pytest.fixture
def bridge(session: SessionContext) -> DSPyOptimizationBridge:
    return DSPyOptimizationBridge(session)


async def the_variables_of_the_document(session: SessionContext) -> None:
    await session.register_variables(
        [
            {"name": "temperature", "type": "float", "initial_value": 0.7, "constraints": {"min": 0.0, "max": 2.0}},
            {"name": "max_demos", "type": "integer", "initial_value": 2, "constraints": {"min": 0, "max": 8}},
        ]
    )


async def the_optimizer_of_the_document(bridge: DSPyOptimizationBridge, metric: Any = accuracy_metric) -> Any:
    return await bridge.create_variable_aware_optimizer(
        BootstrapFewShot,
        variable_mappings={
            "teacher_temperature": "temperature",
            "max_bootstrapped_demos": "max_demos",
        },
        metric=metric,
    )


async def test_the_example_of_the_document(
    session: SessionContext, bridge: DSPyOptimizationBridge, model: LocalLM
) -> None:
    await the_variables_of_the_document(session)
    optimizer = await the_optimizer_of_the_document(bridge)
    student = dspy.ChainOfThought("question -> answer")
    optimized_program = await optimizer.compile(student, trainset=TRAIN)
    assert [demo.get("augmented") for demo in optimized_program.predict.demos].count(True) == 2
    assert {asked["temperature"] for asked in model.asked} == {0.7}
    assert (optimizer.session_context, optimizer.optimizer.max_bootstrapped_demos) == (session, 2)
    assert optimizer.variable_mappings == {"teacher_temperature": "temperature", "max_bootstrapped_demos": "max_demos"}
    assert optimized_program(question="5").answer == "5"
    assert await session.get_variables(["temperature", "max_demos"]) == {"temperature": 0.7, "max_demos": 2}
    for variable in ("temperature", "max_demos"):
        status = await session.get_optimization_status(variable)
        assert (status["is_optimizing"], status["reason"], status["optimizer_type"]) == (
            False,
            "exhausted",
            "BootstrapFewShot",
        )
        (trial,) = await session.get_optimization_history(variable)
        assert trial["metrics"] == {"score": 100.0, "examples": 2.0}, "of the answers that the metric has seen"
    assert optimizer.status == status
    (entry,) = await session.get_variable_history("max_demos", limit=1)
    assert (entry["metadata"]["source"], entry["metadata"]["metrics"]["score"]) == ("optimizer", 100.0)
    assert threads_of_the_bridge() == []


async def test_the_next_compilation_reads_the_variables_anew(
    session: SessionContext, other: SessionContext, bridge: DSPyOptimizationBridge, model: LocalLM
) -> None:
    await the_variables_of_the_document(session)
    optimizer = await the_optimizer_of_the_document(bridge)
    student = dspy.Predict("question -> answer")
    first = await optimizer.compile(student, trainset=TRAIN)
    await other.update_variables({"temperature": 1.5, "max_demos": 5})
    model.asked.clear()
    second = await optimizer.compile(first, trainset=TRAIN)  # which was compiled before
    found = [[demo.get("augmented") for demo in program.demos].count(True) for program in (first, second)]
    assert found == [2, 5]
    assert {asked["temperature"] for asked in model.asked} == {1.5}
    assert (first._compiled, second._compiled, first is second) == (True, True, False)


async def test_every_candidate_that_is_evaluated_is_a_trial(
    session: SessionContext, bridge: DSPyOptimizationBridge
) -> None:
    await session.register_variables(
        [
            {"name": "candidates", "type": "integer", "initial_value": 2},
            {"name": "demos", "type": "integer", "initial_value": 3},
        ]
    )
    optimizer = await bridge.create_variable_aware_optimizer(
        BootstrapFewShotWithRandomSearch,
        {"num_candidate_programs": "candidates", "max_bootstrapped_demos": "demos"},
        metric=accuracy_metric,
        num_threads=1,
    )
    program = await optimizer.compile(dspy.Predict("question -> answer"), trainset=TRAIN[:4], valset=TRAIN[4:])
    assert len(program.candidate_programs) == 5
    for variable, value in (("candidates", 2), ("demos", 3)):
        history = await session.get_optimization_history(variable)
        assert [entry["score"] for entry in history] == [100.0] * 5
        assert [entry["iteration"] for entry in history] == [1, 2, 3, 4, 5]
        assert all(entry["metrics"] == {"score": 100.0, "examples": 4.0} for entry in history)
        assert [entry["value"] for entry in history] == [value] * 5
    status = await session.get_optimization_status("demos")
    assert (status["best_score"], status["reason"]) == (100.0, "exhausted")


async def test_a_locked_variable_is_refused_before_anything_is_compiled(
    session: SessionContext, bridge: DSPyOptimizationBridge, model: LocalLM
) -> None:
    await the_variables_of_the_document(session)
    held = model.answer = Held()
    optimizer = await the_optimizer_of_the_document(bridge)
    student = dspy.Predict("question -> answer")
    running = asyncio.create_task(optimizer.compile(student, trainset=TRAIN))
    assert await asyncio.to_thread(held.started.wait, 60)
    assert (await session.get_optimization_status("max_demos"))["is_optimizing"]
    labeled = await bridge.create_variable_aware_optimizer(LabeledFewShot, {"k": "max_demos"})
    with pytest.raises(coilyard.AlreadyOptimizing, match="max_demos"):
        await labeled.compile(student, trainset=TRAIN)
    assert labeled.optimizer is None
    held.go_on.set()
    await running
    assert len((await labeled.compile(student, trainset=TRAIN)).demos) == 2


async def test_cancelling_ends_the_work_and_frees_the_variables(
    session: SessionContext, bridge: DSPyOptimizationBridge, model: LocalLM
) -> None:
    await the_variables_of_the_document(session)
    held = model.answer = Held()
    optimizer = await the_optimizer_of_the_document(bridge)
    running = asyncio.create_task(optimizer.compile(dspy.Predict("question -> answer"), trainset=TRAIN))
    assert await asyncio.to_thread(held.started.wait, 60)
    running.cancel()
    await settle()
    held.go_on.set()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (len(model.asked), threads_of_the_bridge()) == (1, [])
    status = await session.get_optimization_status("temperature")
    assert (status["is_optimizing"], status["reason"]) == (False, "stopped")
    model.answer = repeats
    await optimizer.compile(dspy.Predict("question -> answer"), trainset=TRAIN)


async def test_cancelling_at_any_moment_leaves_nothing_held(
    session: SessionContext, bridge: DSPyOptimizationBridge
) -> None:
    await the_variables_of_the_document(session)
    optimizer = await the_optimizer_of_the_document(bridge)
    cancelled = 0
    for turns in range(0, 60, 3):
        running = asyncio.create_task(optimizer.compile(dspy.Predict("question -> answer"), trainset=TRAIN))
        for _ in range(turns):
            await asyncio.sleep(0)
        running.cancel()
        await asyncio.wait([running])
        cancelled += running.cancelled()
        assert not (await session.get_optimization_status("temperature"))["is_optimizing"]
    assert cancelled > 3
    assert threads_of_the_bridge() == []


async def test_somebody_elses_stop_ends_the_compilation(
    session: SessionContext, other: SessionContext, bridge: DSPyOptimizationBridge
) -> None:
    await session.register_variable("breadth", "integer", 2)
    loop, entered = asyncio.get_running_loop(), asyncio.Event()
    over = threading.Event()

    def metric(example: Any, prediction: Any, trace: Any = None) -> bool:
        loop.call_soon_threadsafe(entered.set)
        return not over.wait(0.001)

    optimizer = await bridge.create_variable_aware_optimizer(
        BootstrapFewShotWithRandomSearch, {"num_candidate_programs": "breadth"}, metric=metric, stop_at_score=101
    )
    endless = [example for example in TRAIN for _ in range(1000)]
    running = asyncio.create_task(optimizer.compile(dspy.Predict("question -> answer"), trainset=endless))
    await entered.wait()
    await other.stop_optimization("breadth")
    with pytest.raises(coilyard.NotOptimizing, match="BootstrapFewShotWithRandomSearch"):
        await running
    assert threads_of_the_bridge() == []


async def test_a_run_that_is_lost_does_not_cost_the_program(
    session: SessionContext, other: SessionContext, bridge: DSPyOptimizationBridge, caplog: pytest.LogCaptureFixture
) -> None:
    await session.register_variable("k", "integer", 3)
    student = dspy.Predict("question -> answer")
    await bridge.sync_dspy_parameters(student, demos=True)
    loop, ends = asyncio.get_running_loop(), False

    class Ending(LabeledFewShot):
        def compile(self, student: Any, *, trainset: Any) -> Any:
            if ends:
                asyncio.run_coroutine_threadsafe(other.stop(), loop).result(60)
            return super().compile(student, trainset=trainset)

    optimizer = await bridge.create_variable_aware_optimizer(Ending, {"k": "k"})
    await optimizer.compile(dspy.Predict("question -> answer"), trainset=TRAIN)
    assert optimizer.status["reason"] == "exhausted"
    ends = True
    assert len((await optimizer.compile(student, trainset=TRAIN)).demos) == 3
    assert "demos is in the compiled program only" in caplog.text
    assert optimizer.status is None, "how it ended is not known, and how the one before did says nothing of it"


async def test_an_error_ends_the_run_as_failed_and_is_raised(
    session: SessionContext, bridge: DSPyOptimizationBridge
) -> None:
    await the_variables_of_the_document(session)

    def broken(example: Any, prediction: Any, trace: Any = None) -> bool:
        raise LookupError("no such label")

    optimizer = await the_optimizer_of_the_document(bridge, broken)
    with dspy.context(max_errors=1), pytest.raises(LookupError, match="no such label"):
        await optimizer.compile(dspy.Predict("question -> answer"), trainset=TRAIN)
    status = await session.get_optimization_status("max_demos")
    assert (status["reason"], status["error"]) == ("failed", "LookupError: no such label")
    assert (await session.get_variables(["max_demos"], include_metadata=True))["max_demos"]["version"] == 0


async def test_what_is_wrong_is_said_when_the_optimizer_is_made(
    session: SessionContext, bridge: DSPyOptimizationBridge
) -> None:
    await the_variables_of_the_document(session)
    make = bridge.create_variable_aware_optimizer
    with pytest.raises(ValueError, match="BootstrapFewShot has no parameter 'max_demos'; there are metric"):
        await make(BootstrapFewShot, {"max_demos": "max_demos"}, metric=accuracy_metric)
    with pytest.raises(KeyError, match="'nothing' does not exist"):
        await make(BootstrapFewShot, {"max_rounds": "nothing"}, metric=accuracy_metric)
    with pytest.raises(TypeError, match="variable 'temperature', for max_rounds: expected int"):
        await make(BootstrapFewShot, {"max_rounds": "temperature"}, metric=accuracy_metric)
    with pytest.raises(TypeError, match="variable_mappings"):
        await make(BootstrapFewShot, ["temperature"], metric=accuracy_metric)
    optimizer = await make(LabeledFewShot, {"k": "max_demos"})
    with pytest.raises(TypeError, match=r"student: expected a dspy\.Module"):
        await optimizer.compile("question -> answer", trainset=TRAIN)
    with pytest.raises(TypeError, match="trainset"):
        await optimizer.compile(dspy.Predict("question -> answer"))
    assert not (await session.get_optimization_status("max_demos"))["is_optimizing"]
    await session.delete_variable("max_demos")
    with pytest.raises(KeyError, match="max_demos"):
        await optimizer.compile(dspy.Predict("question -> answer"), trainset=TRAIN)


async def test_an_id_stands_for_its_variable(session: SessionContext, bridge: DSPyOptimizationBridge) -> None:
    variable = await session.register_variable("k", "integer", 3)
    optimizer = await bridge.create_variable_aware_optimizer(LabeledFewShot, {"k": variable})
    assert optimizer.variable_mappings == {"k": "k"}
    assert len((await optimizer.compile(dspy.Predict("question -> answer"), trainset=TRAIN)).demos) == 3


async def test_without_variables_it_is_an_optimizer_that_can_be_awaited(bridge: DSPyOptimizationBridge) -> None:
    optimizer = await bridge.create_variable_aware_optimizer(LabeledFewShot, {}, k=1)
    assert len((await optimizer.compile(dspy.Predict("question -> answer"), trainset=TRAIN)).demos) == 1


async def test_what_an_optimizer_finds_becomes_the_value_of_the_variables_of_its_student(
    session: SessionContext, other: SessionContext, bridge: DSPyOptimizationBridge, model: LocalLM
) -> None:
    await the_variables_of_the_document(session)
    student = dspy.Predict("question -> answer")
    await bridge.sync_dspy_parameters(student, "qa_", demos=True, instructions=True)
    await session.set_variable("qa_temperature", 1.1)
    optimizer = await the_optimizer_of_the_document(bridge)
    program = await optimizer.compile(student, trainset=TRAIN)
    published = await other.get_variable("qa_demos", bypass_cache=True)
    assert published == [demo.toDict() for demo in program.demos]
    (entry,) = await session.get_variable_history("qa_demos", limit=1)
    assert entry["metadata"] == {
        "source": "optimizer",
        "optimizer": "BootstrapFewShot",
        "optimizer_id": optimizer.status["optimization_id"],
        "best_score": 100.0,
    }
    assert len(await session.get_variable_history("qa_instructions")) == 1, "nothing was found for it"
    elsewhere = DSPyOptimizationBridge(other)
    twin = dspy.Predict("question -> answer")
    await elsewhere.sync_dspy_parameters(twin, "qa_", demos=True, instructions=True)
    await elsewhere.apply(twin)
    assert [demo.toDict() for demo in twin.demos] == published
    model.asked.clear()
    await session.set_variable("qa_temperature", 0.3)
    assert (await bridge.execute(program, question="7")).answer == "7"
    assert model.asked[-1]["temperature"] == 0.3


async def test_what_others_wrote_meanwhile_is_not_overwritten(
    session: SessionContext, other: SessionContext, bridge: DSPyOptimizationBridge, caplog: pytest.LogCaptureFixture
) -> None:
    await session.register_variable("k", "integer", 3)
    student = dspy.Predict("question -> answer")
    await bridge.sync_dspy_parameters(student, "qa_", demos=True)
    loop = asyncio.get_running_loop()
    mine = [{"question": "mine", "answer": "mine"}]

    class Interfering(LabeledFewShot):
        def compile(self, student: Any, *, trainset: Any) -> Any:
            writing = asyncio.run_coroutine_threadsafe(other.update_variables({"qa_demos": mine, "k": 4}), loop)
            writing.result(60)
            return super().compile(student, trainset=trainset)

    optimizer = await bridge.create_variable_aware_optimizer(Interfering, {"k": "k"})
    program = await optimizer.compile(student, trainset=TRAIN)
    assert len(program.demos) == 3
    assert await session.get_variables(["qa_demos", "k"], bypass_cache=True) == {"qa_demos": mine, "k": 4}
    assert "qa_demos" in caplog.text
