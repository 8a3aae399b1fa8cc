"""DSPy modules from recipes: what is built, when, and with which settings it asks its model."""

from __future__ import annotations

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Callable
from typing import Any

import dspy
import pytest
import pytest_asyncio

import coilyard
from coilyard._registry import Registry
from coilyard._worker.language_model import LanguageModels
from coilyard._worker.threads import Threads
from support.bench_worker import BenchWorker, a_module_call
from support.local_lm import AsyncLocalLM, LocalLM

pytestmark = [pytest.mark.asyncio, pytest.mark.dspy]


def echo_settings(field: str, prompt: str, settings: dict[str, Any]) -> str:
    if field == "reasoning":
        return "because"
    return ", ".join(f"{name}={settings.get(name)}" for name in ("model", "temperature", "max_tokens"))


class House:
    """A worker with a model of its own choice."""

    def __init__(self, concurrency: int = 8) -> None:
        self.registry = Registry()
        self.worker = BenchWorker(self.registry, concurrency)

    def answer_with(self, lm: Any) -> Any:
        self.worker.modules._models = FixedModel(lm)
        return lm

    async def ask(self, kind: str = "Predict", arguments: dict[str, Any] | None = None, **fields: Any) -> Any:
        return await self.worker.module(kind, {"question": "?"} if arguments is None else arguments, **fields)


class FixedModel(LanguageModels):
    def __init__(self, lm: Any) -> None:
        super().__init__({})
        self.lm = lm

    def current(self, dspy: Any) -> Any:
        return self.lm


@pytest_asyncio.fixture
async def house() -> AsyncIterator[House]:
    house = House()
    house.answer_with(AsyncLocalLM(echo_settings, temperature=0.1))
    yield house
    await house.worker.close()


@pytest.mark.parametrize("model", [LocalLM, AsyncLocalLM])
@pytest.mark.parametrize("kind", ["Predict", "ChainOfThought"])
async def test_a_recipe_answers_with_its_output_fields(house: House, kind: str, model: type[LocalLM]) -> None:
    house.answer_with(model(lambda field, prompt, settings: f"{field}!"))
    fields = await house.ask(kind, signature="question -> answer, score")
    expected = {"answer": "answer!", "score": "score!"}
    assert fields == (expected if kind == "Predict" else {"reasoning": "reasoning!", **expected})


async def test_typed_outputs_arrive_as_what_they_are(house: House) -> None:
    house.answer_with(AsyncLocalLM(lambda field, *_: {"n": "3", "tags": '["a", "b"]', "ok": "true"}[field]))
    assert await house.ask(signature="question -> n: int, tags: list[str], ok: bool") == {
        "n": 3,
        "tags": ["a", "b"],
        "ok": True,
    }


async def test_instructions_and_options_reach_the_model(house: House) -> None:
    prompts: list[str] = []

    class Recording(AsyncLocalLM):
        def forward(self, prompt: Any = None, messages: Any = None, **kwargs: Any) -> Any:
            prompts.append(str(messages))
            return super().forward(prompt, messages, **kwargs)

    house.answer_with(Recording(echo_settings))
    fields = await house.ask(instructions="Answer like a pirate.", options={"temperature": 0.9})
    assert "Answer like a pirate." in prompts[0]
    assert "temperature=0.9" in fields["answer"]


async def test_the_variables_of_the_session_are_bound_to_the_run_and_to_nothing_else(house: House) -> None:
    lm = house.worker.modules._models.current(dspy)
    tuned = await house.ask(variables={"temperature": 1.5, "max_tokens": 7, "model": "other", "unrelated": 1})
    assert tuned["answer"] == "model=other, temperature=1.5, max_tokens=7"
    plain = await house.ask(variables={"temperature": None, "model": ""})
    assert plain["answer"] == "model=local, temperature=0.1, max_tokens=None"
    assert (lm.model, lm.kwargs["temperature"], dspy.settings.lm) == ("local", 0.1, None)


async def test_runs_at_the_same_time_never_see_each_others_settings(house: House) -> None:
    class Slow(AsyncLocalLM):
        async def aforward(self, prompt: Any = None, messages: Any = None, **kwargs: Any) -> Any:
            await asyncio.sleep(0.005)
            return await super().aforward(prompt, messages, **kwargs)

    for model in (Slow(echo_settings), LocalLM(echo_settings)):
        house.answer_with(model)
        house.worker.executor._concurrency = 40
        answers = await asyncio.gather(
            *(house.ask(variables={"temperature": n / 10}, session_id=f"s{n % 4}") for n in range(40))
        )
        assert [a["answer"] for a in answers] == [
            f"model=local, temperature={n / 10}, max_tokens=None" for n in range(40)
        ]


async def test_a_module_that_carries_its_own_model_gets_the_settings_in_a_copy(house: House) -> None:
    own = AsyncLocalLM(echo_settings, model="own")

    def build() -> dspy.Module:
        program = dspy.Predict("question -> answer")
        program.lm = own
        return program

    house.registry.add_module(build, "Own")
    tuned, plain = await house.ask("Own", variables={"temperature": 0.7}), await house.ask("Own")
    assert (tuned["answer"], plain["answer"]) == (
        "model=own, temperature=0.7, max_tokens=None",
        "model=own, temperature=None, max_tokens=None",
    )


class Built:
    """A factory that keeps count."""

    def __init__(self) -> None:
        self.calls: list[dict[str, Any]] = []

    def build(self, max_demos: int, body_chars: int = 100, style: str = "plain") -> dspy.Module:
        self.calls.append({"max_demos": max_demos, "body_chars": body_chars, "style": style})
        return dspy.Predict("question -> answer")


async def test_a_declared_module_is_built_again_only_when_one_of_its_variables_changed(house: House) -> None:
    built = Built()
    house.registry.add_module(built.build, "Triage", ("max_demos", "body_chars"))
    for variables in (
        {"max_demos": 1, "temperature": 0.1},
        {"max_demos": 1, "temperature": 0.2},
        {"max_demos": 2},
        {"max_demos": 1},
        {"max_demos": 1, "body_chars": 5},
    ):
        await house.ask("Triage", variables=variables, session_id="s")
    assert [(call["max_demos"], call["body_chars"]) for call in built.calls] == [(1, 100), (2, 100), (1, 5)]
    await house.ask("Triage", variables={"max_demos": 1}, session_id="other")
    assert len(built.calls) == 4, "sessions share nothing"
    await house.ask("Triage", variables={"max_demos": 1}, session_id="s", options={"style": "terse"})
    assert built.calls[-1]["style"] == "terse"


async def test_many_first_calls_build_once(house: House) -> None:
    built = Built()
    house.registry.add_module(built.build, "Triage", ("max_demos",))
    await asyncio.gather(*(house.ask("Triage", variables={"max_demos": 1}) for _ in range(8)))
    assert len(built.calls) == 1


async def test_the_built_modules_are_bounded(house: House) -> None:
    built = Built()
    house.registry.add_module(built.build, "Triage", ("max_demos",))
    for number in range(70):
        await house.ask("Triage", variables={"max_demos": number})
    assert len(house.worker.modules._built) == 64


async def test_a_declared_module_says_what_it_misses(house: House) -> None:
    house.registry.add_module(Built().build, "Triage", ("max_demos",))
    with pytest.raises(coilyard.InvalidArgument, match="variable 'max_demos', which the session does not have"):
        await house.ask("Triage")
    with pytest.raises(coilyard.InvalidArgument, match="unexpected argument 'colour'"):
        await house.ask("Triage", variables={"max_demos": 1}, options={"colour": "red"})


async def test_a_factory_that_fails_or_returns_something_else_is_user_codes_error(house: House) -> None:
    def broken() -> dspy.Module:
        raise FileNotFoundError("demos.jsonl")

    def strange() -> Any:
        return "no module"

    house.registry.add_module(broken, "Broken")
    house.registry.add_module(strange, "Strange")
    with pytest.raises(coilyard.PythonError, match="FileNotFoundError"):
        await house.ask("Broken")
    with pytest.raises(coilyard.PythonError, match=r"which is no dspy\.Module"):
        await house.ask("Strange")


async def test_a_factory_may_take_the_parts_of_the_recipe(house: House) -> None:
    def lookup(word: str) -> str:
        """Looks a word up."""
        return word

    house.registry.add_tool(lookup)
    taken: dict[str, Any] = {}

    def build(signature: str, instructions: str, tools: list[Any]) -> dspy.Module:
        taken.update(signature=signature, instructions=instructions, tools=[tool.name for tool in tools])
        return dspy.Predict(signature)

    house.registry.add_module(build, "Parts")
    await house.ask("Parts", instructions="Be brief.", tools=["lookup"])
    assert taken == {"signature": "question -> answer", "instructions": "Be brief.", "tools": ["lookup"]}


@pytest.mark.parametrize(
    ("recipe", "complaint"),
    [
        ({"signature": ""}, "a signature such as"),
        ({"signature": "no arrow"}, "signature 'no arrow'"),
        ({"signature": "a: nosuchtype -> b"}, "nosuchtype"),
        ({"tools": ["lookup"]}, "Predict uses no tools"),
        ({"kind": "ReAct", "options": {"temperature": 1}}, "unknown option 'temperature'; known are max_iters"),
        ({"arguments": {}}, "missing input 'question'"),
        ({"arguments": {"question": "?", "extra": 1}}, "unexpected input 'extra'"),
    ],
    ids=str,
)
async def test_a_recipe_that_cannot_work_is_refused_and_not_executed(
    house: House, recipe: dict[str, Any], complaint: str
) -> None:
    house.registry.add_tool(lambda: None, name="lookup")
    with pytest.raises(coilyard.InvalidArgument, match=complaint) as refused:
        await house.ask(**recipe)
    assert refused.value.execution == "not_started"


@pytest.mark.parametrize("kind", ["LM", "configure", "__class__", "os", "Nothing"])
async def test_names_from_outside_never_reach_dspy(house: House, kind: str) -> None:
    with pytest.raises(coilyard.ModuleNotFound, match="known are ChainOfThought, Predict"):
        await house.ask(kind)


class Agent:
    """Answers as a ReAct agent that calls one tool and finishes."""

    def __init__(self, tool: str, arguments: str) -> None:
        self.steps = [(tool, arguments), ("finish", "{}")]

    def __call__(self, field: str, prompt: str, settings: dict[str, Any]) -> str:
        if field == "next_tool_args":
            return self.steps.pop(0)[1]
        return {"next_tool_name": self.steps[0][0] if self.steps else ""}.get(field, f"{field}!")


@pytest.mark.parametrize("model", [LocalLM, AsyncLocalLM])
@pytest.mark.parametrize("asynchronous", [False, True])
async def test_react_uses_declared_tools_of_both_kinds_with_both_kinds_of_model(
    house: House, model: type[LocalLM], asynchronous: bool
) -> None:
    house.worker.executor._concurrency = 1
    house.worker.modules._threads = house.worker.tools._threads = Threads(1, house.worker.hops)
    called: list[tuple[str, int]] = []

    def plain(word: str, times: int = 1) -> str:
        called.append((word, times))
        return word * times

    async def coroutine(word: str, times: int = 1) -> str:
        await asyncio.sleep(0)
        return plain(word, times)

    house.registry.add_tool(coroutine if asynchronous else plain, name="repeat", description="Repeats a word")
    house.answer_with(model(Agent("repeat", '{"word": "ab", "times": 2}')))
    fields = await house.ask("ReAct", tools=["repeat"], options={"max_iters": 3})
    assert called == [("ab", 2)]
    assert fields["answer"] == "answer!"
    assert fields["trajectory"]["observation_0"] == "abab"


async def test_a_tool_of_react_gets_the_session_of_the_call(house: House) -> None:
    async def whose(session: coilyard.SessionContext) -> str:
        return session.session_id

    house.registry.add_tool(whose)
    house.answer_with(AsyncLocalLM(Agent("whose", "{}")))
    fields = await house.ask("ReAct", tools=["whose"], session_id="s7")
    assert fields["trajectory"]["observation_0"] == "s7"


async def test_react_without_the_tool_is_refused(house: House) -> None:
    with pytest.raises(coilyard.ToolNotFound):
        await house.ask("ReAct", tools=["nothing"])


async def test_program_of_thought_without_a_sandbox_says_how_to_get_one(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(coilyard.InvalidArgument, match=r"pip install 'dspy\[deno\]'"):
        await house.ask("ProgramOfThought")


class Interpreter:
    """A sandbox that runs nothing."""

    def __init__(self) -> None:
        self.tools: dict[str, Any] = {}

    def start(self) -> None: ...

    def execute(self, code: str, variables: Any = None) -> Any:
        return dspy.primitives.code_interpreter.FinalOutput({"answer": f"ran {code}"})

    def shutdown(self) -> None: ...


async def test_program_of_thought_runs_in_the_registered_sandbox(house: House) -> None:
    house.registry.interpreter_factory = Interpreter
    house.answer_with(LocalLM(lambda field, *_: {"generated_code": "SUBMIT({'answer': 42})"}.get(field, f"{field}!")))
    assert (await house.ask("ProgramOfThought"))["answer"] == "answer!"


async def test_without_a_model_the_error_names_what_configures_one(house: House) -> None:
    house.answer_with(None)
    with pytest.raises(coilyard.InvalidArgument, match=r"LM_MODEL together with OPENAI_API_KEY or OPENAI_BASE_URL"):
        await house.ask()


async def test_an_error_of_a_program_is_user_codes_error(house: House) -> None:
    class Failing(AsyncLocalLM):
        async def aforward(self, *args: Any, **kwargs: Any) -> Any:
            raise RuntimeError("the model is on fire")

    house.answer_with(Failing(echo_settings))
    with pytest.raises(coilyard.PythonError, match="on fire"):
        await house.ask()


async def test_a_program_that_is_cancelled_stops_asking(house: House) -> None:
    class Endless(AsyncLocalLM):
        async def aforward(self, *args: Any, **kwargs: Any) -> Any:
            await asyncio.sleep(60)

    house.answer_with(Endless(echo_settings))
    call = house.worker.start(a_module_call("Predict", {"question": "?"}))
    await asyncio.sleep(0.02)
    house.worker.executor.cancel(call, "enough")
    with pytest.raises(asyncio.CancelledError):
        await house.worker.answer(call)


async def test_nothing_is_kept_of_a_run(house: House) -> None:
    lm = house.worker.modules._models.current(dspy)
    for _ in range(3):
        await house.ask()
    assert (lm.history, dspy.settings.trace) == ([], [])


Script = Callable[[], None]


def run_in_a_fresh_interpreter(code: str) -> str:
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    return done.stdout.strip()


async def test_the_sdk_and_a_worker_without_modules_import_no_heavy_library() -> None:
    code = (
        "import sys, coilyard, coilyard._worker.main; "
        "print([m for m in ('dspy', 'numpy', 'torch', 'litellm', 'pydantic') if m in sys.modules])"
    )
    assert run_in_a_fresh_interpreter(code) == "[]"
