"""Runs DSPy modules: built on first use, kept while their recipe and variables stay the same, each run on its own."""

from __future__ import annotations

import asyncio
import importlib
import sys
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from coilyard._errors import InvalidArgument, ModuleNotFound
from coilyard._proto import workers_pb2
from coilyard._registry import BUILT_IN_MODULES, Registry, ToolDefinition
from coilyard._single_flight import SingleFlight
from coilyard._values import decode_metadata
from coilyard._worker.failures import guard
from coilyard._worker.language_model import LanguageModels, answers_async, bound, required, settings_of
from coilyard._worker.recipes import Built, Recipe, build_declared, build_kind, unknown_kind
from coilyard._worker.threads import Threads
from coilyard._worker.tool_calls import ToolCalls

#: Modules that are kept built.
KEPT = 64


class ModuleCalls:
    """Builds and runs the modules of all sessions; no run changes anything that another one sees."""

    def __init__(self, registry: Registry, threads: Threads, tools: ToolCalls) -> None:
        self._registry = registry
        self._threads = threads
        self._tools = tools
        self._models = LanguageModels()
        self._built: OrderedDict[str, Built] = OrderedDict()
        self._building: SingleFlight[Built] = SingleFlight()
        self._loading = asyncio.Lock()

    async def run(self, call: workers_pb2.Call, arguments: Mapping[str, Any]) -> Any:
        """Runs the module of a call.

        Returns:
            The output fields by name.

        Raises:
            CoilyardError: It was not executed.
            UserCodeFailed: It raised, or its factory did.
        """
        recipe = self._recipe(call.module)
        dspy = await self._load()
        settings = settings_of(decode_metadata(call.variables))
        model = self._models.current(dspy)
        if recipe.kind in BUILT_IN_MODULES:
            model = required(model)
        with dspy.context(
            lm=None if model is None else bound(dspy, model, settings),
            # Each run has its own; the default one is shared by all and only grows.
            trace=[],
            disable_history=True,
            max_history_size=0,
        ):
            built = await self._get_built(dspy, call, recipe)
            if built.inputs is not None:
                _check_inputs(recipe, built.inputs, arguments)
            program = _with_settings(dspy, built.program, settings)
            return _fields(dspy, await guard(self._execute(dspy, program, arguments)))

    async def _load(self) -> Any:
        """DSPy, imported when the first module runs: it takes seconds, in which the loop goes on."""
        async with self._loading:
            if "dspy" not in sys.modules:
                try:
                    await self._threads.run(importlib.import_module, "dspy")
                except ImportError as error:
                    raise ModuleNotFound(f"DSPy cannot be imported ({error}): pip install 'coilyard[dspy]'") from error
            dspy = importlib.import_module("dspy")
            if "cache" not in vars(dspy) and hasattr(dspy, "configure_cache"):
                # Nobody configured the disk cache yet: it shall not run code that it finds on the disk.
                await self._threads.run(dspy.configure_cache, restrict_pickle=True)
            return dspy

    def _recipe(self, message: workers_pb2.Recipe) -> Recipe:
        if message.kind not in BUILT_IN_MODULES and self._registry.modules.get(message.kind) is None:
            raise unknown_kind(message.kind, self._registry)
        return Recipe(
            kind=message.kind,
            signature=message.signature,
            instructions=message.instructions,
            options=decode_metadata(message.options),
            tools=tuple(self._tools.find(name) for name in message.tools),
        )

    async def _get_built(self, dspy: Any, call: workers_pb2.Call, recipe: Recipe) -> Built:
        key = self._key(call)
        built = self._built.get(key)
        if built is None:
            built = await self._building.run(key, lambda: self._build(dspy, call, recipe))
            self._built[key] = built
        self._built.move_to_end(key)
        while len(self._built) > KEPT:
            self._built.popitem(last=False)
        return built

    def _key(self, call: workers_pb2.Call) -> str:
        """What a built module depends on: the session, the recipe, and the values of the variables that it declares."""
        definition = self._registry.modules.get(call.module.kind)
        names = () if definition is None else definition.variables
        relevant = workers_pb2.Call(session_id=call.session_id, module=call.module)
        for name in names:
            if name in call.variables:
                relevant.variables[name].CopyFrom(call.variables[name])
        return relevant.SerializeToString(deterministic=True).hex()

    async def _build(self, dspy: Any, call: workers_pb2.Call, recipe: Recipe) -> Built:
        session_id, loop = call.session_id, asyncio.get_running_loop()

        def make_tool(tool: ToolDefinition) -> Any:
            return _dspy_tool(dspy, tool, self._tools, session_id, loop)

        definition = self._registry.modules.get(recipe.kind)
        if recipe.kind in BUILT_IN_MODULES or definition is None:
            return await self._threads.run(build_kind, dspy, recipe, self._registry, make_tool)
        variables = decode_metadata(call.variables)
        building = self._threads.run(build_declared, dspy, recipe, definition, variables, make_tool)
        return await guard(building, passing=InvalidArgument)

    async def _execute(self, dspy: Any, program: Any, arguments: Mapping[str, Any]) -> Any:
        if hasattr(type(program), "aforward") and _all_answer_async(dspy, program):
            return await program.acall(**arguments)
        return await self._threads.run(program, **arguments)


def _all_answer_async(dspy: Any, program: Any) -> bool:
    models = [predictor.lm for predictor in _predictors(dspy, program)]
    return all(answers_async(dspy, model or dspy.settings.lm) for model in models if model or dspy.settings.lm)


def _predictors(dspy: Any, program: Any) -> list[Any]:
    """All of them, those of compiled parts included, which `named_predictors` hides."""
    return [part for _, part in program.named_sub_modules(dspy.Predict, skip_compiled=False)]


def _with_settings(dspy: Any, program: Any, settings: Mapping[str, Any]) -> Any:
    """The program for one run: predictors that carry a model of their own get the settings too, in a copy."""
    if not settings or all(predictor.lm is None for predictor in _predictors(dspy, program)):
        return program
    copy = program.deepcopy()
    for predictor in _predictors(dspy, copy):
        if predictor.lm is not None:
            predictor.lm = bound(dspy, predictor.lm, settings)
    return copy


def _check_inputs(recipe: Recipe, inputs: frozenset[str], arguments: Mapping[str, Any]) -> None:
    """DSPy itself only warns, and asks the model without the field."""
    missing, extra = sorted(inputs - arguments.keys()), sorted(arguments.keys() - inputs)
    if missing or extra:
        problems = [f"missing input {name!r}" for name in missing] + [f"unexpected input {name!r}" for name in extra]
        raise InvalidArgument(
            f"{recipe.kind}({recipe.signature!r}): {', '.join(problems)}",
            details={"missing": missing, "unexpected": extra},
        )


def _fields(dspy: Any, output: Any) -> Any:
    return dict(output.items()) if isinstance(output, dspy.Prediction) else output


def _dspy_tool(
    dspy: Any, tool: ToolDefinition, tools: ToolCalls, session_id: str, loop: asyncio.AbstractEventLoop
) -> Any:
    """A declared tool as DSPy knows tools. It runs on the loop, from wherever the module is run."""

    def call(**arguments: Any) -> Any:
        work = tools.run(tool.name, arguments, session_id)
        try:
            asyncio.get_running_loop()
        except RuntimeError:  # a module that is run in a thread
            return asyncio.run_coroutine_threadsafe(work, loop).result()
        return work

    return dspy.Tool(
        call,
        name=tool.name,
        desc=tool.description,
        args=tool.schema["properties"],
        arg_types={name: annotation for name, (annotation, _) in tool.parameters.without(tool.variables).named.items()},
    )
