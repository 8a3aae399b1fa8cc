"""Access rules and dependencies: how users write them, how they travel, and what the rules allow."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from coilyard._errors import InvalidArgument
from coilyard._proto import variables_pb2
from coilyard._values import decode_metadata, encode_metadata

Permission = Literal["read", "write", "observe", "optimize"]

_RULE_KEYS = frozenset({"session_pattern", "permissions", "conditions"})
_DEPENDENCY_KEYS = frozenset({"variable", "type", "metadata"})


def encode_rules(rules: Iterable[Mapping[str, Any]] | None, field: str) -> list[variables_pb2.AccessRule]:
    """The wire form of rules; what patterns and permissions mean is for the gateway to say.

    Raises:
        InvalidArgument: They are not a list of mappings with the keys of a rule.
    """
    given = [] if rules is None else _listed(rules, field)
    return [_encode_rule(rule, f"{field}[{index}]") for index, rule in enumerate(given)]


def _encode_rule(rule: object, field: str) -> variables_pb2.AccessRule:
    fields = _mapping(rule, field, _RULE_KEYS)
    pattern = fields.get("session_pattern")
    if not isinstance(pattern, str):
        raise InvalidArgument(f"{field}.session_pattern: expected 'any' or a glob, got {pattern!r:.80}")
    permissions = _listed(fields.get("permissions", ()), f"{field}.permissions")
    if not all(isinstance(permission, str) for permission in permissions):
        raise InvalidArgument(f"{field}.permissions: expected a list of texts, got {permissions!r:.80}")
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
        InvalidArgument: They are no list of such.
    """
    given = [] if dependencies is None else _listed(dependencies, field)
    return [_encode_dependency(dependency, f"{field}[{index}]") for index, dependency in enumerate(given)]


def _encode_dependency(dependency: object, field: str) -> variables_pb2.DependencySpec:
    if isinstance(dependency, str):
        return variables_pb2.DependencySpec(variable=dependency)
    fields = _mapping(dependency, field, _DEPENDENCY_KEYS)
    variable, kind = fields.get("variable"), fields.get("type") or ""
    if not isinstance(variable, str) or not isinstance(kind, str):
        raise InvalidArgument(f"{field}: expected the texts `variable` and `type`, got {dependency!r:.80}")
    metadata = encode_metadata(fields.get("metadata"), f"{field}.metadata")
    return variables_pb2.DependencySpec(variable=variable, type=kind, metadata=metadata)


def dependency_dict(dependency: variables_pb2.Dependency) -> dict[str, Any]:
    """One end of a dependency as `get_dependencies` and `get_dependents` show it."""
    return {
        "variable_id": dependency.variable_id,
        "name": dependency.name,
        "type": dependency.type,
        "metadata": decode_metadata(dependency.metadata),
    }


def _listed(items: object, field: str) -> list[Any]:
    if isinstance(items, (str, bytes, Mapping)) or not isinstance(items, Iterable):
        raise InvalidArgument(f"{field}: expected a list, got {items!r:.80}")
    return list(items)


def _mapping(item: object, field: str, known: frozenset[str]) -> Mapping[str, Any]:
    if not isinstance(item, Mapping):
        raise InvalidArgument(f"{field}: expected a mapping with {', '.join(sorted(known))}, got {item!r:.80}")
    unknown = sorted(str(key) for key in item.keys() - known)
    if unknown:
        raise InvalidArgument(f"{field}: unknown key {unknown[0]!r}; known are {', '.join(sorted(known))}")
    return item
