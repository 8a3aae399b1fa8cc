"""Where the variables of an optimizer go, and what becomes of their values on the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Literal, Union

import dspy
import pytest
from dspy.teleprompt import (
    COPRO,
    GEPA,
    SIMBA,
    BootstrapFewShot,
    BootstrapFewShotWithRandomSearch,
    InferRules,
    KNNFewShot,
    LabeledFewShot,
    MIPROv2,
)

from coilyard import CoilyardError
from coilyard._dspy_bridge.plan import Plan
from support.local_lm import LocalLM

pytestmark = pytest.mark.dspy


def metric(example: Any, prediction: Any, trace: Any = None) -> bool:
    return True


def filled(kind: Any, mappings: dict[str, str], values: dict[str, Any], **fixed: Any) -> tuple[dict[str, Any], ...]:
    return Plan(kind, mappings, fixed).filled(dspy, values)


def test_a_parameter_goes_to_the_constructor_or_to_compile() -> None:
    mappings = {"max_bootstrapped_demos": "demos", "restrict": "which"}
    constructor, compiling = filled(
        BootstrapFewShotWithRandomSearch, mappings, {"demos": 2, "which": [-3]}, metric=metric, labeled_sample=False
    )
    assert constructor == {"metric": metric, "max_bootstrapped_demos": 2}
    assert compiling == {"restrict": [-3], "labeled_sample": False}


def test_a_setting_of_the_teacher_goes_to_its_model() -> None:
    model = LocalLM(lambda field, prompt, settings: field, temperature=0.1)
    own = LocalLM(lambda field, prompt, settings: field, temperature=0.2)
    mappings = {"teacher_temperature": "t", "teacher_max_tokens": "m"}
    with dspy.context(lm=model):
        constructor, _ = filled(BootstrapFewShot, mappings, {"t": 1, "m": 50})
        teacher = constructor["teacher_settings"]["lm"]
        assert (teacher.kwargs["temperature"], teacher.kwargs["max_tokens"]) == (1.0, 50)
        assert model.kwargs["temperature"] == 0.1
        settings = {"lm": own, "adapter": None}
        constructor, _ = filled(BootstrapFewShot, mappings, {"t": 1, "m": 50}, teacher_settings=settings)
        assert constructor["teacher_settings"]["lm"].answer is own.answer
        assert "adapter" in constructor["teacher_settings"]
        assert settings["lm"] is own
    with dspy.context(lm=None), pytest.raises(ValueError, match=r"teacher_temperature.*dspy\.configure"):
        filled(BootstrapFewShot, mappings, {"t": 1, "m": 50})


@pytest.mark.parametrize(
    ("kind", "parameter"),
    [
        (BootstrapFewShot, "max_demos"),
        (BootstrapFewShot, "teacher_temprature"),
        (BootstrapFewShot, "student"),
        (BootstrapFewShot, "self"),
        (COPRO, "bredth"),
        (COPRO, "teacher_temperature"),
        (GEPA, "teacher_temperature"),
        (LabeledFewShot, "temperature"),
    ],
)
def test_a_parameter_that_fits_nowhere_is_refused_with_those_that_there_are(kind: Any, parameter: str) -> None:
    fixed = {} if kind is LabeledFewShot else {"metric": metric}
    with pytest.raises(ValueError, match=rf"{kind.__name__} has no parameter '{parameter}'; there are ") as refused:
        Plan(kind, {parameter: "v"}, fixed)
    assert "student" not in str(refused.value).partition("there are")[2]
    if kind is BootstrapFewShot:
        assert "max_bootstrapped_demos" in str(refused.value)
        assert "teacher_temperature" in str(refused.value)


def test_a_class_that_hands_its_arguments_on_takes_any() -> None:
    assert filled(InferRules, {"max_rounds": "r"}, {"r": 2}, metric=metric)[0]["max_rounds"] == 2
    fixed = {"k": 1, "trainset": [], "vectorizer": None}
    assert filled(KNNFewShot, {"max_rounds": "r"}, {"r": 2}, **fixed)[0] == {**fixed, "max_rounds": 2}


def test_what_comes_twice_or_lacks_is_refused() -> None:
    with pytest.raises(ValueError, match="max_rounds: expected it once"):
        Plan(BootstrapFewShot, {"max_rounds": "v"}, {"max_rounds": 1})
    with pytest.raises(TypeError, match="MIPROv2 needs metric"):
        Plan(MIPROv2, {"seed": "v"}, {})
    with pytest.raises(TypeError, match="'metrik'"):
        Plan(BootstrapFewShot, {}, {"metrik": metric})
    with pytest.raises(TypeError, match="optimizer_class"):
        Plan("BootstrapFewShot", {}, {})
    with pytest.raises(TypeError, match="optimizer_class"):
        Plan(dict, {}, {})
    plan = Plan(SIMBA, {"seed": "v"}, {"metric": metric})
    plan.check_call({"trainset": []})
    with pytest.raises(ValueError, match="seed: expected it once, the variable 'v'"):
        plan.check_call({"trainset": [], "seed": 1})
    with pytest.raises(TypeError, match="trainset"):
        plan.check_call({})
    with pytest.raises(TypeError, match="valset"):
        plan.check_call({"trainset": [], "valset": []})


class Annotated(dspy.teleprompt.Teleprompter):
    def __init__(
        self,
        plain=4,
        rate: float = 1.0,
        either: Union[float, int, None] = None,  # noqa: PYI041, UP007 - what DSPy's users write
        mode: Literal["a", "b"] | None = None,
        flag: bool = False,
        function: Callable[..., Any] | float | None = None,
        free=None,
    ) -> None:
        self.seen = (plain, rate, either, mode, flag, function, free)

    def compile(self, student, *, trainset, quick: bool = False):
        return student


@pytest.mark.parametrize(
    ("parameter", "value", "expected"),
    [
        ("plain", 3, 3),
        ("plain", 3.0, 3),
        ("rate", 1, 1.0),
        ("either", 1, 1),
        ("either", 1.5, 1.5),
        ("either", None, None),
        ("mode", "a", "a"),
        ("flag", True, True),
        ("function", "x", "x"),
        ("free", [1], [1]),
        ("quick", True, True),
    ],
)
def test_a_value_becomes_what_the_parameter_takes(parameter: str, value: Any, expected: Any) -> None:
    constructor, compiling = filled(Annotated, {parameter: "v"}, {"v": value})
    result = {**constructor, **compiling}[parameter]
    assert (result, type(result)) == (expected, type(expected))


@pytest.mark.parametrize(
    ("parameter", "value"),
    [
        ("plain", 3.5),
        ("plain", float("inf")),
        ("plain", float("nan")),
        ("plain", True),
        ("plain", "4"),
        ("rate", "1"),
        ("rate", False),
        ("mode", 1),
        ("flag", 1),
        ("quick", "yes"),
        ("rate", [1.0]),
    ],
)
def test_a_value_of_another_kind_is_refused_by_name(parameter: str, value: Any) -> None:
    plan = Plan(Annotated, {parameter: "the_variable"}, {})
    with pytest.raises(TypeError, match=rf"variable 'the_variable', for {parameter}: expected") as refused:
        plan.coerced({"the_variable": value})
    assert isinstance(refused.value, CoilyardError)
