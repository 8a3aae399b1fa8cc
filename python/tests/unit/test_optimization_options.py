"""What `start_optimization` takes, and what it refuses before anything is asked."""

from __future__ import annotations

import inspect
from typing import Any

import dspy
import pytest

import coilyard
from coilyard import InvalidArgument, SessionContext
from coilyard._optimization.objectives import EvaluationFailed, Objective, objective_of
from coilyard._optimization.options import MAXIMIZE, Wish, wish
from coilyard._optimization.threads import OwnThread

EXAMPLES = [{"inputs": {"a": 1}, "answer": 1}, {"inputs": {"a": 2}, "answer": 3}]


def wanted(
    variable: Any = "x", config: Any = None, objective: Any = None, direction: Any = MAXIMIZE, **others: Any
) -> Wish:
    arguments = {"max_iterations": 100, "convergence_threshold": 0.001, "callback": None, **others}
    return wish(variable, "bayesian", config, objective=objective, direction=direction, source="python", **arguments)


def test_the_signature_is_the_one_of_the_contract() -> None:
    for kind in (SessionContext, coilyard.sync.SessionContext):
        parameters = inspect.signature(kind.start_optimization).parameters
        assert {name: parameter.default for name, parameter in list(parameters.items())[3:]} == {
            "optimizer_config": None, "max_iterations": 100, "convergence_threshold": 0.001, "callback": None,
            "objective": None, "direction": "maximize",
        }  # fmt: skip
        assert list(parameters)[:3] == ["self", "variable", "optimizer_type"]
        assert parameters["objective"].kind is parameters["direction"].kind is inspect.Parameter.KEYWORD_ONLY


def test_settings_of_the_run_are_taken_out_of_the_configuration_and_the_rest_is_for_the_optimizer() -> None:
    config = {"xi": 0.1, "parallel": 2, "direction": "minimize", "objective": "tool", "lease_s": 3, "patience": None}
    asked = wanted(config=config)
    assert asked.config == {"xi": 0.1}
    assert (asked.start.parallel, asked.start.direction, asked.start.lease_s, asked.objective) == (
        2, "minimize", 3.0, "tool"
    )  # fmt: skip
    assert set(config) == {"xi", "parallel", "direction", "objective", "lease_s", "patience"}
    assert wanted().start.direction == "maximize"
    assert wanted(["x", "y"]).start.variables == ("x", "y")


def test_what_is_given_twice_must_be_the_same() -> None:
    assert wanted(config={"direction": "minimize"}, direction="minimize").start.direction == "minimize"
    assert wanted(config={"objective": "tool"}, objective="tool").objective == "tool"
    assert isinstance(wanted(config={"objective": abs}, objective=abs).objective, Objective)
    with pytest.raises(ValueError, match=r"direction: expected it once, got 'maximize' and 'minimize'"):
        wanted(config={"direction": "minimize"}, direction="maximize")
    with pytest.raises(ValueError, match="objective: expected it once"):
        wanted(config={"objective": abs}, objective=max)


@pytest.mark.parametrize(
    ("config", "place"),
    [
        ({"direction": "up"}, "direction: expected one of maximize, minimize"),
        ({"metric": 5}, "metric: expected"),
        ({"parallel": 0}, "parallel: expected a whole number of 1 or more"),
        ({"parallel": 1.5}, "parallel: expected"),
        ({"timeout_s": 0}, "timeout_s: expected seconds, more than 0"),
        ({"timeout_s": 1e300}, "timeout_s: expected seconds, at most 1000000000000, got 1e+300"),
        ({"patience": 0}, "patience: expected"),
        ({"lease_s": float("inf")}, "lease_s: expected a finite number"),
        ({"lease_s": 0.05}, "lease_s: expected seconds from 0.1 to 3600.0, got 0.05"),
        ({"lease_s": 1e6}, "lease_s: expected seconds from 0.1 to 3600.0"),
        ({"apply_trials": 1}, "apply_trials: expected True or False"),
    ],
    ids=str,
)
def test_a_setting_that_cannot_be_is_refused_by_name(config: Any, place: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        wanted(config=config)
    assert str(refused.value).startswith(place)


@pytest.mark.parametrize(
    ("objective", "place"),
    [
        (5, "objective: expected a function, the name of a tool, or a dict"),
        ({"program": abs, "dataset": EXAMPLES}, "objective: metric is missing"),
        ({"program": 5, "dataset": EXAMPLES, "metric": abs}, "objective['program']: expected a function"),
        ({"program": abs, "dataset": [], "metric": abs}, "objective['dataset']: expected at least one example"),
        ({"program": abs, "dataset": 5, "metric": abs}, "objective['dataset']: expected a list of examples"),
        ({"program": abs, "dataset": [{}], "metric": abs}, "objective['dataset'][0]: expected an example"),
        ({"program": abs, "dataset": [{"inputs": 1}], "metric": abs}, "objective['dataset'][0]['inputs']: expected"),
        ({"program": abs, "dataset": [5], "metric": abs}, "objective['dataset'][0]: expected an example"),
        ({"program": abs, "dataset": [dspy.Example(a=1)], "metric": abs}, "objective['dataset'][0]: expected"),
        ({"program": abs, "dataset": EXAMPLES, "metric": abs, "wish": 1}, "objective: unknown key 'wish'"),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)
def test_an_objective_that_is_none_is_refused_where_it_is_wrong(objective: Any, place: str) -> None:
    with pytest.raises(InvalidArgument) as refused:
        wanted(objective=objective)
    assert str(refused.value).startswith(place)


async def evaluated(objective: Any, value: Any = None) -> tuple[dict[str, float], float]:
    made = objective_of(objective)
    assert isinstance(made, Objective)
    thread = OwnThread("test")
    try:
        return await made.evaluate(value, "", thread)
    finally:
        thread.close()


def right(example: Any, prediction: Any) -> bool:
    return bool(example["answer"] == prediction)


async def a_coroutine(**inputs: Any) -> Any:
    return inputs["a"]


async def a_coroutine_metric(example: Any, prediction: Any) -> float:
    return float(right(example, prediction))


@pytest.mark.asyncio
@pytest.mark.parametrize("program", [lambda a: a, a_coroutine], ids=["plain program", "coroutine program"])
@pytest.mark.parametrize("metric", [right, a_coroutine_metric], ids=["plain metric", "coroutine metric"])
async def test_a_program_is_run_on_every_example_and_the_mean_is_the_score(program: Any, metric: Any) -> None:
    objective = {"program": program, "dataset": EXAMPLES, "metric": metric}
    assert await evaluated(objective) == ({"score": 0.5, "examples": 2.0}, 0.5)
    asked = wanted(objective=objective)
    assert asked.start.apply_trials
    assert not wanted(objective=objective, config={"apply_trials": False}).start.apply_trials
    assert not wanted(objective=abs).start.apply_trials


@pytest.mark.asyncio
@pytest.mark.dspy
async def test_a_module_and_examples_of_dspy_are_a_program_and_a_dataset() -> None:
    class Echo(dspy.Module):
        def forward(self, question: str) -> Any:
            return dspy.Prediction(answer=question.upper())

    dataset = [dspy.Example(question=q, answer="A").with_inputs("question") for q in "aab"]
    objective = {
        "program": Echo(), "dataset": dataset,
        "metric": lambda example, prediction: example.answer == prediction.answer,
    }  # fmt: skip
    metrics, score = await evaluated(objective)
    assert (score, metrics["examples"]) == (pytest.approx(2 / 3), 3.0)


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("program", "metric", "text"),
    [
        (lambda a: 1 / 0, right, "ZeroDivisionError: division by zero"),
        (lambda a: a, lambda example, prediction: None, "BadResult: expected a number"),
        (lambda a: a, lambda example, prediction: float("nan"), "BadResult: expected a finite number, got nan"),
        (a_coroutine, lambda example, prediction: 1 / 0, "ZeroDivisionError: division by zero"),
        (lambda b: b, right, "TypeError: "),
    ],
)
async def test_a_program_or_a_metric_that_fails_is_a_failed_trial(program: Any, metric: Any, text: str) -> None:
    with pytest.raises(EvaluationFailed) as failed:
        await evaluated({"program": program, "dataset": EXAMPLES, "metric": metric})
    assert str(failed.value).startswith(text)


@pytest.mark.asyncio
async def test_a_program_whose_run_is_over_leaves_off_between_two_examples() -> None:
    made = objective_of({"program": lambda a: seen.append(a), "dataset": EXAMPLES, "metric": lambda *_: stop()})
    assert isinstance(made, Objective)
    seen: list[int] = []

    def stop() -> float:
        made.give_up()
        return 1.0

    thread = OwnThread("test")
    with pytest.raises(EvaluationFailed):
        await made.evaluate(None, "", thread)
    thread.close()
    assert seen == [1]
