"""What a module has as parameters, how their variables are called, and copies of modules with other values."""

from __future__ import annotations

import re
from typing import Any

import dspy
import pytest

from coilyard._dspy_bridge.names import variable_names
from coilyard._dspy_bridge.parameters import Parameter, Settings, parameters_of
from support.local_lm import LocalLM

pytestmark = pytest.mark.dspy

VALID = re.compile(r"[^\W\d][\w.:/-]{0,127}\Z")


class Pipeline(dspy.Module):
    """Predictors in every place where DSPy looks for them."""

    def __init__(self) -> None:
        super().__init__()
        self.first = dspy.Predict("question -> draft", temperature=0.3, top_p=0.9, n=2, stop=["END"])
        self.stages = [dspy.ChainOfThought("draft -> better"), dspy.Predict("better -> best")]
        self.by_name = {"the last": dspy.Predict("best -> answer")}
        self.seen: list[str] = []

    def forward(self, question: str) -> Any:
        self.seen.append(question)
        draft = self.first(question=question).draft
        for stage in self.stages:
            draft = next(reversed(stage(**{next(iter(_inputs(stage))): draft}).toDict().values()))
        return self.by_name["the last"](best=draft)


def _inputs(stage: Any) -> Any:
    return stage.predictors()[0].signature.input_fields


def by_label(module: Any, prefix: str = "", **options: bool) -> dict[str, Parameter]:
    return {parameter.label: parameter for parameter in parameters_of(dspy, module, prefix, **options)}


def test_the_only_predictor_is_not_named() -> None:
    found = by_label(dspy.ChainOfThought("question -> answer"), "cot_")
    assert {label: parameter.variable for label, parameter in found.items()} == {
        "predict.temperature": "cot_temperature",
        "predict.max_tokens": "cot_max_tokens",
    }
    assert [(item.type, item.value, dict(item.constraints)) for item in found.values()] == [
        ("float", 0.7, {"min": 0.0, "max": 2.0}),
        ("integer", 1024, {"min": 1}),
    ]
    assert list(by_label(dspy.Predict("a -> b"))) == ["self.temperature", "self.max_tokens"]


def test_several_predictors_are_named_by_their_paths() -> None:
    found = by_label(Pipeline(), "qa_")
    assert {label: parameter.variable for label, parameter in found.items()} == {
        "first.temperature": "qa_first_temperature",
        "first.max_tokens": "qa_first_max_tokens",
        "first.top_p": "qa_first_top_p",
        "first.n": "qa_first_n",
        "stages[0].predict.temperature": "qa_stages_0_predict_temperature",
        "stages[0].predict.max_tokens": "qa_stages_0_predict_max_tokens",
        "stages[1].temperature": "qa_stages_1_temperature",
        "stages[1].max_tokens": "qa_stages_1_max_tokens",
        "by_name['the last'].temperature": "qa_by_name_the_last_temperature",
        "by_name['the last'].max_tokens": "qa_by_name_the_last_max_tokens",
    }
    assert (found["first.temperature"].value, found["first.n"].type) == (0.3, "integer")


def test_a_value_is_what_a_request_would_have() -> None:
    def answer(field: str, prompt: str, settings: dict[str, Any]) -> str:
        return field

    configured = LocalLM(answer, temperature=0.1, max_tokens=5)
    own = LocalLM(answer, temperature=0.2, max_tokens=None)
    module = dspy.Predict("a -> b")
    with dspy.context(lm=configured):
        assert [item.value for item in by_label(module).values()] == [0.1, 5]
        module.lm = own
        assert [item.value for item in by_label(module).values()] == [0.2, 5]
        module.update_config(temperature=0, max_tokens=7)
        assert [item.value for item in by_label(module).values()] == [0, 7]


def test_a_reasoning_model_keeps_its_own_name_of_a_setting() -> None:
    model = LocalLM(lambda field, prompt, settings: field, max_completion_tokens=50)
    module = dspy.Predict("a -> b")
    with dspy.context(lm=model):
        (parameter,) = (item for item in parameters_of(dspy, module, "") if item.key == "max_tokens")
        assert parameter.value == 50
        copy = Settings(dspy, [parameter], {"max_tokens": 60}).copy(module)
    assert copy.config == {"max_completion_tokens": 60}


@pytest.mark.parametrize(
    "pairs",
    [
        [("a.b", "t"), ("a_b", "t"), ("a[b]", "t"), ("a['b']", "t")],
        [("a", "b_c"), ("a_b", "c")],
        [("x" * 200, "t"), ("x" * 200 + "y", "t")],
        [("é.ß", "t"), ("1", "t"), ("a b", "t"), ("a-b", "t"), ("", "t")],
    ],
)
def test_names_are_valid_and_apart(pairs: list[tuple[str, str]]) -> None:
    for prefix in ("", "var_", "p."):
        names = variable_names(prefix, pairs, alone=False)
        assert len(set(names)) == len(pairs)
        assert all(VALID.match(name) and not re.match(r"var_.*_\d+\Z", name) for name in names)
        assert names == variable_names(prefix, pairs, alone=False)


def test_who_has_a_name_by_right_keeps_it() -> None:
    names = variable_names("", [("a.b", "t"), ("a_b", "t")], alone=False)
    assert names[1] == "a_b_t"
    assert names[0].startswith("a_b_t_x")
    assert variable_names("var_", [("self", "seed_1")], alone=True) == ["var_seed_1_"]


def test_instructions_and_demonstrations_are_parameters_on_request() -> None:
    module = dspy.Predict(dspy.Signature("question -> answer", "Answer briefly."))
    module.demos = [dspy.Example(question="1+1", answer="2").with_inputs("question"), {"question": "a", "answer": "b"}]
    found = by_label(module, instructions=True, demos=True)
    assert (found["self.instructions"].value, found["self.instructions"].type) == ("Answer briefly.", "string")
    shown = [{"question": "1+1", "answer": "2"}, {"question": "a", "answer": "b"}]
    assert (found["self.demos"].value, found["self.demos"].type) == (shown, "list")
    parameters = list(found.values())
    same = {item.variable: item.value for item in parameters}
    copy = Settings(dspy, parameters, same).copy(module)
    assert (copy.signature is module.signature, copy.demos is module.demos) == (True, True), "nothing has changed"
    other = Settings(dspy, parameters, {**same, "instructions": "Sing.", "demos": [{"question": "x", "answer": "y"}]})
    copy = other.copy(module)
    assert copy.signature.instructions == "Sing."
    assert [demo.toDict() for demo in copy.demos] == [{"question": "x", "answer": "y"}]
    assert (module.signature.instructions, len(module.demos)) == ("Answer briefly.", 2)
    broken = Settings(dspy, parameters, {**same, "demos": ["x"]})
    with pytest.raises(ValueError, match="demos: expected a list of maps"):
        broken.copy(module)


def a_setting(module: Any, temperature: float) -> Settings:
    parameters = [item for item in parameters_of(dspy, module, "") if item.key == "temperature"]
    return Settings(dspy, parameters, {item.variable: temperature for item in parameters})


def test_a_copy_has_other_settings_and_shares_the_rest() -> None:
    module = Pipeline()
    module.shared = module.first
    module.method = module.named_predictors
    module.callbacks = [dspy.utils.BaseCallback()]
    frozen = dspy.Predict("a -> b")
    copy = a_setting(module, 1.5).copy(module)
    assert [predictor.config["temperature"] for predictor in copy.predictors()] == [1.5] * 4
    assert [predictor.config.get("temperature") for predictor in module.predictors()] == [0.3, None, None, None]
    assert [name for name, _ in copy.named_predictors()] == [name for name, _ in module.named_predictors()]
    assert (copy.shared is copy.first, copy.method.__self__ is copy) == (True, True)
    assert copy.first is not module.first
    assert (copy.seen is module.seen, copy.history is module.history) == (True, True)
    assert (copy.callbacks is module.callbacks, type(copy)) == (True, Pipeline)
    assert copy.first.config["stop"] == ["END"]
    assert frozen.config == {}


def test_a_copy_runs_with_its_settings() -> None:
    model = LocalLM(lambda field, prompt, settings: field, temperature=0.1)
    module = Pipeline()
    with dspy.context(lm=model, trace=[], disable_history=True):
        assert a_setting(module, 1.25).copy(module)(question="?").answer == "answer"
    assert [asked["temperature"] for asked in model.asked] == [1.25] * 4
    assert module.seen == ["?"]


def test_settings_are_applied_to_a_module_itself() -> None:
    module = Pipeline()
    before = module.first.config
    a_setting(module, 0.0).apply(module)
    assert [predictor.config["temperature"] for predictor in module.predictors()] == [0.0] * 4
    assert before["temperature"] == 0.3, "a call that is under way keeps what it began with"
