"""The adapter of Optuna: what it asks for fits the variable, and what it is told reaches the study."""

from __future__ import annotations

from typing import Any

import optuna
import pytest

from coilyard import BaseOptimizer, InvalidArgument, VariableSpec
from coilyard.optuna import OptunaOptimizer

FLOAT = VariableSpec("t", "float", 0.7, {"min": 0, "max": 2})


@pytest.fixture(autouse=True)
def _quiet() -> Any:
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    yield
    optuna.logging.set_verbosity(optuna.logging.INFO)


def run(optimizer: OptunaOptimizer, objective: Any, trials: int) -> list[Any]:
    asked = []
    for _ in range(trials):
        value = optimizer.ask()
        asked.append(value)
        optimizer.tell(value, {"score": objective(value)}, objective(value))
    return asked


def test_the_present_value_is_tried_first_and_a_parabola_is_found() -> None:
    optimizer = OptunaOptimizer(FLOAT, {"seed": 1})
    asked = run(optimizer, lambda t: -((t - 0.4) ** 2), 40)
    assert asked[0] == 0.7
    assert all(0 <= value <= 2 for value in asked)
    assert optimizer.best() == pytest.approx(0.4, abs=0.1)
    assert isinstance(optimizer, BaseOptimizer)
    assert optimizer.study.best_trial.user_attrs["metrics"] == {"score": optimizer.study.best_value}


def test_the_direction_is_the_one_of_the_run_and_the_sampler_the_one_that_was_given() -> None:
    sampler = optuna.samplers.RandomSampler(seed=3)
    optimizer = OptunaOptimizer(FLOAT, {"direction": "minimize", "sampler": sampler})
    run(optimizer, lambda t: (t - 0.4) ** 2, 30)
    assert optimizer.best() == pytest.approx(0.4, abs=0.2)
    assert optimizer.study.sampler is sampler


@pytest.mark.parametrize(
    ("spec", "possible"),
    [
        (VariableSpec("n", "integer", 3, {"min": 1, "max": 9, "step": 2}), {1, 3, 5, 7, 9}),
        (VariableSpec("n", "integer", 50, {"min": 1, "max": 3}), {1, 2, 3}),
        (VariableSpec("b", "boolean", True), {True, False}),
        (VariableSpec("c", "choice", "a", {"choices": ["a", "b"]}), {"a", "b"}),
        (VariableSpec("m", "module", "Predict", {"choices": ["Predict", "ReAct"]}), {"Predict", "ReAct"}),
        (VariableSpec("f", "float", 0.3, {"min": 0.0, "max": 1.0, "step": 0.25}), {0.0, 0.25, 0.5, 0.75, 1.0}),
    ],
    ids=lambda part: part.type if isinstance(part, VariableSpec) else "",
)
def test_what_is_asked_for_is_of_the_type_and_within_the_constraints(spec: VariableSpec, possible: set[Any]) -> None:
    asked = run(OptunaOptimizer(spec, {"seed": 1}), lambda value: 0.5, 30)
    assert set(asked) == possible
    assert {type(value) for value in asked} == {type(next(iter(possible)))}


def test_several_variables_are_a_dict_by_name_and_trials_may_be_told_in_any_order() -> None:
    specs = {spec.name: spec for spec in (FLOAT, VariableSpec("b", "boolean", True))}
    optimizer = OptunaOptimizer(specs, {"seed": 1})
    asked = [optimizer.ask() for _ in range(4)]
    assert asked[0] == {"t": 0.7, "b": True}
    assert optimizer.best() is None
    for number, values in reversed(list(enumerate(asked))):
        optimizer.tell(values, {}, float(number))
    assert optimizer.best() == asked[3]


def test_a_failed_trial_is_one_of_the_study_and_a_study_can_go_on() -> None:
    first = OptunaOptimizer(FLOAT, {"seed": 1})
    first.fail(first.ask(), "no GPU")
    (trial,) = first.study.trials
    assert (trial.state.name, trial.user_attrs) == ("FAIL", {"error": "no GPU"})
    second = OptunaOptimizer(FLOAT, {"study": first.study})
    run(second, lambda t: t, 3)
    assert len(first.study.trials) == 4


@pytest.mark.parametrize(
    ("spec", "config", "text"),
    [
        (VariableSpec("t", "float", 0.7, {"min": 0}), {}, "t: constraints min and max are needed"),
        (VariableSpec("c", "choice", "a"), {}, "c: a choice without choices"),
        (VariableSpec("s", "string", "a"), {}, "s: Optuna samples float"),
        (FLOAT, {"wish": 1}, "optimizer_config: unknown key 'wish'"),
        (FLOAT, {"sampler": 5}, "sampler: expected a sampler of optuna"),
        (FLOAT, {"study": 5}, "study: expected a study of optuna"),
        (FLOAT, {"sampler": optuna.samplers.RandomSampler(), "seed": 1}, "seed: give it to the sampler"),
        (FLOAT, {"study": optuna.create_study()}, "study: expected one that is to maximize, got minimize"),
        (FLOAT, {"study": optuna.create_study(direction="maximize"), "seed": 1}, "study: it has a sampler of its own"),
    ],
)
def test_what_cannot_be_sampled_is_refused_by_name(spec: VariableSpec, config: Any, text: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        OptunaOptimizer(spec, config)
    assert str(refused.value).startswith(text)
