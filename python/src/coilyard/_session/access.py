"""Who may do what with a variable."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from coilyard import _arguments as given
from coilyard import _methods as methods
from coilyard._proto import variables_pb2
from coilyard._rules import encode_rules
from coilyard._session.base import SessionBase


class VariableAccess(SessionBase):
    """The methods about access rules. They are matched with the calling session: `as_session`, or this one."""

    async def set_variable_permissions(self, variable: str, rules: Sequence[Mapping[str, Any]]) -> None:
        """Replaces all access rules of a variable; an empty list gives everybody every right.

        A rule is a dict with `session_pattern` (`any`, or a glob over the ids of calling sessions), `permissions` (of
        `read`, `write`, `observe`, `optimize`) and `conditions`, which must be empty. The rights of all rules that
        match add up. Where there are rules and none matches, nothing is allowed, except that the owning session may
        always change the rules. Cached values are forgotten, here and at every other client.

        Args:
            variable: Name or id.
            rules: All of them.

        Raises:
            PermissionDenied: The caller is not the owning session (also a PermissionError).
            InvalidArgument: A rule is malformed, or names a right that does not exist (also a ValueError).

        Example:
            >>> await session.set_variable_permissions("api_key", [
            ...     {"session_pattern": "any", "permissions": ["read"]},
            ...     {"session_pattern": "admin_*", "permissions": ["read", "write", "optimize"]},
            ... ])
        """
        core = self._core
        fields = {"variable": given.name(variable, "variable"), "source": core.config.source}
        if rules is None:
            raise given.wrong_kind("rules", "a list of rules, or an empty one to take all rules away", rules)
        encoded = variables_pb2.AccessRuleSet(rules=encode_rules(rules, "rules"))
        await core.initialize()
        request = variables_pb2.ConfigureVariableRequest(**core.scoped(fields), access_rules=encoded)
        reply = await core.call(methods.ConfigureVariable, request)
        core.configured(reply.variable)

    async def check_variable_access(self, variable: str, permission: str) -> bool:
        """Whether the calling session has a right: `read`, `write`, `observe` or `optimize`.

        Raises:
            InvalidArgument: There is no such right (also a ValueError).
            VariableNotFound: There is no such variable (also a KeyError).
            PermissionDenied: The session is not the caller's, and no rule of the variable grants `as_session` anything.
        """
        core = self._core
        name = given.name(variable, "variable")
        right = given.text(permission, "permission", "one of read, write, observe, optimize")
        await core.initialize()
        request = variables_pb2.CheckAccessRequest(session_id=core.session_id, variable=name, permission=right)
        return (await core.call(methods.CheckAccess, request)).allowed
