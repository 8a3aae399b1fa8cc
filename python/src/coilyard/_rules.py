"""Access rules and dependencies: how users write them, how they travel, and what the rules allow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from coilyard import _arguments as given
from coilyard._proto import variables_pb2
from coilyard._values import decode_metadata, encode_metadata

Permission = Literal["read", "write", "observe", "optimize"]

_RULE_KEYS = frozenset({"session_pattern", "permissions", "conditions"})
_DEPENDENCY_KEYS = frozenset({"variable", "type", "metadata"})


def encode_rules(rules: Iterable[Mapping[str, Any]] | None, field: str) -> list[variables_pb2.AccessRule]:
    """The wire form of rules; what patterns and permissions mean is for the gateway to say.

    Raises:
        InvalidArgument: They are not a list of mappings with the keys of a rule; `ValidationFailed` for a wrong kind.
    """
    listed = [] if rules is None else given.items(rules, field, "a list of rules")
    return [_encode_rule(rule, f"{field}[{index}]") for index, rule in enumerate(listed)]


def _encode_rule(rule: object, field: str) -> variables_pb2.AccessRule:
    fields = given.mapping(rule, field, _expecting(_RULE_KEYS), _RULE_KEYS)
    pattern = given.text(fields.get("session_pattern"), f"{field}.session_pattern", "'any' or a glob")
    listed = given.items(fields.get("permissions"), f"{field}.permissions", "a list of rights")
    permissions = [
        given.text(permission, f"{field}.permissions[{index}]", "one of read, write, observe, optimize")
        for index, permission in enumerate(listed)
    ]
    conditions = encode_metadata(fields.get("conditions"), f"{field}.conditions")
    return variables_pb2.AccessRule(session_pattern=pattern, permissions=permissions, conditions=conditions)


def decode_rules(rules: Iterable[variables_pb2.AccessRule]) -> list[dict[str, Any]]:
    """Rules as users write them."""
    return [
        {
            "session_pattern": rule.session_pattern,
            "permissions": list(rule.permissions),
            "conditions": decode_metadata(rule.conditions),
        }
        for rule in rules
    ]


def allows(rules: Sequence[variables_pb2.AccessRule], permission: Permission, principal: str) -> bool:
    """Whether a calling session has a right. Without rules everybody has; where no rule matches, nobody has.

    The gateway decides; this only tells a cache what it may keep.
    """
    return not rules or any(
        permission in rule.permissions
        and (rule.session_pattern == "any" or matches_glob(rule.session_pattern, principal))
        for rule in rules
    )


def matches_glob(pattern: str, text: str) -> bool:
    """`*` is any run of characters, `?` exactly one, nothing else is special. Never goes behind an earlier star."""
    at = seen = 0
    star, resume_at = -1, 0
    while seen < len(text):
        wanted = pattern[at : at + 1]
        if wanted == "*":
            star, resume_at = at, seen
            at += 1
        elif wanted and wanted in {"?", text[seen]}:
            at += 1
            seen += 1
        elif star >= 0:
            resume_at += 1
            at, seen = star + 1, resume_at
        else:
            return False
    return not pattern[at:].strip("*")


def encode_dependencies(
    dependencies: Iterable[str | Mapping[str, Any]] | None, field: str
) -> list[variables_pb2.DependencySpec]:
    """The wire form of what a new variable depends on: names or ids, or mappings that say more.

    Raises:
        InvalidArgument: They are no list of such; `ValidationFailed` where the kind is wrong.
    """
    listed = [] if dependencies is None else given.items(dependencies, field, "a list of names or mappings")
    return [_encode_dependency(dependency, f"{field}[{index}]") for index, dependency in enumerate(listed)]


def _encode_dependency(dependency: object, field: str) -> variables_pb2.DependencySpec:
    if isinstance(dependency, str):
        return variables_pb2.DependencySpec(variable=given.name(dependency, field))
    fields = given.mapping(
        dependency, field, f"the name or id of a variable, or {_expecting(_DEPENDENCY_KEYS)}", _DEPENDENCY_KEYS
    )
    return variables_pb2.DependencySpec(
        variable=given.name(fields.get("variable"), f"{field}.variable"),
        type=given.optional_text(fields.get("type"), f"{field}.type"),
        metadata=encode_metadata(fields.get("metadata"), f"{field}.metadata"),
    )


def dependency_dict(dependency: variables_pb2.Dependency) -> dict[str, Any]:
    """One end of a dependency as `get_dependencies` and `get_dependents` show it."""
    return {
        "variable_id": dependency.variable_id,
        "name": dependency.name,
        "type": dependency.type,
        "metadata": decode_metadata(dependency.metadata),
    }


def _expecting(keys: frozenset[str]) -> str:
    return f"a mapping with {', '.join(sorted(keys))}"
