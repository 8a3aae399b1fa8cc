"""What depends on what: a graph that the gateway keeps free of circles. Nothing is recalculated by it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from coilyard import _arguments as given
from coilyard import _methods as methods
from coilyard._proto import variables_pb2
from coilyard._rules import dependency_dict
from coilyard._session.base import SessionBase
from coilyard._values import encode_metadata


class VariableDependencies(SessionBase):
    """The methods about dependencies between variables."""

    async def add_dependency(
        self,
        from_variable: str,
        to_variable: str,
        dependency_type: str = "data",
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        """Records that one variable depends on another, which cannot be deleted then without the first.

        Args:
            from_variable: The one that depends, by name or id.
            to_variable: What it depends on.
            dependency_type: `data`, `constraint` or `optimization`.
            metadata: What there is to say about it.

        Raises:
            CircularDependency: It would depend on itself, perhaps by way of others (also a ValueError).
            InvalidArgument: The type is none of the three (also a ValueError).
            VariableNotFound: One of them does not exist (also a KeyError).

        Example:
            >>> await session.add_dependency("effective_temperature", "base_temperature", dependency_type="data")
        """
        core = self._core
        kind = given.text(dependency_type, "dependency_type", "one of data, constraint, optimization")
        fields = {**_ends(from_variable, to_variable), "type": kind, "metadata": encode_metadata(metadata)}
        await core.initialize()
        request = variables_pb2.AddDependencyRequest(**core.scoped(fields), source=core.config.source)
        with given.called(type="dependency_type"):
            await core.call(methods.AddDependency, request)

    async def remove_dependency(self, from_variable: str, to_variable: str) -> None:
        """Takes a dependency back; one that is not there is no error.

        Raises:
            VariableNotFound: One of the variables does not exist (also a KeyError).
        """
        core = self._core
        ends = _ends(from_variable, to_variable)
        await core.initialize()
        request = variables_pb2.RemoveDependencyRequest(**core.scoped(ends), source=core.config.source)
        await core.call(methods.RemoveDependency, request)

    async def get_dependencies(self, variable: str, include_transitive: bool = False) -> list[dict[str, Any]]:
        """What a variable depends on: dicts with `variable_id`, `name`, `type` and `metadata`.

        Args:
            variable: Name or id.
            include_transitive: Also what those depend on.

        Raises:
            VariableNotFound: There is no such variable (also a KeyError).
        """
        direction = variables_pb2.DEPENDENCY_DIRECTION_DEPENDENCIES
        return await self._edges(variable, include_transitive, direction)

    async def get_dependents(self, variable: str, include_transitive: bool = False) -> list[dict[str, Any]]:
        """What depends on a variable; see `get_dependencies`."""
        direction = variables_pb2.DEPENDENCY_DIRECTION_DEPENDENTS
        return await self._edges(variable, include_transitive, direction)

    async def _edges(
        self, variable: str, transitive: bool, direction: variables_pb2.DependencyDirection
    ) -> list[dict[str, Any]]:
        core = self._core
        name, is_transitive = given.name(variable, "variable"), given.flag(transitive, "include_transitive")
        await core.initialize()
        request = variables_pb2.GetDependenciesRequest(
            session_id=core.session_id, variable=name, direction=direction, transitive=is_transitive
        )
        reply = await core.call(methods.GetDependencies, request)
        return [dependency_dict(dependency) for dependency in reply.dependencies]


def _ends(from_variable: str, to_variable: str) -> dict[str, Any]:
    return {"from": given.name(from_variable, "from_variable"), "to": given.name(to_variable, "to_variable")}
