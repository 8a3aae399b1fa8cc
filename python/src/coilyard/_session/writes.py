"""Creating, changing and deleting variables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal

from coilyard import _arguments as given
from coilyard import _methods as methods
from coilyard._errors import CoilyardError, InvalidArgument, VariableExists, VariableNotFound
from coilyard._proto import value_pb2, variables_pb2
from coilyard._rules import encode_dependencies, encode_rules
from coilyard._session.base import SessionBase
from coilyard._values import TYPE_ALIASES, encode_metadata, encode_value, framework_of, infer_type
from coilyard._wire_errors import error_from_detail

_SPEC_KEYS = frozenset({
    "name", "type", "initial_value", "constraints", "metadata", "description", "read_only", "dependencies",
    "access_rules",
})  # fmt: skip
_CREATION_RACES = 3


class VariableWrites(SessionBase):
    """The methods that change variables. Each write carries a request id: repeated after a lost reply, it acts once."""

    async def register_variable(
        self,
        name: str,
        type: str,
        initial_value: Any,
        constraints: Mapping[str, Any] | None = None,
        metadata: Mapping[str, Any] | None = None,
        dependencies: Sequence[str | Mapping[str, Any]] | None = None,
        access_rules: Sequence[Mapping[str, Any]] | None = None,
        *,
        description: str = "",
        read_only: bool = False,
    ) -> str:
        """Creates a variable and returns its id. The cache is not filled: the first read asks the gateway.

        Args:
            name: Its name.
            type: `float`, `integer`, `string`, `boolean`, `choice`, `module`, `list`, `map` (or `dict`), `embedding`,
                `tensor`, or a type that the runtime was given.
            initial_value: Its first value, of version 0.
            constraints: Such as `min`, `max`, `step`, `min_length`, `pattern`, `choices`, `allow_nan`.
            metadata: Anything with a JSON form; an instant becomes ISO 8601 text.
            dependencies: What it depends on, by name or id; or mappings with `variable`, `type` and `metadata`, as
                `add_dependency` takes them.
            access_rules: See `set_variable_permissions`.
            description: For people.
            read_only: True: no set is allowed.

        Raises:
            VariableExists: The name is taken; the variable keeps its id and value (also a ValueError).
            ValidationFailed: The value is of another kind than the type (also a TypeError and a ValueError).
            ConstraintViolation: The constraints refuse the value (also a ValueError).
            InvalidArgument: The name, the type, the constraints or the rules are not valid (also a ValueError).
            VariableNotFound: It depends on what does not exist (also a KeyError).

        Example:
            >>> await session.register_variable("temperature", "float", 0.7, constraints={"min": 0.0, "max": 2.0})
        """
        spec = {
            "name": name, "type": type, "initial_value": initial_value, "constraints": constraints,
            "metadata": metadata, "dependencies": dependencies, "access_rules": access_rules,
            "description": description, "read_only": read_only,
        }  # fmt: skip
        if type is None:
            raise given.wrong_kind("type", "the name of a type", type)
        (variable_id,) = (await self._register([_spec(spec)])).values()
        return variable_id

    async def register_variables(self, variables: Sequence[Mapping[str, Any]]) -> dict[str, str]:
        """Creates many variables, all or none, and returns their ids by name.

        Args:
            variables: Mappings with the parameters of `register_variable` as keys; `type` may be left out where the
                value says it.

        Raises:
            CoilyardError: As `register_variable`; no variable was created.
        """
        listed = given.items(variables, "variables", "a list of specifications")
        return await self._register([_spec(spec, f"variables[{index}]") for index, spec in enumerate(listed)])

    async def _register(self, specs: list[variables_pb2.VariableSpec]) -> dict[str, str]:
        if not specs:
            return {}
        await self._core.initialize()
        fields = self._core.scoped({"variables": specs, "source": self._core.config.source})
        request = variables_pb2.RegisterVariablesRequest(**fields)
        reply = await self._core.call(methods.RegisterVariables, request)
        self._core.registered(reply.variables)
        return {variable.name: variable.id for variable in reply.variables}

    async def set_variable(
        self,
        name: str,
        value: Any,
        metadata: Mapping[str, Any] | None = None,
        create_if_missing: bool = False,
        type_hint: str | None = None,
        *,
        expected_version: int | None = None,
    ) -> None:
        """Sets the value of a variable; the next read of this client sees it.

        Args:
            name: Name or id.
            value: Checked by the gateway against the variable's type and constraints.
            metadata: What there is to say about this change.
            create_if_missing: Register the variable when it does not exist.
            type_hint: Its type then; inferred from the value when left out.
            expected_version: Refuse unless this is the present version; 0 is a version.

        Raises:
            VariableNotFound: There is no such variable and `create_if_missing` is False (also a KeyError).
            ValidationFailed: The value is of the wrong kind, or no type can be inferred (also a TypeError).
            ConstraintViolation: The constraints refuse the value (also a ValueError).
            ReadOnly: The variable is read-only (also a PermissionError).
            OptimisticLockFailure: It has another version than expected.
        """
        core = self._core
        name = given.name(name)
        hint = given.optional_text(type_hint, "type_hint", "the name of a type or None")
        creates = given.flag(create_if_missing, "create_if_missing")
        fields = {
            "variable": name,
            "value": encode_value(value, field="value"),
            "expected_version": given.optional_whole(expected_version, "expected_version"),
            "metadata": encode_metadata(metadata),
            "source": core.config.source,
        }
        await core.initialize()
        for race in range(_CREATION_RACES):
            try:
                request = variables_pb2.SetVariableRequest(**core.scoped(fields))
                reply, seconds = await core.write(methods.SetVariable, request)
            except VariableNotFound:
                if not creates:
                    raise
            else:
                core.wrote([reply.variable], reply.revision, seconds)
                return
            try:
                await self.register_variable(name, hint or infer_type(value, "value"), value, metadata=metadata)
            except VariableExists:  # another client was faster: set what it registered
                if race == _CREATION_RACES - 1:
                    raise
            else:
                return

    async def update_variables(
        self,
        updates: Mapping[str, Any],
        metadata: Mapping[str, Any] | None = None,
        atomic: bool = True,
        *,
        expected_versions: Mapping[str, int] | None = None,
    ) -> dict[str, Literal[True] | str]:
        """Sets many variables at one revision.

        Args:
            updates: Values by name or id.
            metadata: What there is to say about these changes.
            atomic: All or none; else each for itself.
            expected_versions: Refuse those that have another version.

        Returns:
            True, or what went wrong, by name. When an atomic update fails every name has a text.
        """
        core = self._core
        wanted = given.mapping(updates, "updates", "a dict of values by name")
        versions = _versions(expected_versions, wanted)
        fields: dict[str, Any] = {"atomic": given.flag(atomic, "atomic"), "metadata": encode_metadata(metadata)}
        results: dict[str, Literal[True] | str] = {}
        writes = []
        for name, value in wanted.items():
            try:
                given.name(name, "updates, a key")
                encoded = encode_value(value, field=f"updates[{name!r:.40}]")
            except CoilyardError as error:
                results[name] = str(error)
            else:
                version = versions.get(name)
                writes.append(variables_pb2.VariableWrite(variable=name, value=encoded, expected_version=version))
        if results and fields["atomic"]:
            return {name: results.get(name, "not written: another value of the batch was refused") for name in wanted}
        if writes:
            await core.initialize()
            fields["writes"] = writes
            request = variables_pb2.UpdateVariablesRequest(**core.scoped(fields), source=core.config.source)
            with given.called(writes="updates"):
                reply, seconds = await core.write(methods.UpdateVariables, request)
            updated = [outcome.updated for outcome in reply.outcomes if outcome.HasField("updated")]
            core.wrote(updated, reply.revision, seconds)
            for outcome in reply.outcomes:
                fine = outcome.HasField("updated")
                results[outcome.variable] = True if fine else str(error_from_detail(outcome.error))
                if outcome.error.code == VariableNotFound.default_code:
                    core.missed(outcome.variable)
        return {name: results[name] for name in wanted}

    async def delete_variable(self, name: str, cascade: bool = False) -> None:
        """Deletes a variable; who watches it is told.

        Args:
            name: Name or id.
            cascade: Delete what depends on it, too.

        Raises:
            VariableNotFound: There is no such variable (also a KeyError).
            HasDependents: Others depend on it and `cascade` is False (also a ValueError).
        """
        core = self._core
        name = given.name(name)
        fields = {"variable": name, "cascade": given.flag(cascade, "cascade")}
        await core.initialize()
        request = variables_pb2.DeleteVariableRequest(**core.scoped(fields))
        reply, _ = await core.write(methods.DeleteVariable, request)
        core.deleted(name, reply.revision, cascade=request.cascade)


def _spec(variable: Mapping[str, Any], place: str = "") -> variables_pb2.VariableSpec:
    """The message for the parameters of `register_variable`; `place` says which of many they are."""
    fields = given.mapping(variable, place or "variable", "a dict with the parameters of register_variable", _SPEC_KEYS)
    at = f"{place}." if place else ""
    if "initial_value" not in fields:
        raise InvalidArgument(f"{at}initial_value: missing")
    value, kind = fields["initial_value"], fields.get("type")
    name = given.text(fields.get("name"), f"{at}name", "the name of a variable")
    kind = (
        infer_type(value, f"{at}initial_value") if kind is None else given.text(kind, f"{at}type", "the name of a type")
    )
    kind = TYPE_ALIASES.get(kind, kind)
    metadata = encode_metadata(fields.get("metadata"), f"{at}metadata")
    return variables_pb2.VariableSpec(
        name=name,
        type=kind,
        initial_value=encode_value(value, kind, f"{at}initial_value"),
        constraints=encode_metadata(fields.get("constraints"), f"{at}constraints"),
        metadata={**_framework(value), **metadata},
        description=given.optional_text(fields.get("description"), f"{at}description"),
        read_only=given.flag(fields.get("read_only", False), f"{at}read_only"),
        dependencies=encode_dependencies(fields.get("dependencies"), f"{at}dependencies"),
        access_rules=encode_rules(fields.get("access_rules"), f"{at}access_rules"),
    )


def _versions(expected: Mapping[str, int] | None, updates: Mapping[str, Any]) -> dict[str, int]:
    """The versions that are expected of some of the updates."""
    if expected is None:
        return {}
    versions = given.mapping(expected, "expected_versions", "a dict of versions by name")
    for name in versions:
        if name not in updates:
            raise given.wrong_value("expected_versions", "versions of variables that are updated", name)
    return {name: given.whole(version, f"expected_versions[{name!r:.40}]") for name, version in versions.items()}


def _framework(value: Any) -> dict[str, value_pb2.Value]:
    """Says whose tensor it was, so that readers get one of the same kind."""
    framework = framework_of(value)
    return {} if framework is None else {"framework": encode_value(framework)}
