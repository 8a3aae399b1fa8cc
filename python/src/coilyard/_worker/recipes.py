"""DSPy modules from recipes: the four kinds that are known by name, and factories that user code declared."""

from __future__ import annotations

import importlib.util
import shutil
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from coilyard._errors import CoilyardError, InvalidArgument, ModuleNotFound
from coilyard._registry import BUILT_IN_MODULES, ModuleDefinition, Registry, ToolDefinition
from coilyard._worker.arguments import fit_arguments

#: Makes a DSPy tool of a declared one.
ToolMaker = Callable[[ToolDefinition], Any]

NO_SANDBOX = (
    "ProgramOfThought runs the code of a language model and needs a sandbox: pip install 'dspy[deno]', or "
    "coilyard.register_interpreter(factory) in a module that the worker imports"
)


@dataclass(frozen=True)
class Recipe:
    """How to build a module; the message of the same name in Python's own types.

    Attributes:
        kind: `Predict`, `ChainOfThought`, `ReAct`, `ProgramOfThought`, or the name of a declared factory.
        signature: Such as `question -> answer`.
        instructions: What the language model is told to do; empty: what DSPy makes of the signature.
        options: Keyword arguments of the constructor.
        tools: The declared tools that the module may use.
    """

    kind: str
    signature: str
    instructions: str
    options: Mapping[str, Any]
    tools: tuple[ToolDefinition, ...]


@dataclass(frozen=True)
class Built:
    """A module that is ready to run.

    Attributes:
        program: The DSPy module.
        inputs: The fields that a call must give; None when only the module knows.
    """

    program: Any
    inputs: frozenset[str] | None


def build_kind(dspy: Any, recipe: Recipe, registry: Registry, make_tool: ToolMaker) -> Built:
    """Builds a module of one of the four kinds.

    Raises:
        InvalidArgument: The signature or the options are not valid, or there is no sandbox for ProgramOfThought.
    """
    signature = _signature(dspy, recipe)
    try:
        program = _KINDS[recipe.kind](dspy, signature, recipe, registry, make_tool)
    except (TypeError, ValueError) as error:
        if isinstance(error, CoilyardError):
            raise
        raise InvalidArgument(f"{recipe.kind}({recipe.signature!r}): {error}") from error
    return Built(program, frozenset(signature.input_fields))


def build_declared(
    dspy: Any, recipe: Recipe, definition: ModuleDefinition, variables: Mapping[str, Any], make_tool: ToolMaker
) -> Built:
    """Calls a declared factory with the values of its variables and the options of the recipe.

    Raises:
        InvalidArgument: A variable or an option is missing, or too much.
        TypeError: The factory returned something else than a DSPy module.
    """
    values = {name: variables[name] for name in definition.variables if name in variables}
    given = {**recipe.options, **values}
    extras = {
        "signature": recipe.signature,
        "instructions": recipe.instructions,
        "tools": [make_tool(tool) for tool in recipe.tools],
    }
    given.update({name: extra for name, extra in extras.items() if extra and name in definition.parameters.named})
    missing = [name for name in definition.parameters.required() if name not in given and name in definition.variables]
    if missing:
        raise InvalidArgument(
            f"module {recipe.kind!r} is built from the variable {missing[0]!r}, which the session does not have",
            details={"field": missing[0]},
        )
    program = definition.factory(**fit_arguments(f"module {recipe.kind!r}", definition.parameters, given))
    if not isinstance(program, dspy.Module):
        raise TypeError(f"the factory of module {recipe.kind!r} returned {program!r:.80}, which is no dspy.Module")
    return Built(program, None)


def unknown_kind(kind: str, registry: Registry) -> ModuleNotFound:
    """The error for a kind that is neither one of the four nor declared."""
    known = sorted([*BUILT_IN_MODULES, *(definition.name for definition in registry.modules.all())])
    return ModuleNotFound(
        f"no module {kind!r} here; known are {', '.join(known)}", details={"module": kind, "known": known}
    )


def _signature(dspy: Any, recipe: Recipe) -> Any:
    if not recipe.signature:
        raise InvalidArgument(f"{recipe.kind}: a signature such as 'question -> answer' is needed")
    try:
        if recipe.instructions:
            return dspy.Signature(recipe.signature, recipe.instructions)
        return dspy.Signature(recipe.signature)
    except (TypeError, ValueError, SyntaxError) as error:
        raise InvalidArgument(f"signature {recipe.signature!r}: {error}", details={"field": "signature"}) from error


def _options(recipe: Recipe, known: set[str] | None = None) -> dict[str, Any]:
    unknown = sorted(recipe.options.keys() - known) if known is not None else []
    if unknown:
        raise InvalidArgument(
            f"{recipe.kind}: unknown option {unknown[0]!r}; known are {', '.join(sorted(known or ()))}"
        )
    return dict(recipe.options)


def _refuse_tools(recipe: Recipe) -> None:
    if recipe.tools:
        raise InvalidArgument(f"{recipe.kind} uses no tools; ReAct does")


def _predict(dspy: Any, signature: Any, recipe: Recipe, _registry: Registry, _make_tool: ToolMaker) -> Any:
    _refuse_tools(recipe)
    return dspy.Predict(signature, **_options(recipe))


def _chain_of_thought(dspy: Any, signature: Any, recipe: Recipe, _registry: Registry, _make_tool: ToolMaker) -> Any:
    _refuse_tools(recipe)
    return dspy.ChainOfThought(signature, **_options(recipe))


def _react(dspy: Any, signature: Any, recipe: Recipe, _registry: Registry, make_tool: ToolMaker) -> Any:
    return dspy.ReAct(signature, tools=[make_tool(tool) for tool in recipe.tools], **_options(recipe, {"max_iters"}))


def _program_of_thought(dspy: Any, signature: Any, recipe: Recipe, registry: Registry, _make_tool: ToolMaker) -> Any:
    _refuse_tools(recipe)
    options = _options(recipe, {"max_iters"})
    if registry.interpreter_factory is not None:
        options["interpreter_factory"] = registry.interpreter_factory
    elif shutil.which("deno") is None and importlib.util.find_spec("deno") is None:
        raise InvalidArgument(NO_SANDBOX, details={"field": "interpreter"})
    with warnings.catch_warnings():
        # Announced to leave DSPy in 3.5, which our version range stops short of.
        warnings.filterwarnings("ignore", message="ProgramOfThought is deprecated", category=DeprecationWarning)
        return dspy.ProgramOfThought(signature, **options)


# A whitelist: names from outside never become attributes of DSPy.
_KINDS: dict[str, Callable[[Any, Any, Recipe, Registry, ToolMaker], Any]] = {
    "Predict": _predict,
    "ChainOfThought": _chain_of_thought,
    "ReAct": _react,
    "ProgramOfThought": _program_of_thought,
}
