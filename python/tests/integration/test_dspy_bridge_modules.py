"""Variables for the parameters of DSPy's modules, against the real gateway; only the language model is none."""

from __future__ import annotations

import asyncio
import gc
import threading
from collections.abc import Iterator
from typing import Any

import dspy
import pytest

import coilyard
from coilyard import DSPyOptimizationBridge, SessionContext
from support.local_lm import AsyncLocalLM, LocalLM
from support.manual_clock import settle

pytestmark = [pytest.mark.asyncio, pytest.mark.gateway, pytest.mark.dspy]


def answer(field: str, prompt: str, settings: dict[str, Any]) -> str:
    return f"the {field}"


@pytest.fixture(autouse=True)
def model() -> Iterator[AsyncLocalLM]:
    lm = AsyncLocalLM(answer, temperature=0.1)
    with dspy.context(lm=lm, disable_history=True, trace=[]):
        yield lm


async def test_the_example_of_the_document(session: SessionContext, other: SessionContext, model: AsyncLocalLM) -> None:
    bridge = DSPyOptimizationBridge(session)
    assert bridge.session_context is session
    cot = dspy.ChainOfThought("question -> answer")
    mappings = await bridge.sync_dspy_parameters(cot, variable_prefix="cot_")
    assert mappings == {"predict.temperature": "cot_temperature", "predict.max_tokens": "cot_max_tokens"}
    described = await session.get_variables(list(mappings.values()), include_metadata=True)
    assert [(item["type"], item["value"], item["constraints"]) for item in described.values()] == [
        ("float", 0.1, {"min": 0.0, "max": 2.0}),
        ("integer", 1024, {"min": 1}),
    ]
    assert described["cot_temperature"]["metadata"]["dspy_parameter"] == "predict.temperature"
    with pytest.raises(ValueError, match="above maximum 2"):
        await session.set_variable("cot_temperature", 2.5)
    await other.update_variables({"cot_temperature": 1.5, "cot_max_tokens": 99})
    await session.get_variable("cot_temperature", bypass_cache=True)
    assert (await bridge.execute(cot, question="?")).answer == "the answer"
    assert (model.asked[-1]["temperature"], model.asked[-1]["max_tokens"]) == (1.5, 99)
    assert cot.predict.config == {}, "the module itself stays as it is"


async def test_syncing_again_adopts_what_there_is(session: SessionContext, other: SessionContext) -> None:
    cot = dspy.ChainOfThought("question -> answer")
    first = await DSPyOptimizationBridge(session).sync_dspy_parameters(cot, "cot_")
    await session.set_variable("cot_temperature", 1.0)
    bridge = DSPyOptimizationBridge(other)
    twin = dspy.ChainOfThought("question -> answer", temperature=0.4, top_p=0.5)
    again = await bridge.sync_dspy_parameters(twin, "cot_")
    assert again == {**first, "predict.top_p": "cot_top_p"}
    assert await bridge.apply(twin) == {"cot_temperature": 1.0, "cot_max_tokens": 1024, "cot_top_p": 0.5}
    assert twin.predict.config == {"temperature": 1.0, "max_tokens": 1024, "top_p": 0.5}
    assert [item["version"] for item in await other.list_variables(pattern="cot_*")] == [1, 0, 0]


async def test_many_that_sync_at_once_share_the_variables(session: SessionContext, other: SessionContext) -> None:
    bridges = [DSPyOptimizationBridge(context) for context in (session, other)] * 3
    found = await asyncio.gather(
        *(bridge.sync_dspy_parameters(dspy.Predict("question -> answer"), "shared.") for bridge in bridges)
    )
    assert all(
        names == {"self.temperature": "shared.temperature", "self.max_tokens": "shared.max_tokens"} for names in found
    )
    assert len(await session.list_variables()) == 2


async def test_a_variable_of_another_type_is_refused_by_name_and_nothing_is_registered(session: SessionContext) -> None:
    await session.register_variable("cot_max_tokens", "string", "many")
    bridge = DSPyOptimizationBridge(session)
    cot = dspy.ChainOfThought("question -> answer")
    with pytest.raises(
        TypeError, match=r"'cot_max_tokens' exists with the type string.*predict\.max_tokens"
    ) as refused:
        await bridge.sync_dspy_parameters(cot, "cot_")
    assert isinstance(refused.value, coilyard.ValidationFailed)
    assert [item["name"] for item in await session.list_variables()] == ["cot_max_tokens"]
    with pytest.raises(ValueError, match="sync_dspy_parameters"):
        await bridge.execute(cot, question="?")


async def test_what_cannot_be_is_refused(session: SessionContext) -> None:
    bridge = DSPyOptimizationBridge(session)
    with pytest.raises(TypeError, match=r"dspy_module: expected a dspy\.Module"):
        await bridge.sync_dspy_parameters("question -> answer")
    with pytest.raises(TypeError, match="variable_prefix"):
        await bridge.sync_dspy_parameters(dspy.Predict("a -> b"), 5)
    with pytest.raises(ValueError, match="temperature"):
        await bridge.sync_dspy_parameters(dspy.Predict("a -> b", temperature=3.0))
    with pytest.raises(TypeError, match="session_context"):
        DSPyOptimizationBridge("session")
    assert await bridge.sync_dspy_parameters(dspy.Module()) == {}


async def test_a_variable_that_is_gone_is_missed_by_name(session: SessionContext) -> None:
    bridge = DSPyOptimizationBridge(session)
    module = dspy.Predict("question -> answer")
    await bridge.sync_dspy_parameters(module)
    await session.delete_variable("max_tokens")
    with pytest.raises(KeyError, match=r"'max_tokens' does not exist.*self\.max_tokens"):
        await bridge.execute(module, question="?")
    await bridge.sync_dspy_parameters(module)
    assert (await bridge.execute(module, question="?")).answer == "the answer"


class Chain(dspy.Module):
    """Asks twice, and lets others in between."""

    def __init__(self) -> None:
        super().__init__()
        self.first = dspy.Predict("question -> draft")
        self.second = dspy.Predict("draft -> answer")
        self.entered = asyncio.Event()
        self.go_on = asyncio.Event()

    async def aforward(self, question: str) -> Any:
        draft = (await self.first.acall(question=question)).draft
        self.entered.set()
        await self.go_on.wait()
        return await self.second.acall(draft=draft)


async def test_executions_at_the_same_time_do_not_see_each_others_values(
    session: SessionContext, model: AsyncLocalLM
) -> None:
    bridge, chain = DSPyOptimizationBridge(session), Chain()
    await bridge.sync_dspy_parameters(chain)
    await session.update_variables({"first_temperature": 0.2, "second_temperature": 0.2})
    early = asyncio.create_task(bridge.execute(chain, question="early"))
    await chain.entered.wait()
    chain.entered.clear()
    await session.update_variables({"first_temperature": 1.2, "second_temperature": 1.2})
    late = asyncio.create_task(bridge.execute(chain, question="late"))
    await chain.entered.wait()
    chain.go_on.set()
    await early
    await late
    assert [asked["temperature"] for asked in model.asked] == [0.2, 1.2, 0.2, 1.2]


async def test_a_module_or_a_model_that_cannot_be_awaited_runs_in_a_thread(session: SessionContext) -> None:
    class Shouting(dspy.Module):
        def __init__(self) -> None:
            super().__init__()
            self.ask = dspy.Predict("question -> answer")
            self.threads: list[str] = []

        def forward(self, question: str) -> Any:
            self.threads.append(threading.current_thread().name)
            return dspy.Prediction(answer=self.ask(question=question).answer.upper())

    bridge, module = DSPyOptimizationBridge(session), Shouting()
    await bridge.sync_dspy_parameters(module)
    await session.set_variable("temperature", 0.5)
    assert (await bridge.execute(module, question="?")).answer == "THE ANSWER"
    assert module.threads[0].startswith("coilyard-dspy")
    plain = LocalLM(answer)
    predict = dspy.Predict("question -> answer")
    await bridge.sync_dspy_parameters(predict)
    with dspy.context(lm=plain):
        assert (await bridge.execute(predict, question="?")).answer == "the answer"
    assert plain.asked[-1]["temperature"] == 0.5


async def test_an_error_of_a_module_is_its_own(session: SessionContext) -> None:
    class Broken(dspy.Module):
        def forward(self, kind: type[Exception]) -> Any:
            raise kind("no")

    bridge, module = DSPyOptimizationBridge(session), Broken()
    await bridge.sync_dspy_parameters(module)
    with pytest.raises(LookupError, match="no"):
        await bridge.execute(module, kind=LookupError)
    with pytest.raises(RuntimeError, match="StopIteration"):
        await bridge.execute(module, kind=StopIteration)


async def test_a_cancelled_execution_asks_no_more(session: SessionContext) -> None:
    started, go_on = threading.Event(), threading.Event()

    def slowly(field: str, prompt: str, settings: dict[str, Any]) -> str:
        started.set()
        assert go_on.wait(60)
        return field

    class Twice(dspy.Module):
        def __init__(self) -> None:
            super().__init__()
            self.ask = dspy.Predict("question -> answer")

        def forward(self, question: str) -> Any:
            self.ask(question=question)
            return self.ask(question=question)

    bridge, module, model = DSPyOptimizationBridge(session), Twice(), LocalLM(slowly)
    await bridge.sync_dspy_parameters(module)
    with dspy.context(lm=model):
        running = asyncio.create_task(bridge.execute(module, question="?"))
        assert await asyncio.to_thread(started.wait, 60)
        running.cancel()
        running.cancel()
        await settle()
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await running
    assert len(model.asked) == 1
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("coilyard-dspy")]


async def test_instructions_and_demonstrations_follow_their_variables(
    session: SessionContext, model: AsyncLocalLM
) -> None:
    bridge, module = DSPyOptimizationBridge(session), dspy.Predict(dspy.Signature("question -> answer", "Be brief."))
    names = await bridge.sync_dspy_parameters(module, "qa_", instructions=True, demos=True)
    assert names["self.instructions"] == "qa_instructions"
    assert await session.get_variables(["qa_instructions", "qa_demos"]) == {
        "qa_instructions": "Be brief.",
        "qa_demos": [],
    }
    prompts: list[str] = []
    model.answer = lambda field, prompt, settings: prompts.append(prompt) or "yes"
    await session.set_variable("qa_demos", [{"question": "Is it?", "answer": "it is"}])
    await session.set_variable("qa_instructions", "Sing.")
    await bridge.apply(module)
    assert (module.signature.instructions, module.demos[0].answer) == ("Sing.", "it is")
    await bridge.execute(module, question="Was it?")
    assert len(prompts) == 1


async def test_a_module_that_is_gone_is_forgotten(session: SessionContext) -> None:
    bridge = DSPyOptimizationBridge(session)
    module = dspy.Predict("question -> answer")
    await bridge.sync_dspy_parameters(module)
    assert len(bridge._synced) == 1
    del module
    gc.collect()
    assert len(bridge._synced) == 0
