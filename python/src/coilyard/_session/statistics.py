"""How much variables are used, as far as this client and the gateway know."""

from __future__ import annotations

from typing import Any

from coilyard import _arguments as given
from coilyard import _methods as methods
from coilyard._proto import variables_pb2
from coilyard._session.base import SessionBase


class VariableStatistics(SessionBase):
    """The methods that count."""

    async def get_variable_stats(self, variable: str | None = None) -> dict[str, Any]:
        """Counters of one variable, or of all of the session.

        This client counts its own `read_count`, `cache_hits`, `cache_misses` and `cache_hit_rate`, and measures
        `avg_read_latency_ms` and `avg_write_latency_ms` of what it asked the gateway (0.0 before the first).
        The gateway counts `write_count`, the updates of all writers, and `total_optimization_time_s`; what it knows of
        the reads of all clients is under `server_read_count`, and how long it took itself under
        `server_avg_read_latency_ms` and `server_avg_write_latency_ms`: None where that was not measured.

        Args:
            variable: Name or id; None: all variables together.

        Raises:
            VariableNotFound: There is no such variable (also a KeyError).
        """
        core = self._core
        name = None if variable is None else given.name(variable, "variable")
        await core.initialize()
        request = variables_pb2.GetVariableStatsRequest(session_id=core.session_id, variable=name or "")
        reply = await core.call(methods.GetVariableStats, request)
        read_ms = reply.avg_read_latency_ms if reply.HasField("avg_read_latency_ms") else None
        write_ms = reply.avg_write_latency_ms if reply.HasField("avg_write_latency_ms") else None
        return {
            **core.client_stats(name),
            "write_count": reply.write_count,
            "total_optimization_time_s": reply.total_optimization_time_s,
            "server_read_count": reply.read_count,
            "server_avg_read_latency_ms": read_ms,
            "server_avg_write_latency_ms": write_ms,
        }
