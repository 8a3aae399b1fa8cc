"""Coilyard for Python: the variables of a session, shared with Node, and Python code as supervised workers.

    async with coilyard.connect("127.0.0.1:50051") as client:
        session = await client.session("session_123")
        await session.register_variable("temperature", "float", 0.7, constraints={"min": 0.0, "max": 2.0})
        temperature = await session.get_variable("temperature")

Importing it imports neither numpy nor torch nor DSPy.
"""

from coilyard import sync
from coilyard._arrays import TensorData
from coilyard._cache import VariableCache
from coilyard._client import Client, connect
from coilyard._dspy_bridge.bridge import DSPyOptimizationBridge
from coilyard._dspy_bridge.optimizer import VariableAwareOptimizer
from coilyard._errors import (
    AccessDenied,
    AlreadyExists,
    AlreadyOptimizing,
    CircularDependency,
    ClientClosed,
    CoilyardError,
    ConnectionLost,
    ConstraintViolation,
    DeadlineExceeded,
    FailedPrecondition,
    HasDependents,
    HistoryCompacted,
    InternalError,
    InvalidArgument,
    MailboxFull,
    ModuleNotFound,
    NotFound,
    NotOptimizing,
    OperationCancelled,
    OptimisticLockFailure,
    Overloaded,
    PayloadTooLarge,
    PermissionDenied,
    PoolSaturated,
    PoolUnavailable,
    PythonError,
    RateLimited,
    ReadOnly,
    SessionCrashed,
    SessionExists,
    SessionExpired,
    SessionNotFound,
    StoreUnavailable,
    ToolNotFound,
    TransportDenied,
    TransportError,
    TransportTimeout,
    Unauthenticated,
    Unavailable,
    UnknownType,
    ValidationFailed,
    VariableExists,
    VariableNotFound,
    VersionNotFound,
    WorkerLost,
)
from coilyard._optimization.records import Trial
from coilyard._optimizers import BaseOptimizer, OptimizationDone, VariableSpec
from coilyard._records import SessionInfo, VariableUpdate
from coilyard._registry import module, register_interpreter, tool
from coilyard._resolver import ModuleVariableResolver, ResolvedModule
from coilyard._scope import progress
from coilyard._sentinel import MISSING
from coilyard._session.config import SessionConfig
from coilyard._session.context import SessionContext
from coilyard._tools import ToolInfo
from coilyard._version import __version__
from coilyard._watch import Watch

__all__ = (
    "MISSING",
    "AccessDenied",
    "AlreadyExists",
    "AlreadyOptimizing",
    "BaseOptimizer",
    "CircularDependency",
    "Client",
    "ClientClosed",
    "CoilyardError",
    "ConnectionLost",
    "ConstraintViolation",
    "DSPyOptimizationBridge",
    "DeadlineExceeded",
    "FailedPrecondition",
    "HasDependents",
    "HistoryCompacted",
    "InternalError",
    "InvalidArgument",
    "MailboxFull",
    "ModuleNotFound",
    "ModuleVariableResolver",
    "NotFound",
    "NotOptimizing",
    "OperationCancelled",
    "OptimisticLockFailure",
    "OptimizationDone",
    "Overloaded",
    "PayloadTooLarge",
    "PermissionDenied",
    "PoolSaturated",
    "PoolUnavailable",
    "PythonError",
    "RateLimited",
    "ReadOnly",
    "ResolvedModule",
    "SessionConfig",
    "SessionContext",
    "SessionCrashed",
    "SessionExists",
    "SessionExpired",
    "SessionInfo",
    "SessionNotFound",
    "StoreUnavailable",
    "TensorData",
    "ToolInfo",
    "ToolNotFound",
    "TransportDenied",
    "TransportError",
    "TransportTimeout",
    "Trial",
    "Unauthenticated",
    "Unavailable",
    "UnknownType",
    "ValidationFailed",
    "VariableAwareOptimizer",
    "VariableCache",
    "VariableExists",
    "VariableNotFound",
    "VariableSpec",
    "VariableUpdate",
    "VersionNotFound",
    "Watch",
    "WorkerLost",
    "__version__",
    "connect",
    "module",
    "progress",
    "register_interpreter",
    "sync",
    "tool",
)
