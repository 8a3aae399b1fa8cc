"""DSPy modules whose class a variable names: changing the variable changes what the next call runs."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable
from typing import Any, cast

from coilyard import _arguments as given
from coilyard._dspy_bridge.library import load_dspy
from coilyard._errors import InvalidArgument, ValidationFailed
from coilyard._registry import BUILT_IN_MODULES, Registry, ToolDefinition, default_registry
from coilyard._session.context import SessionContext
from coilyard._worker.recipes import Recipe, build_kind, unknown_kind

#: Makes a module: called with the signature and the options of `create_module`.
ModuleFactory = Callable[..., Any]

#: What `max_iters` means something to. Nothing else does, and these take no settings of a language model.
_ITERATING = ("ReAct", "ProgramOfThought")


class ModuleVariableResolver:
    """Builds DSPy modules by the name that a variable of type `module` has.

    Names are looked up in a list, never in DSPy itself: `Predict`, `ChainOfThought`, `ReAct`, `ProgramOfThought`, and
    what was registered. The language model is the one that DSPy is configured with. Needs the `dspy` extra.

    Args:
        session: Whose variables name the modules.

    Example:
        >>> resolver = coilyard.ModuleVariableResolver(session)
        >>> answerer = await resolver.create_module("reasoning_strategy", "question -> answer")
        >>> print((await answerer.forward(question="What is 2+2?")).answer)
    """

    def __init__(self, session: SessionContext) -> None:
        if not isinstance(session, SessionContext):
            raise given.wrong_kind("session", "a SessionContext", session)
        self._session = session
        self._factories: dict[str, ModuleFactory] = {}

    def register_module(self, name: str, factory: ModuleFactory) -> None:
        """Gives a name to a factory of modules, or a name of DSPy's another meaning here.

        Args:
            name: What the variable says.
            factory: Called with the signature and the options of `create_module`, in a thread.

        Raises:
            ValidationFailed: It cannot be called (also a TypeError).
        """
        if not callable(factory):
            raise given.wrong_kind("factory", "a function that makes a module", factory)
        self._factories[given.text(name, "name", "the name of a module")] = factory

    async def create_module(
        self,
        variable: str,
        signature: str,
        *,
        tools: Iterable[Callable[..., Any]] = (),
        interpreter_factory: Callable[[], Any] | None = None,
        pinned: bool = False,
        **options: Any,
    ) -> ResolvedModule:
        """Builds the module that the variable names now.

        Args:
            variable: Name or id of a variable of type `module`.
            signature: Such as `question -> answer`.
            tools: What `ReAct` may use; other modules do without.
            interpreter_factory: Makes the sandbox of `ProgramOfThought`; what `register_interpreter` was given if left
                out.
            pinned: True: stay with this module when the variable changes.
            **options: Such as `temperature` for modules that ask a model once, `max_iters` for those that iterate;
                each takes those that mean something to it.

        Raises:
            VariableNotFound: There is no such variable (also a KeyError).
            ValidationFailed: It is of another type (also a TypeError).
            ModuleNotFound: It names a module that is not known (also a KeyError).
            InvalidArgument: The signature or an option is not valid (also a ValueError).
            ImportError: DSPy is not installed.
        """
        registry = Registry(
            interpreter_factory=given.function(interpreter_factory, "interpreter_factory")
            or default_registry.interpreter_factory
        )
        usable = given.items(tools, "tools", "a list of functions")
        for index, tool in enumerate(usable):
            if not callable(tool):
                raise given.wrong_kind(f"tools[{index}]", "a function or a dspy.Tool", tool)
        text = given.text(signature, "signature", "a signature such as 'question -> answer'")
        handle = ResolvedModule(
            self._session,
            given.name(variable, "variable"),
            lambda dspy, name: self._build(dspy, name, text, usable, options, registry),
            given.flag(pinned, "pinned"),
        )
        await handle.refresh()
        return handle

    def _build(
        self, dspy: Any, name: str, signature: str, tools: list[Any], options: dict[str, Any], registry: Registry
    ) -> Any:
        factory = self._factories.get(name)
        if factory is not None:
            module = factory(signature, **options)
            if not isinstance(module, dspy.Module):
                raise ValidationFailed(
                    f"the factory of module {name!r} returned {given.shown(module)}: expected a dspy.Module"
                )
            return module
        if name not in BUILT_IN_MODULES:
            error = unknown_kind(name, Registry())
            error.message = f"{error.message}, {', '.join(self._factories)}" if self._factories else error.message
            error.args = (error.message,)
            raise error
        iterates = name in _ITERATING
        fitting = {key: value for key, value in options.items() if (key == "max_iters") is iterates}
        used = cast("tuple[ToolDefinition, ...]", tuple(tools) if name == "ReAct" else ())
        return build_kind(dspy, Recipe(name, signature, "", fitting, used), registry, lambda tool: tool).program


class ResolvedModule:
    """A module that follows its variable. Made by `ModuleVariableResolver.create_module`.

    Attributes:
        strategy: The name of the module that the last call ran, or the next one will unless the variable changes.
        version: The variable's version then.
        module: The DSPy module itself.
    """

    def __init__(self, session: SessionContext, variable: str, build: Callable[[Any, str], Any], pinned: bool) -> None:
        self.strategy = ""
        self.version = -1
        self.module: Any = None
        self._session = session
        self._variable = variable
        self._build = build
        self._pinned = pinned
        self._built: dict[str, Any] = {}
        self._refreshing = asyncio.Lock()

    def __repr__(self) -> str:
        return f"<ResolvedModule {self._variable}={self.strategy} version {self.version}>"

    async def refresh(self) -> None:
        """Takes the module that the variable names now; one that was built before is used again."""
        async with self._refreshing:
            known = await self._session.get_variables([self._variable], include_metadata=True)
            if self._variable not in known:
                await self._session.get_variable(self._variable, bypass_cache=True)  # says that there is none
                raise InvalidArgument(f"variable: {self._variable!r} was registered this very moment; ask again")
            described = known[self._variable]
            if described["type"] != "module":
                expected = f"a variable of type module, {self._variable!r} is a {described['type']}"
                raise ValidationFailed(f"variable: expected {expected}")
            strategy = described["value"]
            if strategy not in self._built:
                dspy = await load_dspy()
                self._built[strategy] = await asyncio.to_thread(self._build, dspy, strategy)
            self.module, self.strategy, self.version = self._built[strategy], strategy, described["version"]

    async def forward(self, **inputs: Any) -> Any:
        """Runs the module that the variable names now, and returns what it predicts.

        Args:
            **inputs: The fields of the signature.

        Raises:
            ModuleNotFound: The variable names another module by now, which is not known (also a KeyError).
        """
        if not self._pinned and await self._session.get_variable(self._variable) != self.strategy:
            await self.refresh()
        module = self.module
        if hasattr(type(module), "aforward"):
            return await module.acall(**inputs)
        return await (await load_dspy()).asyncify(module)(**inputs)

    async def acall(self, **inputs: Any) -> Any:
        """As `forward`, under the name that DSPy has for it."""
        return await self.forward(**inputs)

    async def __call__(self, **inputs: Any) -> Any:
        return await self.forward(**inputs)
