"""Reading variables: one, many, all."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from coilyard import _arguments as given
from coilyard import _methods as methods
from coilyard._errors import VariableNotFound
from coilyard._proto import variables_pb2
from coilyard._records import value_of, variable_dict
from coilyard._sentinel import MISSING
from coilyard._session.base import SessionBase
from coilyard._values import TYPE_ALIASES


class VariableReads(SessionBase):
    """The methods that read and change nothing."""

    async def get_variable(self, name: str, default: Any = MISSING, bypass_cache: bool = False) -> Any:
        """The value of a variable, from the cache where that is known to be true.

        The first cached read opens a watch that keeps the cache true from then on.

        Args:
            name: Name or id.
            default: Returned when there is no such variable; None is a default like any other.
            bypass_cache: Ask the gateway even when the cache has a value.

        Raises:
            VariableNotFound: There is no such variable and no default (also a KeyError).
            SessionNotFound: The session is gone; a default does not hide that.
            AccessDenied: Reading is not allowed (also a PermissionError).
            TransportError: The gateway was not reached in time (also a grpc.RpcError).

        Example:
            >>> temperature = await session.get_variable("temperature", default=0.7)
        """
        # The hot path: one lookup, two counters. `_fast` has only what may be answered without a further question.
        try:
            entry = self._fast[name]
        except Exception:  # not there, or nothing that can be looked up, which is refused further on
            entry = None
        if entry is not None and bypass_cache is False:
            table = self._table
            table.tick = entry.used = table.tick + 1
            entry.uses += 1
            return entry.value
        return await self._read(name, default, bypass_cache)

    def cached(self, name: str, default: Any = MISSING) -> Any:
        """The value of a variable if the cache has it, without awaiting anything.

        Never asks the gateway: read the variable once with `get_variable`, which also has the cache kept true.

        Args:
            name: Name or id.
            default: Returned when the cache does not have it.

        Raises:
            LookupError: The cache does not have it and there is no default.
        """
        try:
            entry = self._fast[name]
        except Exception:  # not there, or nothing that can be looked up, which is refused further on
            entry = None
        if entry is not None:
            table = self._table
            table.tick = entry.used = table.tick + 1
            entry.uses += 1
            return entry.value
        value = self._core.cache.get(given.name(name), default)
        if value is MISSING:
            raise LookupError(f"variable {name!r} is not in the cache: await get_variable first")
        return value

    async def _read(self, name: str, default: Any, bypass_cache: bool) -> Any:
        core = self._core
        name, bypass = given.name(name), given.flag(bypass_cache, "bypass_cache")
        core.start_push()
        if bypass:
            core.cache.count_miss()
        elif (value := core.cache.get(name)) is not MISSING:
            return value
        try:
            return await core.fetch(name, shared=not bypass and core.cache.enabled)
        except VariableNotFound:
            if default is MISSING:
                raise
            return default

    async def get_variables(
        self,
        names: Sequence[str],
        defaults: Mapping[str, Any] | None = None,
        include_metadata: bool = False,
        include_stats: bool = False,
        *,
        bypass_cache: bool = False,
    ) -> dict[str, Any]:
        """The values of many variables; those that are not cached are read together, at one revision.

        Args:
            names: Names or ids; they are the keys of the result.
            defaults: Values for names that do not exist. A name without one is absent from the result.
            include_metadata: Give a dict with the value and all that is known of the variable instead of the value.
            include_stats: Give a dict with the value and `stats`, this client's own counters of the variable.
            bypass_cache: Read all of them from the gateway.
        """
        listed = given.names(names)
        fallbacks = {} if defaults is None else given.mapping(defaults, "defaults", "a dict of values by name")
        with_metadata, with_stats = (
            given.flag(include_metadata, "include_metadata"),
            given.flag(include_stats, "include_stats"),
        )
        bypass = given.flag(bypass_cache, "bypass_cache")
        core = self._core
        core.start_push()
        found: dict[str, Any] = {}
        if bypass or with_metadata:
            for _ in listed:
                core.cache.count_miss()
        else:
            found = {name: value for name in listed if (value := core.cache.get(name)) is not MISSING}
        missing = [name for name in dict.fromkeys(listed) if name not in found]
        with given.called(variables="names"):
            variables = await core.fetch_many(missing) if missing else {}
        result = {}
        for name in listed:
            variable = variables.get(name)
            if name not in found and variable is None and name not in fallbacks:
                continue
            value = found[name] if name in found else fallbacks[name] if variable is None else value_of(variable)
            if not with_metadata and not with_stats:
                result[name] = value
                continue
            described: dict[str, Any] = {"metadata": {}} if with_metadata else {}
            if with_metadata and variable is not None:
                described = variable_dict(variable)
            described["value"] = value
            if with_stats:
                described["stats"] = core.client_stats(name)
            result[name] = described
        return result

    async def list_variables(
        self,
        type: str | None = None,
        source: str | None = None,
        pattern: str | None = None,
        *,
        include_metadata: bool = True,
    ) -> list[dict[str, Any]]:
        """Every variable of the session with all that is known of it, in order of registration.

        Args:
            type: Only variables of this type.
            source: Only variables that this writer wrote last.
            pattern: Only names that match this glob: `*` and `?` only.
            include_metadata: False leaves out `metadata`.
        """
        kind = given.optional_text(type, "type", "the name of a type or None")
        fields = {
            "type": TYPE_ALIASES.get(kind, kind),
            "source": given.optional_text(source, "source"),
            "pattern": given.optional_text(pattern, "pattern", "a glob or None"),
        }
        with_metadata = given.flag(include_metadata, "include_metadata")
        await self._core.initialize()
        request = variables_pb2.ListVariablesRequest(session_id=self._core.session_id, **fields)
        reply = await self._core.call(methods.ListVariables, request)
        for variable in reply.variables:
            self._core.note(variable)
        return [variable_dict(variable, with_metadata) for variable in reply.variables]
