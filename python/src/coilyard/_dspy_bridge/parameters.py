"""What there is to set on the predictors of a module, and setting it. Asks nobody and changes nothing else."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from types import MethodType
from typing import Any

from coilyard._arrays import as_scalar
from coilyard._dspy_bridge.names import variable_names
from coilyard._errors import InvalidArgument
from coilyard._values import infer_type

#: Of a predictor rather than of the requests that it makes.
INSTRUCTIONS, DEMOS = "instructions", "demos"

#: The type, the constraints and the fallback of the settings that every predictor has.
_ALWAYS: dict[str, tuple[str, dict[str, Any], Any]] = {
    "temperature": ("float", {"min": 0.0, "max": 2.0}, 0.7),
    "max_tokens": ("integer", {"min": 1}, 1024),
}

#: How OpenAI's reasoning models call it; a request with both is refused.
_OTHER_NAMES = {"max_tokens": "max_completion_tokens"}

#: Attributes that a copy has in common with its module.
_SHARED = frozenset({"history", "callbacks", "config", "demos"})


@dataclass(frozen=True)
class Parameter:
    """One parameter of one predictor, and the variable that is to hold it.

    Attributes:
        path: Where the predictor is in its module, as DSPy says it.
        key: The setting; `instructions` and `demos` are the predictor's own.
        variable: The variable's name.
        type: The variable's type.
        value: What it is now.
        constraints: Of the variable, if it has to be registered.
        own: Whether it is of the predictor rather than of its requests.
    """

    path: str
    key: str
    variable: str
    type: str
    value: Any
    constraints: Mapping[str, Any] = field(default_factory=dict)
    own: bool = False

    @property
    def label(self) -> str:
        """How `sync_dspy_parameters` calls it."""
        return f"{self.path}.{self.key}"


def parameters_of(
    dspy: Any, module: Any, prefix: str, instructions: bool = False, demos: bool = False
) -> list[Parameter]:
    """Every parameter of every predictor of a module that is not frozen.

    Args:
        dspy: The library.
        module: The module.
        prefix: What the names of the variables begin with.
        instructions: Whether the instructions of the predictors are among them.
        demos: Whether their demonstrations are.
    """
    predictors = module.named_predictors()
    found: list[tuple[str, str, str, Any, Mapping[str, Any], bool]] = []
    for path, predictor in predictors:
        config = {key: as_scalar(value) for key, value in predictor.config.items()}
        for key, (kind, constraints, fallback) in _ALWAYS.items():
            found.append((path, key, kind, _present(dspy, predictor, key, fallback), constraints, False))
        for key, value in config.items():
            is_known = key in _ALWAYS or key in _OTHER_NAMES.values()
            if not is_known and isinstance(value, (bool, int, float, str)):
                found.append((path, key, infer_type(value), value, {}, False))
        if instructions:
            found.append((path, INSTRUCTIONS, "string", predictor.signature.instructions, {}, True))
        if demos:
            found.append((path, DEMOS, "list", _demos(predictor), {}, True))
    names = variable_names(prefix, [(path, key) for path, key, *_ in found], alone=len(predictors) == 1)
    return [
        Parameter(path, key, name, kind, value, constraints, own)
        for name, (path, key, kind, value, constraints, own) in zip(names, found, strict=True)
    ]


def _present(dspy: Any, predictor: Any, key: str, fallback: Any) -> Any:
    """What a request of the predictor would have; None in a model's settings leaves it to the provider."""
    models = (predictor.lm, dspy.settings.lm)
    for settings in (predictor.config, *(getattr(model, "kwargs", None) or {} for model in models)):
        for name in (key, _OTHER_NAMES.get(key, key)):
            if settings.get(name) is not None:
                return as_scalar(settings[name])
    return fallback


def _demos(predictor: Any) -> list[dict[str, Any]]:
    return [dict(demo.toDict() if hasattr(demo, "toDict") else demo) for demo in predictor.demos]


def own_values(module: Any, parameters: Iterable[Parameter]) -> dict[str, Any]:
    """What a module has as instructions and demonstrations, by variable, as far as they are among the parameters."""
    predictors = dict(module.named_predictors())
    found: dict[str, Any] = {}
    for parameter in parameters:
        predictor = predictors.get(parameter.path)
        if parameter.own and predictor is not None:
            is_text = parameter.key == INSTRUCTIONS
            found[parameter.variable] = predictor.signature.instructions if is_text else _demos(predictor)
    return found


class Signatures:
    """Signatures with other instructions, each made once: making one takes as long as a call of a module."""

    def __init__(self) -> None:
        self._made: weakref.WeakKeyDictionary[Any, tuple[str, Any]] = weakref.WeakKeyDictionary()

    def with_instructions(self, signature: Any, instructions: str) -> Any:
        """The signature with these instructions; of each signature the last one is kept."""
        known, made = self._made.get(signature, (None, None))
        if known != instructions:
            made = signature.with_instructions(instructions)
            self._made[signature] = (instructions, made)
        return made


class Settings:
    """Values of the parameters of a module's predictors, to be set on that module or on a copy of it."""

    def __init__(
        self,
        dspy: Any,
        parameters: Sequence[Parameter],
        values: Mapping[str, Any],
        signatures: Signatures | None = None,
    ) -> None:
        self._dspy = dspy
        self._signatures = Signatures() if signatures is None else signatures
        self._of: dict[str, list[tuple[Parameter, Any]]] = {}
        for parameter in parameters:
            self._of.setdefault(parameter.path, []).append((parameter, values[parameter.variable]))

    def apply(self, module: Any) -> None:
        """Sets them on the module itself. Nothing is awaited meanwhile."""
        changes = [
            (predictor, self._changes(predictor, self._of[path]))
            for path, predictor in module.named_predictors()
            if path in self._of
        ]
        for predictor, change in changes:
            vars(predictor).update(change)

    def copy(self, module: Any) -> Any:
        """A copy of the module that has them. It shares everything but its predictors and what they are found by."""
        wanted = {id(predictor): self._of[path] for path, predictor in module.named_predictors() if path in self._of}
        return _Copies(self._dspy, lambda found: self._changes(found, wanted.get(id(found), ()))).of(module)

    def _changes(self, predictor: Any, values: Iterable[tuple[Parameter, Any]]) -> dict[str, Any]:
        """The attributes that the predictor is to have."""
        changes: dict[str, Any] = {}
        config: dict[str, Any] = dict(predictor.config)
        for parameter, value in values:
            if not parameter.own:
                _configure(config, _other_name(self._dspy, predictor, parameter.key), parameter.key, value)
            elif parameter.key == INSTRUCTIONS:
                if value != predictor.signature.instructions:
                    changes["signature"] = self._signatures.with_instructions(predictor.signature, value)
            elif value != _demos(predictor):
                changes["demos"] = [self._demo(fields, parameter.variable) for fields in value]
        return {**changes, "config": config}

    def _demo(self, fields: Any, variable: str) -> Any:
        if not isinstance(fields, dict):
            raise InvalidArgument(f"{variable}: expected a list of maps, the fields of each demonstration")
        return self._dspy.Example(fields)


def _configure(config: dict[str, Any], name: str, key: str, value: Any) -> None:
    if value is None:  # leaves what the module has
        return
    config.pop(key, None)
    config[name] = value


def _other_name(dspy: Any, predictor: Any, key: str) -> str:
    """What the predictor's model calls a setting."""
    other = _OTHER_NAMES.get(key)
    model = predictor.lm or dspy.settings.lm
    known = {*(getattr(model, "kwargs", None) or {}), *predictor.config}
    return other if other is not None and other in known else key


class _Copies:
    """Copies of modules and of the containers that they are kept in; whatever else there is, is shared."""

    def __init__(self, dspy: Any, changes: Callable[[Any], Mapping[str, Any]]) -> None:
        self._dspy = dspy
        self._changes = changes
        self._made: dict[int, Any] = {}

    def of(self, value: Any) -> Any:
        """The copy of it, or the thing itself if there is no module in it."""
        if isinstance(value, self._dspy.Module):
            return self._module(value)
        if isinstance(value, MethodType) and isinstance(value.__self__, self._dspy.Module):
            return MethodType(value.__func__, self._module(value.__self__))
        if isinstance(value, (list, tuple, dict)):
            return self._container(value)
        return value

    def _module(self, module: Any) -> Any:
        known = self._made.get(id(module))
        if known is not None:
            return known
        twin = object.__new__(type(module))
        self._made[id(module)] = twin
        attributes = vars(twin)
        for name, value in vars(module).items():
            # Calls belong to the module: its history grows, and its callbacks hear of them.
            attributes[name] = value if name in _SHARED else self.of(value)
        if isinstance(module, self._dspy.Predict):
            attributes.update(self._changes(module))
        return twin

    def _container(self, value: Any) -> Any:
        """As far as DSPy itself looks for predictors: one level."""
        items = value.values() if isinstance(value, dict) else value
        twins = [self._module(item) if isinstance(item, self._dspy.Module) else item for item in items]
        if all(twin is item for twin, item in zip(twins, items, strict=True)):
            return value
        if isinstance(value, tuple):
            return type(value)(*twins) if hasattr(value, "_fields") else tuple(twins)
        twin = copy(value)
        if isinstance(value, dict):
            twin.update(zip(value, twins, strict=True))
        else:
            twin[:] = twins
        return twin
