"""Where an optimizer's variables go: into its constructor, its `compile`, or the settings of its teacher's model."""

from __future__ import annotations

import inspect
import types
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from coilyard import _arguments as given
from coilyard._arrays import as_scalar
from coilyard._errors import InvalidArgument, ValidationFailed
from coilyard._worker.language_model import SETTINGS, bound

Place = Literal["constructor", "compile", "teacher"]

_TEACHER = "teacher_"
_TEACHER_SETTINGS = "teacher_settings"

#: What `compile` is called with in any case.
_HANDED_OVER = frozenset({"student", "trainset", "teacher", "valset"})

_SCALARS = (bool, int, float, str)
_KINDS: Mapping[str, frozenset[type]] = {
    **dict.fromkeys(("temperature", "top_p", "presence_penalty", "frequency_penalty"), frozenset({float})),
    **dict.fromkeys(("max_tokens", "top_k", "n"), frozenset({int})),
}
#: What a teacher's model can be told besides what it has settings for already.
_MODEL_SETTINGS = (*SETTINGS, "n")


@dataclass(frozen=True)
class Target:
    """One parameter, and the variable that it comes from.

    Attributes:
        parameter: As the mapping calls it.
        variable: The variable's name.
        place: Where it goes.
        kinds: What it takes; empty: anything.
    """

    parameter: str
    variable: str
    place: Place
    kinds: frozenset[type]


class Plan:
    """What an optimizer of DSPy is made and compiled with; checked once, filled in for each compilation.

    Args:
        optimizer_class: The class.
        mappings: Variables by parameter.
        fixed: Arguments that come from no variable.
        model_settings: What the model of a teacher has settings for already.

    Raises:
        ValidationFailed: Something is of the wrong kind, or lacks (also a TypeError).
        InvalidArgument: A parameter fits nowhere, or comes from two places (also a ValueError).
    """

    def __init__(
        self,
        optimizer_class: Any,
        mappings: Mapping[str, str],
        fixed: Mapping[str, Any],
        model_settings: Iterable[str] = (),
    ) -> None:
        compiling = getattr(optimizer_class, "compile", None)
        if not isinstance(optimizer_class, type) or not callable(compiling):
            raise given.wrong_kind("optimizer_class", "the class of an optimizer of DSPy", optimizer_class)
        self.optimizer_class: Any = optimizer_class
        self._made = _parameters(optimizer_class)
        self._compiled = _parameters(compiling, skip=2)
        self._model_settings = {*_MODEL_SETTINGS, *model_settings}
        self._constructor: dict[str, Any] = {}
        self._compile: dict[str, Any] = {}
        for name, value in fixed.items():
            self._place_of_fixed(name)[name] = value
        self.targets = tuple(self._target(parameter, variable) for parameter, variable in mappings.items())
        given_already = {*self._constructor, *(target.parameter for target in self.targets)}
        lacking = [
            name
            for name, parameter in self._made.items()
            if parameter.default is parameter.empty and _is_named(parameter) and name not in given_already
        ]
        if lacking:
            raise ValidationFailed(f"{self._name} needs {', '.join(lacking)}: give it as an argument or by a variable")

    @property
    def _name(self) -> str:
        return str(self.optimizer_class.__name__)

    def coerced(self, values: Mapping[str, Any]) -> dict[Target, Any]:
        """The values of the targets' variables, as the parameters need them.

        Raises:
            ValidationFailed: One is of another kind (also a TypeError).
        """
        return {target: _coerced(values[target.variable], target) for target in self.targets}

    def filled(self, dspy: Any, values: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
        """The arguments of the constructor, and those of `compile`.

        Args:
            dspy: The library.
            values: By variable.

        Raises:
            ValidationFailed: A value is of another kind than its parameter needs (also a TypeError).
            InvalidArgument: There is no model for the teacher (also a ValueError).
        """
        constructor, compiling = dict(self._constructor), dict(self._compile)
        teacher: dict[str, Any] = {}
        for target, value in self.coerced(values).items():
            if target.place == "teacher":
                teacher[target.parameter.removeprefix(_TEACHER)] = value
            else:
                (constructor if target.place == "constructor" else compiling)[target.parameter] = value
        if teacher:
            settings = dict(constructor.get(_TEACHER_SETTINGS) or {})
            model = settings.get("lm") or dspy.settings.lm
            if not isinstance(model, dspy.BaseLM):
                what = ", ".join(f"{_TEACHER}{name}" for name in teacher)
                raise InvalidArgument(
                    f"{what}: the teacher needs a language model, from dspy.configure(lm=...), dspy.context(lm=...) or "
                    "teacher_settings={'lm': ...}"
                )
            constructor[_TEACHER_SETTINGS] = {**settings, "lm": bound(dspy, model, teacher)}
        return constructor, compiling

    def check_call(self, arguments: Mapping[str, Any]) -> None:
        """Looks at the arguments of `compile` before anything begins.

        Raises:
            ValidationFailed: One is not known, or lacks (also a TypeError).
            InvalidArgument: One comes from a variable (also a ValueError).
        """
        by_variable = {target.parameter: target.variable for target in self.targets if target.place == "compile"}
        for name in arguments:
            if name in by_variable:
                raise InvalidArgument(f"{name}: expected it once, the variable {by_variable[name]!r} gives it already")
        try:
            inspect.signature(self.optimizer_class.compile).bind(
                None, None, **{**self._compile, **dict.fromkeys(by_variable), **arguments}
            )
        except TypeError as error:
            raise ValidationFailed(f"compile of {self._name}: {error}") from error

    def _place_of_fixed(self, name: str) -> dict[str, Any]:
        if name in self._made and _is_named(self._made[name]):
            return self._constructor
        if name in self._compiled and _is_named(self._compiled[name]):
            return self._compile
        if any(parameter.kind is parameter.VAR_KEYWORD for parameter in self._made.values()):
            return self._constructor
        raise ValidationFailed(f"{self._name} has no parameter {name!r}; {self._known()}")

    def _target(self, parameter: str, variable: str) -> Target:
        if parameter in self._constructor or parameter in self._compile:
            raise InvalidArgument(f"{parameter}: expected it once, got it in variable_mappings and as an argument")
        if parameter in self._made and _is_named(self._made[parameter]):
            return Target(
                parameter, variable, "constructor", _kinds(self.optimizer_class.__init__, self._made[parameter])
            )
        if parameter in self._compiled and _is_named(self._compiled[parameter]):
            return Target(
                parameter, variable, "compile", _kinds(self.optimizer_class.compile, self._compiled[parameter])
            )
        setting = parameter.removeprefix(_TEACHER)
        if setting != parameter and (_TEACHER_SETTINGS in self._made or _is_open(self._made)):
            if setting in self._model_settings:
                return Target(parameter, variable, "teacher", _KINDS.get(setting, frozenset()))
        elif _is_open(self._made):
            return Target(parameter, variable, "constructor", frozenset())
        elif _is_open(self._compiled):
            return Target(parameter, variable, "compile", frozenset())
        raise InvalidArgument(
            f"variable_mappings: {self._name} has no parameter {parameter!r:.80}; {self._known()}",
            details={"field": "variable_mappings", "parameter": parameter},
        )

    def _known(self) -> str:
        """The parameters that there are, for refusals."""
        made = [name for name, parameter in self._made.items() if _is_named(parameter)]
        compiled = [name for name, item in self._compiled.items() if _is_named(item) and name not in _HANDED_OVER]
        text = f"there are {', '.join(dict.fromkeys([*made, *compiled])) or 'none'}"
        if _TEACHER_SETTINGS in self._made:
            text += f", and {_TEACHER}<setting of the teacher's model> such as {_TEACHER}temperature"
        return text


def _parameters(function: Any, skip: int = 0) -> dict[str, inspect.Parameter]:
    """The parameters of a function, without the first few, or of the constructor of a class."""
    return dict(list(inspect.signature(function).parameters.items())[skip:])


def _is_named(parameter: inspect.Parameter) -> bool:
    return parameter.kind in {parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY}


def _is_open(parameters: Mapping[str, inspect.Parameter]) -> bool:
    """Whether more are taken than are named. Those that begin with `_` swallow what means nothing."""
    return any(item.kind is item.VAR_KEYWORD and not item.name.startswith("_") for item in parameters.values())


def _kinds(function: Callable[..., Any], parameter: inspect.Parameter) -> frozenset[type]:
    """The scalars that a parameter takes, by its annotation or its default; empty: anything."""
    try:
        hint = get_type_hints(function).get(parameter.name)
    except Exception:  # names that exist for type checkers only; the default says something, too
        hint = None
    if hint is not None:
        return _scalars_of(hint)
    return frozenset({type(parameter.default)}) if type(parameter.default) in _SCALARS else frozenset()


def _scalars_of(hint: Any) -> frozenset[type]:
    """The kinds of scalars that an annotation allows; none if it allows something else, too."""
    if get_origin(hint) in {Union, types.UnionType}:
        found = [_scalars_of(part) for part in get_args(hint) if part is not type(None)]
        return frozenset().union(*found) if all(found) else frozenset()
    if get_origin(hint) is Literal:
        return frozenset(type(choice) for choice in get_args(hint))
    return frozenset({hint}) if hint in _SCALARS else frozenset()


def _coerced(value: Any, target: Target) -> Any:
    scalar: Any = as_scalar(value)
    if scalar is None or not target.kinds or type(scalar) in target.kinds:
        return scalar
    if isinstance(scalar, int) and not isinstance(scalar, bool) and float in target.kinds:
        return float(scalar)
    if isinstance(scalar, float) and int in target.kinds and scalar.is_integer():
        return int(scalar)
    expected = " or ".join(sorted(kind.__name__ for kind in target.kinds))
    raise given.wrong_kind(f"variable {target.variable!r}, for {target.parameter}", expected, value)
