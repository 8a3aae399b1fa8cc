"""What user code declares for workers: tools, module factories, a code interpreter.

Decorators run at import and have nowhere else to put what they find, so one registry belongs to the process. A worker
is given the registry as an argument; tests make their own.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, TypeVar, overload

from coilyard._schema import function_schema
from coilyard._signatures import Parameters, describe, is_streaming, read_parameters

F = TypeVar("F", bound=Callable[..., Any])
D = TypeVar("D", bound="ToolDefinition | ModuleDefinition")

#: The modules that recipes can name without a declaration.
BUILT_IN_MODULES = ("Predict", "ChainOfThought", "ReAct", "ProgramOfThought")

_NAME = re.compile(r"[A-Za-z_][\w.\-]{0,127}")


@dataclass(frozen=True)
class ToolDefinition:
    """A Python function that can be called by name.

    Attributes:
        name: How it is called.
        description: What it does, for people and for language models.
        function: The function as it was declared.
        parameters: What it takes.
        schema: JSON Schema of the parameters that callers give.
        streaming: Whether it yields chunks.
        variables: The session variables that are filled in as arguments.
    """

    name: str
    description: str
    function: Callable[..., Any]
    parameters: Parameters
    schema: dict[str, Any]
    streaming: bool
    variables: tuple[str, ...] = ()

    @cached_property
    def is_coroutine(self) -> bool:
        """Whether it runs on the loop, and not in a thread."""
        return inspect.iscoroutinefunction(self.function)


@dataclass(frozen=True)
class ModuleDefinition:
    """A factory of DSPy modules.

    Attributes:
        name: How recipes name it.
        description: What it makes.
        factory: Called with the values of `variables` and the options of the recipe.
        parameters: What the factory takes.
        variables: The session variables whose values it is built from.
    """

    name: str
    description: str
    factory: Callable[..., Any]
    parameters: Parameters
    variables: tuple[str, ...]


class Definitions(Generic[D]):
    """Definitions by name. Declaring the same function again replaces it, as a reload does; another one is refused."""

    def __init__(self) -> None:
        self._by_name: dict[str, D] = {}

    def add(self, definition: D, function: Callable[..., Any]) -> None:
        """Adds a definition.

        Raises:
            ValueError: The name is not valid, or taken by another function.
        """
        name = definition.name
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not a valid name: letters, digits, '_', '-' and '.', at most 128 of them")
        held = self._by_name.get(name)
        if held is not None and _origin(_function_of(held)) != _origin(function):
            raise ValueError(f"{name!r} is declared twice: by {_origin(_function_of(held))} and {_origin(function)}")
        self._by_name[name] = definition

    def get(self, name: str) -> D | None:
        """The definition of this name."""
        return self._by_name.get(name)

    def all(self) -> list[D]:
        """All of them in order of declaration."""
        return list(self._by_name.values())


def _function_of(definition: ToolDefinition | ModuleDefinition) -> Callable[..., Any]:
    return definition.function if isinstance(definition, ToolDefinition) else definition.factory


def _origin(function: Callable[..., Any]) -> str:
    return f"{function.__module__}.{function.__qualname__}"


@dataclass
class Registry:
    """Everything that was declared.

    Attributes:
        tools: By name.
        modules: By name.
        interpreter_factory: Makes the sandbox in which `ProgramOfThought` runs code; None when there is none.
    """

    tools: Definitions[ToolDefinition] = field(default_factory=Definitions)
    modules: Definitions[ModuleDefinition] = field(default_factory=Definitions)
    interpreter_factory: Callable[[], Any] | None = None

    def add_tool(
        self, function: F, name: str | None = None, description: str | None = None, variables: Sequence[str] = ()
    ) -> F:
        """Declares a tool; see `tool`."""
        if isinstance(variables, str):
            raise TypeError(f"variables: expected a tuple of names, got the text {variables!r}")
        parameters = read_parameters(function)
        unknown = [variable for variable in variables if not parameters.accepts(variable)]
        if unknown:
            raise ValueError(f"{function.__qualname__} has no parameter for the variable {unknown[0]!r}")
        definition = ToolDefinition(
            name=name or function.__name__,
            description=describe(function) if description is None else description,
            function=function,
            parameters=parameters,
            schema=function_schema(function, parameters.without(variables)),
            streaming=is_streaming(function),
            variables=tuple(variables),
        )
        self.tools.add(definition, function)
        return function

    def add_module(self, factory: F, name: str, variables: Sequence[str] = (), description: str | None = None) -> F:
        """Declares a factory of modules; see `module`."""
        if isinstance(variables, str):
            raise TypeError(f"variables: expected a tuple of names, got the text {variables!r}")
        if name in BUILT_IN_MODULES:
            raise ValueError(f"{name!r} is the name of a module that every worker has")
        parameters = read_parameters(factory)
        unknown = [variable for variable in variables if not parameters.accepts(variable)]
        if unknown:
            raise ValueError(f"module {name!r}: its factory has no parameter for the variable {unknown[0]!r}")
        definition = ModuleDefinition(
            name=name,
            description=describe(factory) if description is None else description,
            factory=factory,
            parameters=parameters,
            variables=tuple(variables),
        )
        self.modules.add(definition, factory)
        return factory


#: What the decorators of this package fill.
default_registry = Registry()


@overload
def tool(function: F, /) -> F: ...
@overload
def tool(
    *, name: str | None = None, description: str | None = None, variables: Sequence[str] = ()
) -> Callable[[F], F]: ...
def tool(
    function: F | None = None,
    /,
    *,
    name: str | None = None,
    description: str | None = None,
    variables: Sequence[str] = (),
) -> F | Callable[[F], F]:
    """Declares a function as a tool that TypeScript and language models can call.

    The function may be plain, a coroutine function, a generator or an async generator; what a generator yields is
    streamed. Plain functions run in threads. Its annotations and docstring become its schema. A parameter annotated
    `SessionContext` is filled in with the session of the call and is not part of the schema.

    Args:
        function: The function, when the decorator is used without parentheses.
        name: Its name; the function's own when left out.
        description: What it does; the head of the docstring when left out.
        variables: Session variables whose committed values are filled in as the parameters of these names. They are
            not part of the schema; a caller may give another value all the same.

    Example:
        >>> @coilyard.tool
        ... async def search(query: str, session: coilyard.SessionContext, limit: int = 10) -> list[str]:
        ...     '''Finds documents.
        ...
        ...     Args:
        ...         query: What to look for.
        ...     '''
    """
    if function is not None:
        return default_registry.add_tool(function, name, description, variables)
    return lambda declared: default_registry.add_tool(declared, name, description, variables)


def module(name: str, variables: Sequence[str] = (), *, description: str | None = None) -> Callable[[F], F]:
    """Declares a factory of DSPy modules that recipes can name.

    A worker calls it on first use and again whenever one of its variables has another value. Parameters beyond the
    variables are filled from the options of the recipe, and from `signature`, `instructions` and `tools` where the
    factory has parameters of these names.

    Args:
        name: How recipes name it.
        variables: The session variables that it takes, each as the parameter of that name.
        description: What it makes; the head of the docstring when left out.

    Example:
        >>> @coilyard.module("Triage", variables=("max_demos",))
        ... def build(max_demos: int) -> dspy.Module:
        ...     return Triage(demos=load_demos()[:max_demos])
    """
    return lambda factory: default_registry.add_module(factory, name, variables, description)


def register_interpreter(factory: Callable[[], Any]) -> None:
    """Sets what makes the sandbox in which `ProgramOfThought` runs the code of a language model.

    Args:
        factory: Returns a DSPy code interpreter; called once for each run, possibly from several threads.
    """
    if not callable(factory):
        raise TypeError(f"expected a function that makes an interpreter, got {factory!r}")
    default_registry.interpreter_factory = factory
