"""Samplers of Optuna as optimizers of variables (with the `optuna` extra).

from coilyard.optuna import OptunaOptimizer

await session.register_python_optimizer("optuna", OptunaOptimizer)
await session.start_optimization("temperature", "optuna", {"seed": 1}, objective=accuracy)
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalChoiceType,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.study import StudyDirection
from optuna.trial import TrialState

from coilyard import _arguments as given
from coilyard._errors import InvalidArgument
from coilyard._optimizers import VariableSpec

__all__ = ("OptunaOptimizer",)

_KEYS = ("direction", "sampler", "seed", "study")


class OptunaOptimizer:
    """A study of Optuna, asked and told by a run. The present value is tried first.

    Variables of the types `float` and `integer` need `min` and `max` (and may have a `step`), those of `choice` and
    `module` their `choices`; `boolean` needs nothing.

    Its configuration may have `sampler` (an object of `optuna.samplers`; `TPESampler` when left out), `seed` for that
    default, or `study`: one of your own, such as one that was begun earlier.

    Attributes:
        study: The study.

    Raises:
        InvalidArgument: The variable has no bounds, or a key of the configuration is not known (also a ValueError).
    """

    def __init__(self, variable: VariableSpec | Mapping[str, VariableSpec], config: Mapping[str, Any]) -> None:
        settings = given.mapping(config, "optimizer_config", known=_KEYS)
        self._is_single = isinstance(variable, VariableSpec)
        specs = [variable] if isinstance(variable, VariableSpec) else list(variable.values())
        self._space = {spec.name: _distribution(spec) for spec in specs}
        self._pending: dict[tuple[Any, ...], list[optuna.Trial]] = {}
        self.study = _study(settings)
        present = {spec.name: spec.value for spec in specs}
        if all(_has(distribution, present[name]) for name, distribution in self._space.items()):
            self.study.enqueue_trial(present, skip_if_exists=True)

    def ask(self) -> Any:
        """The next value to try."""
        trial = self.study.ask(self._space)
        values = dict(trial.params)
        self._pending.setdefault(self._key(values), []).append(trial)
        return next(iter(values.values())) if self._is_single else values

    def tell(self, value: Any, metrics: Mapping[str, float], score: float) -> None:
        """How good a value was; the other metrics become attributes of the trial."""
        trial = self._taken(value)
        trial.set_user_attr("metrics", dict(metrics))
        self.study.tell(trial, score)

    def fail(self, value: Any, error: str) -> None:
        """A trial has failed."""
        trial = self._taken(value)
        trial.set_user_attr("error", error)
        self.study.tell(trial, state=TrialState.FAIL)

    def best(self) -> Any:
        """The best value so far; None while there is none."""
        complete = self.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
        if not complete:
            return None
        values = self.study.best_params
        return next(iter(values.values())) if self._is_single else dict(values)

    def _taken(self, value: Any) -> optuna.Trial:
        key = self._key({next(iter(self._space)): value} if self._is_single else value)
        waiting = self._pending[key]
        trial = waiting.pop(0)
        if not waiting:
            del self._pending[key]
        return trial

    def _key(self, values: Mapping[str, Any]) -> tuple[Any, ...]:
        return tuple(values[name] for name in self._space)


def _study(settings: Mapping[str, Any]) -> optuna.Study:
    direction = given.one_of(settings.get("direction", "maximize"), "direction", ("maximize", "minimize"))
    wanted = StudyDirection.MAXIMIZE if direction == "maximize" else StudyDirection.MINIMIZE
    sampler, seed, study = (settings.get(key) for key in ("sampler", "seed", "study"))
    if study is None:
        if sampler is None:
            sampler = optuna.samplers.TPESampler(seed=given.optional_whole(seed, "seed", most=given.UINT32_MAX))
        elif seed is not None:
            raise InvalidArgument("seed: give it to the sampler")
        if not isinstance(sampler, optuna.samplers.BaseSampler):
            raise given.wrong_kind("sampler", "a sampler of optuna", sampler)
        return optuna.create_study(direction=wanted, sampler=sampler)
    if not isinstance(study, optuna.Study):
        raise given.wrong_kind("study", "a study of optuna", study)
    if sampler is not None or seed is not None:
        raise InvalidArgument("study: it has a sampler of its own; leave out sampler and seed")
    if study.direction is not wanted:
        raise InvalidArgument(f"study: expected one that is to {direction}, got {study.direction.name.lower()}")
    return study


def _distribution(spec: VariableSpec) -> BaseDistribution:
    limits = spec.constraints
    if spec.type == "boolean":
        return CategoricalDistribution([False, True])
    if spec.type in {"choice", "module"}:
        choices: Sequence[CategoricalChoiceType] = limits.get("choices") or ()
        if not choices:
            raise InvalidArgument(f"{spec.name}: a {spec.type} without choices cannot be sampled")
        return CategoricalDistribution(choices)
    if spec.type not in {"float", "integer"}:
        known = "float, integer, boolean, choice and module"
        raise InvalidArgument(f"{spec.name}: Optuna samples {known}, not {spec.type}")
    low, high, step = limits.get("min"), limits.get("max"), limits.get("step")
    if low is None or high is None:
        raise InvalidArgument(f"{spec.name}: constraints min and max are needed")
    if spec.type == "integer":
        return IntDistribution(math.ceil(low), math.floor(high), step=int(step or 1))
    return FloatDistribution(float(low), float(high), step=None if step is None else float(step))


def _has(distribution: BaseDistribution, value: Any) -> bool:
    """Whether a value can be tried as it is."""
    if isinstance(distribution, CategoricalDistribution):
        return value in distribution.choices
    if not isinstance(distribution, (FloatDistribution, IntDistribution)):
        return False
    if not distribution.low <= value <= distribution.high:
        return False
    return distribution.step is None or math.isclose(
        (value - distribution.low) / distribution.step, round((value - distribution.low) / distribution.step)
    )
