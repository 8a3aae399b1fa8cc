"""What the code of a call logs, told to its caller as well as written to stderr."""

from __future__ import annotations

import logging

from coilyard._proto import workers_pb2
from coilyard._scope import CURRENT, sendable


class CallLogs(logging.Handler):
    """Sends the records of running calls; records outside of calls are none of its business."""

    def __init__(self, level: int = logging.INFO) -> None:
        super().__init__(level)

    def emit(self, record: logging.LogRecord) -> None:
        """Sends one record."""
        scope = CURRENT.get()
        if scope is None or record.name.startswith("coilyard."):
            return
        try:
            entry = workers_pb2.Log(
                call_id=scope.call_id,
                level=record.levelname.lower(),
                logger=record.name,
                message=sendable(record.getMessage()),
            )
        except Exception:  # arguments that do not fit the message
            self.handleError(record)
            return
        scope.tell(workers_pb2.WorkerFrame(log=entry))
