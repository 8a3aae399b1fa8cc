"""`DSPyOptimizationBridge`: variables that DSPy's modules and optimizers take their parameters from."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from coilyard import _arguments as given
from coilyard._dspy_bridge.library import a_module, load_dspy
from coilyard._dspy_bridge.optimizer import VariableAwareOptimizer
from coilyard._dspy_bridge.parameters import Parameter, parameters_of
from coilyard._dspy_bridge.plan import Plan
from coilyard._dspy_bridge.synced import SyncedModules
from coilyard._dspy_bridge.threads import run_in_thread
from coilyard._errors import ValidationFailed, VariableExists, VariableNotFound
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
        self._synced = SyncedModules(session_context)

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
        self._synced.remember(module, parameters)
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
        settings, values = await self._synced.settings(dspy, a_module(dspy, dspy_module, "dspy_module"))
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
        settings, _ = await self._synced.settings(dspy, a_module(dspy, dspy_module, "dspy_module"))
        running = settings.copy(dspy_module)
        if _is_awaitable(dspy, running):
            return await running.acall(**inputs)
        return await run_in_thread(dspy, lambda _: running(**inputs))

    async def create_variable_aware_optimizer(
        self, optimizer_class: type[Any], variable_mappings: Mapping[str, str], **kwargs: Any
    ) -> VariableAwareOptimizer:
        """Makes an optimizer of DSPy whose settings are read from variables whenever it compiles.

        A parameter of the mapping is one of the constructor or, if that has none of its name, of `compile`;
        `teacher_temperature` and the like are settings of the language model that the teacher asks. A value becomes
        what its parameter takes: an integer a float, a whole float an integer.

        Args:
            optimizer_class: Such as `dspy.teleprompt.BootstrapFewShot`.
            variable_mappings: The variables, names or ids, by parameter.
            **kwargs: Arguments that come from no variable, such as `metric`.

        Raises:
            InvalidArgument: A parameter fits nowhere; the text says which there are (also a ValueError).
            ValidationFailed: A variable or an argument is of the wrong kind, or lacks (also a TypeError).
            VariableNotFound: There is no such variable (also a KeyError).

        Example:
            >>> optimizer = await bridge.create_variable_aware_optimizer(
            ...     BootstrapFewShot,
            ...     variable_mappings={"teacher_temperature": "temperature", "max_bootstrapped_demos": "max_demos"},
            ...     metric=accuracy_metric,
            ... )
            >>> optimized_program = await optimizer.compile(student, trainset=train_data)
        """
        dspy = await load_dspy()
        mappings = {
            parameter: given.name(variable, f"variable_mappings[{parameter!r:.40}]")
            for parameter, variable in given.mapping(
                variable_mappings, "variable_mappings", "a dict of variables by parameter"
            ).items()
        }
        teacher = (kwargs.get("teacher_settings") or {}).get("lm") or dspy.settings.lm
        known = getattr(teacher, "kwargs", None) or {}
        Plan(optimizer_class, mappings, kwargs, known)  # says what is wrong before anything is asked
        variables = list(dict.fromkeys(mappings.values()))
        described = (
            await self.session_context.get_variables(variables, include_metadata=True, bypass_cache=True)
            if variables
            else {}
        )
        for name in variables:
            if name not in described:
                raise VariableNotFound(f"variable {name!r} does not exist", details={"variable": name})
        names = {parameter: described[variable]["name"] for parameter, variable in mappings.items()}
        plan = Plan(optimizer_class, names, kwargs, known)
        plan.coerced({item["name"]: item["value"] for item in described.values()})
        return VariableAwareOptimizer(self.session_context, dspy, plan, self._synced)

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
