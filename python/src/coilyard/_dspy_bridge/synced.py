"""Modules whose parameters have variables: which ones, with which values, and what an optimizer made of them."""

from __future__ import annotations

import logging
import weakref
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from coilyard._dspy_bridge.parameters import Parameter, Settings, Signatures, own_values
from coilyard._errors import CoilyardError, InvalidArgument, VariableNotFound
from coilyard._session.context import SessionContext

_log = logging.getLogger("coilyard.optimization")


@dataclass(frozen=True)
class Prepared:
    """A program as it is to be compiled.

    Attributes:
        program: A copy with the present values, if it was synced.
        parameters: Of the program; empty if it was not synced.
        before: The values of the variables of its instructions and demonstrations, and their versions.
    """

    program: Any
    parameters: tuple[Parameter, ...] = ()
    before: Mapping[str, tuple[Any, int]] = field(default_factory=dict)


class SyncedModules:
    """The modules that a bridge has synced, for as long as they live."""

    def __init__(self, session: SessionContext) -> None:
        self._session = session
        self._known: dict[int, tuple[weakref.ref[Any], dict[str, Parameter]]] = {}
        self._signatures = Signatures()

    def __len__(self) -> int:
        return len(self._known)

    def remember(self, module: Any, parameters: Iterable[Parameter]) -> None:
        """Adds parameters to those of a module; one that was synced under another prefix follows its new variable."""
        key = id(module)
        kept = {parameter.label: parameter for parameter in (*(self.of(module) or ()), *parameters)}
        self._known[key] = (weakref.ref(module, lambda _: self._known.pop(key, None)), kept)

    def of(self, module: Any) -> list[Parameter] | None:
        """The parameters of a module; None: it was not synced."""
        known, parameters = self._known.get(id(module), (None, {}))
        return list(parameters.values()) if known is not None and known() is module else None

    async def settings(self, dspy: Any, module: Any) -> tuple[Settings, dict[str, Any]]:
        """The present values of a module's parameters, and the same by name of their variable.

        Raises:
            InvalidArgument: It was not synced.
            VariableNotFound: A variable is gone.
        """
        parameters = self.of(module)
        if parameters is None:
            raise InvalidArgument(
                "dspy_module: expected a module that was synced; await bridge.sync_dspy_parameters(module) first"
            )
        values = await self._session.get_variables([parameter.variable for parameter in parameters])
        _complete(parameters, values)
        return Settings(dspy, parameters, values, self._signatures), values

    async def prepared(self, dspy: Any, student: Any) -> Prepared:
        """A student as it is to be compiled: with the present values of its variables, if it was synced.

        Raises:
            VariableNotFound: A variable is gone.
        """
        parameters = self.of(student)
        if parameters is None:
            return Prepared(student)
        names = [parameter.variable for parameter in parameters]
        described = await self._session.get_variables(names, include_metadata=True, bypass_cache=True)
        _complete(parameters, described)
        values = {name: item["value"] for name, item in described.items()}
        own = [parameter.variable for parameter in parameters if parameter.own]
        before = {name: (values[name], described[name]["version"]) for name in own}
        return Prepared(Settings(dspy, parameters, values).copy(student), tuple(parameters), before)

    async def publish(self, prepared: Prepared, program: Any, metadata: Mapping[str, Any]) -> None:
        """Syncs a compiled program as its student was, and writes what the optimizer has found to its variables.

        What others have written meanwhile is not overwritten, and what has no form on the wire not written: the log
        says so.
        """
        if not prepared.parameters:
            return
        self.remember(program, prepared.parameters)
        found = own_values(program, prepared.parameters)
        updates = {name: value for name, value in found.items() if value != prepared.before[name][0]}
        if updates:
            versions = {name: prepared.before[name][1] for name in updates}
            try:
                results = await self._session.update_variables(updates, metadata, expected_versions=versions)
            except CoilyardError as error:
                results = dict.fromkeys(updates, str(error))
            for name, result in results.items():
                if result is not True:
                    _log.warning("what was found for %s is in the compiled program only: %s", name, result)


def _complete(parameters: Iterable[Parameter], values: Mapping[str, Any]) -> None:
    for parameter in parameters:
        if parameter.variable not in values:
            raise VariableNotFound(
                f"variable {parameter.variable!r} does not exist: {parameter.label} is to be set from it",
                details={"variable": parameter.variable},
            )
