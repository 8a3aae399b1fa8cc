"""`DSPyOptimizationBridge`: variables that DSPy's modules and optimizers take their parameters from."""

from __future__ import annotations

import weakref
from collections.abc import Mapping
from typing import Any

from coilyard import _arguments as given
from coilyard._dspy_bridge.library import a_module, load_dspy
from coilyard._dspy_bridge.parameters import Parameter, Settings, parameters_of
from coilyard._dspy_bridge.threads import run_in_thread
from coilyard._errors import InvalidArgument, ValidationFailed, VariableExists, VariableNotFound
from coilyard._session.context import SessionContext
from coilyard._worker.language_model import answers_async

#: How often another client may register the same variables between a look and a registration.
_RACES = 3


class DSPyOptimizationBridge:
    """Lets variables of a session set what DSPy's modules and optimizers have as parameters. Needs the `dspy` extra.

    Attributes:
        session_context: Whose variables they are.

    Args:
        session_context: The session.

    Example:
        >>> bridge = coilyard.DSPyOptimizationBridge(session)
        >>> cot = dspy.ChainOfThought("question -> answer")
        >>> await bridge.sync_dspy_parameters(cot, variable_prefix="cot_")
        {'predict.temperature': 'cot_temperature', 'predict.max_tokens': 'cot_max_tokens'}
        >>> await session.set_variable("cot_temperature", 0.2)
        >>> print((await bridge.execute(cot, question="What is 2+2?")).answer)
    """

    def __init__(self, session_context: SessionContext) -> None:
        if not isinstance(session_context, SessionContext):
            raise given.wrong_kind("session_context", "a SessionContext", session_context)
        self.session_context = session_context
        self._synced: dict[int, tuple[weakref.ref[Any], dict[str, Parameter]]] = {}

    def __repr__(self) -> str:
        return f"<DSPyOptimizationBridge {self.session_context.session_id}>"

    async def sync_dspy_parameters(
        self, dspy_module: Any, variable_prefix: str = "", *, instructions: bool = False, demos: bool = False
    ) -> dict[str, str]:
        """Gives every parameter of a module a variable; `execute` and `apply` set the parameters from them.

        Each predictor has `temperature` (a float from 0 to 2), `max_tokens` (an integer of 1 or more) and the settings
        that it was made with, as far as they are scalars. A variable begins with what a request would have now: the
        predictor's own setting, else that of its model, else of the model that DSPy is configured with, else 0.7 and
        1024. A variable that exists and has the same type is adopted with its value, so that a module can be synced
        again, and in many processes.

        Variables are called `variable_prefix`, the predictor's path if the module has several, and the setting; what a
        name cannot have becomes `_`.

        Args:
            dspy_module: The module. Sub-modules that were compiled are frozen: DSPy hides their predictors.
            variable_prefix: What the names begin with.
            instructions: Also give the instructions of each predictor a variable, a string.
            demos: Also give its demonstrations a variable, a list of maps.

        Returns:
            The variables by parameter, such as `predict.temperature`; empty for a module without predictors.

        Raises:
            ValidationFailed: It is no module, or a variable of such a name has another type (also a TypeError).
            ConstraintViolation: A parameter is out of range, as a temperature of 3 is (also a ValueError).

        Example:
            >>> cot = dspy.ChainOfThought("question -> answer")
            >>> await bridge.sync_dspy_parameters(cot, variable_prefix="cot_")
            {'predict.temperature': 'cot_temperature', 'predict.max_tokens': 'cot_max_tokens'}
        """
        dspy = await load_dspy()
        module = a_module(dspy, dspy_module, "dspy_module")
        prefix = given.text(variable_prefix, "variable_prefix", empty=True)
        parameters = parameters_of(
            dspy, module, prefix, given.flag(instructions, "instructions"), given.flag(demos, "demos")
        )
        await self._adopt_or_register(parameters, type(module).__name__)
        kept = self._parameters_of(module) or {}
        # A parameter that was synced before under another prefix follows its new variable.
        kept.update((parameter.label, parameter) for parameter in parameters)
        key = id(module)
        self._synced[key] = (weakref.ref(module, lambda _: self._synced.pop(key, None)), kept)
        return {parameter.label: parameter.variable for parameter in parameters}

    async def apply(self, dspy_module: Any) -> dict[str, Any]:
        """Sets the present values of its variables on the module itself, all in one step.

        For modules that are run without `execute`. Calls of the module that are under way see the change.

        Args:
            dspy_module: A module that was synced.

        Returns:
            The values by name of their variable.

        Raises:
            InvalidArgument: It was not synced (also a ValueError).
            VariableNotFound: A variable is gone (also a KeyError).
        """
        dspy = await load_dspy()
        settings, values = await self._settings(dspy, a_module(dspy, dspy_module, "dspy_module"))
        settings.apply(dspy_module)
        return values

    async def execute(self, dspy_module: Any, /, **inputs: Any) -> Any:
        """Runs a module with the present values of its variables, and returns what it predicts.

        A copy of the module runs, which shares with it all but its predictors: executions at the same time do not see
        each other's values, and the module keeps its own. What `forward` assigns to `self` is gone afterwards.

        Args:
            dspy_module: A module that was synced.
            **inputs: The fields of its signature.

        Raises:
            InvalidArgument: It was not synced (also a ValueError).
            VariableNotFound: A variable is gone (also a KeyError).
        """
        dspy = await load_dspy()
        settings, _ = await self._settings(dspy, a_module(dspy, dspy_module, "dspy_module"))
        running = settings.copy(dspy_module)
        if _is_awaitable(dspy, running):
            return await running.acall(**inputs)
        return await run_in_thread(dspy, lambda _: running(**inputs))

    async def _settings(self, dspy: Any, module: Any) -> tuple[Settings, dict[str, Any]]:
        parameters = self._parameters_of(module)
        if parameters is None:
            raise InvalidArgument(
                "dspy_module: expected a module that was synced; await bridge.sync_dspy_parameters(module) first"
            )
        wanted = list(parameters.values())
        values = await self.session_context.get_variables([parameter.variable for parameter in wanted])
        for parameter in wanted:
            if parameter.variable not in values:
                raise VariableNotFound(
                    f"variable {parameter.variable!r} does not exist: {parameter.label} is to be set from it",
                    details={"variable": parameter.variable},
                )
        return Settings(dspy, wanted, values), values

    def _parameters_of(self, module: Any) -> dict[str, Parameter] | None:
        known, parameters = self._synced.get(id(module), (None, None))
        return parameters if known is not None and known() is module else None

    async def _adopt_or_register(self, parameters: list[Parameter], module: str) -> None:
        """Has every variable exist with its type.

        Raises:
            ValidationFailed: One has another type; nothing was registered.
        """
        session = self.session_context
        for race in range(_RACES):
            names = [parameter.variable for parameter in parameters]
            existing: Mapping[str, Any] = (
                await session.get_variables(names, include_metadata=True, bypass_cache=True) if names else {}
            )
            for parameter in parameters:
                described = existing.get(parameter.variable)
                if described is not None and described["type"] != parameter.type:
                    raise ValidationFailed(
                        f"variable {parameter.variable!r} exists with the type {described['type']}: expected "
                        f"{parameter.type} for {parameter.label}; choose another variable_prefix",
                        details={"variable": parameter.variable, "expected": parameter.type},
                    )
            missing = [_specification(item, module) for item in parameters if item.variable not in existing]
            try:
                await session.register_variables(missing)
            except VariableExists:  # another client was faster: adopt what it registered
                if race == _RACES - 1:
                    raise
            else:
                return


def _specification(parameter: Parameter, module: str) -> dict[str, Any]:
    return {
        "name": parameter.variable,
        "type": parameter.type,
        "initial_value": parameter.value,
        "constraints": dict(parameter.constraints),
        "description": f"{parameter.key} of {parameter.path} in {module}",
        "metadata": {"dspy_module": module, "dspy_parameter": parameter.label},
    }


def _is_awaitable(dspy: Any, module: Any) -> bool:
    """Whether the module and the models of its predictors can be awaited; what cannot runs in a thread."""
    models = {id(model): model for predictor in module.predictors() if (model := predictor.lm or dspy.settings.lm)}
    return hasattr(type(module), "aforward") and all(answers_async(dspy, model) for model in models.values())
