"""Modules that a variable names, against the real gateway and DSPy itself; only the language model is none."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from typing import Any

import dspy
import pytest

import coilyard
from coilyard import BaseOptimizer, ModuleVariableResolver, OptimizationDone, SessionContext
from support.local_lm import AsyncLocalLM

pytestmark = [pytest.mark.asyncio, pytest.mark.gateway, pytest.mark.dspy]


def answer(field: str, prompt: str, settings: dict[str, Any]) -> str:
    return {"next_tool_name": "finish", "next_tool_args": "{}", "next_thought": "done"}.get(field, f"the {field}")


@pytest.fixture(autouse=True)
def model() -> Iterator[AsyncLocalLM]:
    lm = AsyncLocalLM(answer, temperature=0.1)
    with dspy.context(lm=lm, disable_history=True, trace=[]):
        yield lm


async def a_strategy(session: SessionContext, value: str = "Predict", **options: Any) -> ModuleVariableResolver:
    await session.register_variable("strategy", "module", value, **options)
    return ModuleVariableResolver(session)


async def test_the_next_call_runs_what_the_variable_names_by_then(
    session: SessionContext, other: SessionContext
) -> None:
    resolver = await a_strategy(session)
    qa = await resolver.create_module("strategy", "question -> answer")
    assert (type(qa.module), qa.strategy, qa.version) == (dspy.Predict, "Predict", 0)
    first = await qa.forward(question="?")
    assert (first.answer, hasattr(first, "reasoning")) == ("the answer", False)
    await session.set_variable("strategy", "ChainOfThought")
    second = await qa.acall(question="?")
    assert (second.reasoning, second.answer) == ("the reasoning", "the answer")
    assert (type(qa.module), qa.strategy, qa.version) == (dspy.ChainOfThought, "ChainOfThought", 1)
    await session.set_variable("strategy", "ReAct")
    third = await qa(question="?")
    assert (type(qa.module), third.answer) == (dspy.ReAct, "the answer")
    thought = qa.module
    await session.set_variable("strategy", "Predict")
    await qa(question="?")
    await session.set_variable("strategy", "ReAct")
    await qa(question="?")
    assert qa.module is thought, "built once"


async def test_a_pinned_module_stays_what_it_was(session: SessionContext) -> None:
    resolver = await a_strategy(session)
    qa = await resolver.create_module("strategy", "question -> answer", pinned=True)
    await session.set_variable("strategy", "ChainOfThought")
    await qa(question="?")
    assert qa.strategy == "Predict"
    await qa.refresh()
    assert qa.strategy == "ChainOfThought"


async def test_each_module_takes_the_options_that_mean_something_to_it(
    session: SessionContext, model: AsyncLocalLM
) -> None:
    def lookup(key: str) -> str:
        """Looks something up."""
        return key

    resolver = await a_strategy(session)
    options = {"temperature": 0.6, "max_iters": 3}
    qa = await resolver.create_module("strategy", "question -> answer", tools=[lookup], **options)
    await qa(question="?")
    assert model.asked[-1]["temperature"] == 0.6
    await session.set_variable("strategy", "ReAct")
    await qa(question="?")
    assert (qa.module.max_iters, "lookup" in qa.module.tools) == (3, True)


async def test_a_factory_of_ones_own_goes_by_its_name(session: SessionContext) -> None:
    resolver = await a_strategy(session, "Careful", constraints={"choices": ["Careful", "Broken", "Predict"]})
    made: list[Any] = []

    def careful(signature: str, **options: Any) -> dspy.Module:
        made.append((signature, options))
        return dspy.ChainOfThought(signature)

    with pytest.raises(coilyard.ModuleNotFound, match="Careful"):
        await resolver.create_module("strategy", "question -> answer")
    resolver.register_module("Careful", careful)
    resolver.register_module("Broken", lambda signature: 5)
    qa = await resolver.create_module("strategy", "question -> answer", depth=2)
    assert (await qa(question="?")).reasoning == "the reasoning"
    assert made == [("question -> answer", {"depth": 2})]
    await session.set_variable("strategy", "Broken")
    with pytest.raises(TypeError, match="Broken"):
        await (await resolver.create_module("strategy", "q -> a"))(question="?")


async def test_a_module_that_runs_in_a_thread_is_awaited_too(session: SessionContext) -> None:
    class Slow(dspy.Module):
        def forward(self, question: str) -> Any:
            return dspy.Prediction(answer=question.upper())

    resolver = await a_strategy(session, "Slow")
    resolver.register_module("Slow", lambda signature: Slow())
    assert (await (await resolver.create_module("strategy", "q -> a"))(question="why")).answer == "WHY"


async def test_what_is_no_module_is_refused_with_the_kind_that_one_expects(session: SessionContext) -> None:
    resolver = await a_strategy(session)
    await session.register_variable("number", "integer", 1)
    with pytest.raises(KeyError, match="nothing"):
        await resolver.create_module("nothing", "question -> answer")
    with pytest.raises(TypeError, match="of type module, 'number' is a integer"):
        await resolver.create_module("number", "question -> answer")
    for signature in ("no arrow", "a -> b -> c", "q -> a: no_such_type"):
        with pytest.raises(ValueError):
            await resolver.create_module("strategy", signature)
    for wrong in (
        {"variable": 5}, {"signature": None}, {"tools": "lookup"}, {"tools": [5]}, {"pinned": 1},
        {"interpreter_factory": 5},
    ):  # fmt: skip
        with pytest.raises(TypeError, match=next(iter(wrong))):
            await resolver.create_module(**{"variable": "strategy", "signature": "q -> a", **wrong})
    for wrong_session in (None, "session", session.cache):
        with pytest.raises(TypeError, match="session"):
            ModuleVariableResolver(wrong_session)
    with pytest.raises(TypeError, match="factory"):
        resolver.register_module("x", 5)
    qa = await resolver.create_module("strategy", "question -> answer")
    await session.set_variable("strategy", "os.system")
    with pytest.raises(coilyard.ModuleNotFound, match=r"known are .*Predict"):
        await qa(question="?")
    await session.set_variable("strategy", "Predict")
    assert (await qa(question="?")).answer == "the answer"


async def test_many_calls_at_once_build_a_module_once(session: SessionContext) -> None:
    resolver = await a_strategy(session, "Counted")
    made: list[str] = []

    def counted(signature: str) -> dspy.Module:
        made.append(signature)
        return dspy.Predict(signature)

    resolver.register_module("Counted", counted)
    resolver.register_module("Other", counted)
    qa = await resolver.create_module("strategy", "question -> answer")
    await session.set_variable("strategy", "Other")
    await asyncio.gather(*(qa(question="?") for _ in range(10)))
    assert len(made) == 2


async def test_an_optimizer_is_whatever_can_be_asked_and_told() -> None:
    class Mine:
        def ask(self) -> int:
            raise OptimizationDone

        def tell(self, value: Any, metrics: Any, score: float) -> None: ...

    assert isinstance(Mine(), BaseOptimizer)
    assert not isinstance(object(), BaseOptimizer)
    assert issubclass(OptimizationDone, Exception)
    assert not issubclass(OptimizationDone, StopIteration)
