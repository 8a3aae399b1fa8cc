"""What a variable was before, and the way back to it."""

from __future__ import annotations

from typing import Any

from coilyard import _arguments as given
from coilyard import _methods as methods
from coilyard._proto import variables_pb2
from coilyard._session.base import SessionBase
from coilyard._values import decode_metadata, decode_value, to_datetime


class VariableHistory(SessionBase):
    """The methods about earlier versions. The gateway keeps the last 100 of each variable."""

    async def get_variable_history(
        self, variable: str, limit: int = 100, offset: int = 0, include_metadata: bool = True
    ) -> list[dict[str, Any]]:
        """What a variable was, newest first.

        Each entry has `version`, `revision`, `value`, `updated_at` (UTC), `updated_by` and, unless refused, `metadata`.

        Args:
            variable: Name or id.
            limit: At most this many entries, at least 1.
            offset: Skip this many of the newest.
            include_metadata: False leaves out `metadata`.

        Raises:
            VariableNotFound: There is no such variable (also a KeyError).
        """
        core = self._core
        name = given.name(variable, "variable")
        page = {
            "limit": given.whole(limit, "limit", least=1, most=given.UINT32_MAX),
            "offset": given.whole(offset, "offset", most=given.UINT32_MAX),
        }
        with_metadata = given.flag(include_metadata, "include_metadata")
        await core.initialize()
        request = variables_pb2.GetVariableHistoryRequest(session_id=core.session_id, variable=name, **page)
        reply = await core.call(methods.GetVariableHistory, request)
        framework = core.framework_of(name)
        return [_history_entry(entry, framework, with_metadata) for entry in reply.entries]

    async def rollback_variable(self, variable: str, version: int, reason: str | None = None) -> None:
        """Writes the value of an earlier version as a new one, which says `rolled_back_to` in its metadata.

        Args:
            variable: Name or id.
            version: One that is kept; 0 is the value that the variable was registered with.
            reason: Goes into the metadata, too.

        Raises:
            VersionNotFound: The variable never had it, or it is no longer kept (also a ValueError).
            ConstraintViolation: The present constraints refuse its value (also a ValueError).
            AccessDenied: Writing is not allowed (also a PermissionError).

        Example:
            >>> await session.rollback_variable("temperature", version=5, reason="optimization_diverged")
        """
        core = self._core
        fields = {
            "variable": given.name(variable, "variable"),
            "version": given.whole(version, "version"),
            "reason": given.optional_text(reason, "reason"),
        }
        await core.initialize()
        request = variables_pb2.RollbackVariableRequest(**core.scoped(fields), source=core.config.source)
        reply, seconds = await core.write(methods.RollbackVariable, request)
        core.wrote([reply.variable], reply.revision, seconds)


def _history_entry(entry: variables_pb2.HistoryEntry, framework: str | None, include_metadata: bool) -> dict[str, Any]:
    described: dict[str, Any] = {
        "version": entry.version,
        "revision": entry.revision,
        "value": decode_value(entry.value, framework),
        "updated_at": to_datetime(entry.updated_at_ms),
        "updated_by": entry.source,
    }
    if include_metadata:
        described["metadata"] = decode_metadata(entry.metadata)
    return described
