from . import value_pb2 as _value_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from typing import ClassVar as _ClassVar, Iterable as _Iterable, Mapping as _Mapping, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class StartOptimizationRequest(_message.Message):
    __slots__ = ("request_id", "session_id", "variables", "optimizer", "config", "max_iterations", "convergence_threshold", "direction", "objective", "metric", "external", "apply_trials", "parallel", "timeout_ms", "patience", "lease_ms", "source")
    class ConfigEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _value_pb2.Value
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_value_pb2.Value, _Mapping]] = ...) -> None: ...
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    VARIABLES_FIELD_NUMBER: _ClassVar[int]
    OPTIMIZER_FIELD_NUMBER: _ClassVar[int]
    CONFIG_FIELD_NUMBER: _ClassVar[int]
    MAX_ITERATIONS_FIELD_NUMBER: _ClassVar[int]
    CONVERGENCE_THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    DIRECTION_FIELD_NUMBER: _ClassVar[int]
    OBJECTIVE_FIELD_NUMBER: _ClassVar[int]
    METRIC_FIELD_NUMBER: _ClassVar[int]
    EXTERNAL_FIELD_NUMBER: _ClassVar[int]
    APPLY_TRIALS_FIELD_NUMBER: _ClassVar[int]
    PARALLEL_FIELD_NUMBER: _ClassVar[int]
    TIMEOUT_MS_FIELD_NUMBER: _ClassVar[int]
    PATIENCE_FIELD_NUMBER: _ClassVar[int]
    LEASE_MS_FIELD_NUMBER: _ClassVar[int]
    SOURCE_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    session_id: str
    variables: _containers.RepeatedScalarFieldContainer[str]
    optimizer: str
    config: _containers.MessageMap[str, _value_pb2.Value]
    max_iterations: int
    convergence_threshold: float
    direction: str
    objective: str
    metric: str
    external: bool
    apply_trials: bool
    parallel: int
    timeout_ms: int
    patience: int
    lease_ms: int
    source: str
    def __init__(self, request_id: _Optional[str] = ..., session_id: _Optional[str] = ..., variables: _Optional[_Iterable[str]] = ..., optimizer: _Optional[str] = ..., config: _Optional[_Mapping[str, _value_pb2.Value]] = ..., max_iterations: _Optional[int] = ..., convergence_threshold: _Optional[float] = ..., direction: _Optional[str] = ..., objective: _Optional[str] = ..., metric: _Optional[str] = ..., external: bool = ..., apply_trials: bool = ..., parallel: _Optional[int] = ..., timeout_ms: _Optional[int] = ..., patience: _Optional[int] = ..., lease_ms: _Optional[int] = ..., source: _Optional[str] = ...) -> None: ...

class StartOptimizationResponse(_message.Message):
    __slots__ = ("revision", "status")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    revision: int
    status: OptimizationStatus
    def __init__(self, revision: _Optional[int] = ..., status: _Optional[_Union[OptimizationStatus, _Mapping]] = ...) -> None: ...

class OptimizationStatus(_message.Message):
    __slots__ = ("is_optimizing", "optimization_id", "optimizer", "variables", "iteration", "max_iterations", "direction", "best_values", "best_metrics", "best_score", "started_at_ms", "last_update_ms", "reason", "error", "committed", "conflicts", "lease_ms")
    class BestValuesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _value_pb2.Value
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_value_pb2.Value, _Mapping]] = ...) -> None: ...
    class BestMetricsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    class CommittedEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: int
        def __init__(self, key: _Optional[str] = ..., value: _Optional[int] = ...) -> None: ...
    IS_OPTIMIZING_FIELD_NUMBER: _ClassVar[int]
    OPTIMIZATION_ID_FIELD_NUMBER: _ClassVar[int]
    OPTIMIZER_FIELD_NUMBER: _ClassVar[int]
    VARIABLES_FIELD_NUMBER: _ClassVar[int]
    ITERATION_FIELD_NUMBER: _ClassVar[int]
    MAX_ITERATIONS_FIELD_NUMBER: _ClassVar[int]
    DIRECTION_FIELD_NUMBER: _ClassVar[int]
    BEST_VALUES_FIELD_NUMBER: _ClassVar[int]
    BEST_METRICS_FIELD_NUMBER: _ClassVar[int]
    BEST_SCORE_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    LAST_UPDATE_MS_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    COMMITTED_FIELD_NUMBER: _ClassVar[int]
    CONFLICTS_FIELD_NUMBER: _ClassVar[int]
    LEASE_MS_FIELD_NUMBER: _ClassVar[int]
    is_optimizing: bool
    optimization_id: str
    optimizer: str
    variables: _containers.RepeatedScalarFieldContainer[str]
    iteration: int
    max_iterations: int
    direction: str
    best_values: _containers.MessageMap[str, _value_pb2.Value]
    best_metrics: _containers.ScalarMap[str, float]
    best_score: float
    started_at_ms: int
    last_update_ms: int
    reason: str
    error: str
    committed: _containers.ScalarMap[str, int]
    conflicts: _containers.RepeatedScalarFieldContainer[str]
    lease_ms: int
    def __init__(self, is_optimizing: bool = ..., optimization_id: _Optional[str] = ..., optimizer: _Optional[str] = ..., variables: _Optional[_Iterable[str]] = ..., iteration: _Optional[int] = ..., max_iterations: _Optional[int] = ..., direction: _Optional[str] = ..., best_values: _Optional[_Mapping[str, _value_pb2.Value]] = ..., best_metrics: _Optional[_Mapping[str, float]] = ..., best_score: _Optional[float] = ..., started_at_ms: _Optional[int] = ..., last_update_ms: _Optional[int] = ..., reason: _Optional[str] = ..., error: _Optional[str] = ..., committed: _Optional[_Mapping[str, int]] = ..., conflicts: _Optional[_Iterable[str]] = ..., lease_ms: _Optional[int] = ...) -> None: ...

class AskTrialRequest(_message.Message):
    __slots__ = ("session_id", "optimization_id", "client_id", "values", "request_id")
    class ValuesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _value_pb2.Value
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_value_pb2.Value, _Mapping]] = ...) -> None: ...
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    OPTIMIZATION_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    optimization_id: str
    client_id: str
    values: _containers.MessageMap[str, _value_pb2.Value]
    request_id: str
    def __init__(self, session_id: _Optional[str] = ..., optimization_id: _Optional[str] = ..., client_id: _Optional[str] = ..., values: _Optional[_Mapping[str, _value_pb2.Value]] = ..., request_id: _Optional[str] = ...) -> None: ...

class AskTrialResponse(_message.Message):
    __slots__ = ("trial", "ended", "revision")
    TRIAL_FIELD_NUMBER: _ClassVar[int]
    ENDED_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    trial: Trial
    ended: OptimizationStatus
    revision: int
    def __init__(self, trial: _Optional[_Union[Trial, _Mapping]] = ..., ended: _Optional[_Union[OptimizationStatus, _Mapping]] = ..., revision: _Optional[int] = ...) -> None: ...

class Trial(_message.Message):
    __slots__ = ("number", "values")
    class ValuesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _value_pb2.Value
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_value_pb2.Value, _Mapping]] = ...) -> None: ...
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    number: int
    values: _containers.MessageMap[str, _value_pb2.Value]
    def __init__(self, number: _Optional[int] = ..., values: _Optional[_Mapping[str, _value_pb2.Value]] = ...) -> None: ...

class TellTrialRequest(_message.Message):
    __slots__ = ("session_id", "optimization_id", "number", "client_id", "metrics", "score", "error", "request_id")
    class MetricsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    OPTIMIZATION_ID_FIELD_NUMBER: _ClassVar[int]
    NUMBER_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    optimization_id: str
    number: int
    client_id: str
    metrics: _containers.ScalarMap[str, float]
    score: float
    error: str
    request_id: str
    def __init__(self, session_id: _Optional[str] = ..., optimization_id: _Optional[str] = ..., number: _Optional[int] = ..., client_id: _Optional[str] = ..., metrics: _Optional[_Mapping[str, float]] = ..., score: _Optional[float] = ..., error: _Optional[str] = ..., request_id: _Optional[str] = ...) -> None: ...

class TellTrialResponse(_message.Message):
    __slots__ = ("revision", "trial", "status")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    TRIAL_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    revision: int
    trial: OptimizationTrial
    status: OptimizationStatus
    def __init__(self, revision: _Optional[int] = ..., trial: _Optional[_Union[OptimizationTrial, _Mapping]] = ..., status: _Optional[_Union[OptimizationStatus, _Mapping]] = ...) -> None: ...

class OptimizationTrial(_message.Message):
    __slots__ = ("optimization_id", "iteration", "values", "metrics", "score", "state", "error", "started_at_ms", "ended_at_ms", "version")
    class ValuesEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: _value_pb2.Value
        def __init__(self, key: _Optional[str] = ..., value: _Optional[_Union[_value_pb2.Value, _Mapping]] = ...) -> None: ...
    class MetricsEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: float
        def __init__(self, key: _Optional[str] = ..., value: _Optional[float] = ...) -> None: ...
    OPTIMIZATION_ID_FIELD_NUMBER: _ClassVar[int]
    ITERATION_FIELD_NUMBER: _ClassVar[int]
    VALUES_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    STARTED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    ENDED_AT_MS_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    optimization_id: str
    iteration: int
    values: _containers.MessageMap[str, _value_pb2.Value]
    metrics: _containers.ScalarMap[str, float]
    score: float
    state: str
    error: str
    started_at_ms: int
    ended_at_ms: int
    version: int
    def __init__(self, optimization_id: _Optional[str] = ..., iteration: _Optional[int] = ..., values: _Optional[_Mapping[str, _value_pb2.Value]] = ..., metrics: _Optional[_Mapping[str, float]] = ..., score: _Optional[float] = ..., state: _Optional[str] = ..., error: _Optional[str] = ..., started_at_ms: _Optional[int] = ..., ended_at_ms: _Optional[int] = ..., version: _Optional[int] = ...) -> None: ...

class RenewOptimizationRequest(_message.Message):
    __slots__ = ("session_id", "optimization_id", "client_id")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    OPTIMIZATION_ID_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ID_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    optimization_id: str
    client_id: str
    def __init__(self, session_id: _Optional[str] = ..., optimization_id: _Optional[str] = ..., client_id: _Optional[str] = ...) -> None: ...

class RenewOptimizationResponse(_message.Message):
    __slots__ = ("status", "revision")
    STATUS_FIELD_NUMBER: _ClassVar[int]
    REVISION_FIELD_NUMBER: _ClassVar[int]
    status: OptimizationStatus
    revision: int
    def __init__(self, status: _Optional[_Union[OptimizationStatus, _Mapping]] = ..., revision: _Optional[int] = ...) -> None: ...

class StopOptimizationRequest(_message.Message):
    __slots__ = ("request_id", "session_id", "variable", "optimization_id", "reason", "error")
    REQUEST_ID_FIELD_NUMBER: _ClassVar[int]
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    VARIABLE_FIELD_NUMBER: _ClassVar[int]
    OPTIMIZATION_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    request_id: str
    session_id: str
    variable: str
    optimization_id: str
    reason: str
    error: str
    def __init__(self, request_id: _Optional[str] = ..., session_id: _Optional[str] = ..., variable: _Optional[str] = ..., optimization_id: _Optional[str] = ..., reason: _Optional[str] = ..., error: _Optional[str] = ...) -> None: ...

class StopOptimizationResponse(_message.Message):
    __slots__ = ("revision", "status")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    revision: int
    status: OptimizationStatus
    def __init__(self, revision: _Optional[int] = ..., status: _Optional[_Union[OptimizationStatus, _Mapping]] = ...) -> None: ...

class GetOptimizationStatusRequest(_message.Message):
    __slots__ = ("session_id", "variable")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    VARIABLE_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    variable: str
    def __init__(self, session_id: _Optional[str] = ..., variable: _Optional[str] = ...) -> None: ...

class GetOptimizationStatusResponse(_message.Message):
    __slots__ = ("revision", "status")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    revision: int
    status: OptimizationStatus
    def __init__(self, revision: _Optional[int] = ..., status: _Optional[_Union[OptimizationStatus, _Mapping]] = ...) -> None: ...

class GetOptimizationHistoryRequest(_message.Message):
    __slots__ = ("session_id", "variable", "limit", "since_ms", "optimization_id")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    VARIABLE_FIELD_NUMBER: _ClassVar[int]
    LIMIT_FIELD_NUMBER: _ClassVar[int]
    SINCE_MS_FIELD_NUMBER: _ClassVar[int]
    OPTIMIZATION_ID_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    variable: str
    limit: int
    since_ms: int
    optimization_id: str
    def __init__(self, session_id: _Optional[str] = ..., variable: _Optional[str] = ..., limit: _Optional[int] = ..., since_ms: _Optional[int] = ..., optimization_id: _Optional[str] = ...) -> None: ...

class GetOptimizationHistoryResponse(_message.Message):
    __slots__ = ("revision", "trials")
    REVISION_FIELD_NUMBER: _ClassVar[int]
    TRIALS_FIELD_NUMBER: _ClassVar[int]
    revision: int
    trials: _containers.RepeatedCompositeFieldContainer[OptimizationTrial]
    def __init__(self, revision: _Optional[int] = ..., trials: _Optional[_Iterable[_Union[OptimizationTrial, _Mapping]]] = ...) -> None: ...

class FollowOptimizationRequest(_message.Message):
    __slots__ = ("session_id", "optimization_id", "after_iteration")
    SESSION_ID_FIELD_NUMBER: _ClassVar[int]
    OPTIMIZATION_ID_FIELD_NUMBER: _ClassVar[int]
    AFTER_ITERATION_FIELD_NUMBER: _ClassVar[int]
    session_id: str
    optimization_id: str
    after_iteration: int
    def __init__(self, session_id: _Optional[str] = ..., optimization_id: _Optional[str] = ..., after_iteration: _Optional[int] = ...) -> None: ...

class FollowOptimizationResponse(_message.Message):
    __slots__ = ("trials", "ended")
    TRIALS_FIELD_NUMBER: _ClassVar[int]
    ENDED_FIELD_NUMBER: _ClassVar[int]
    trials: _containers.RepeatedCompositeFieldContainer[OptimizationTrial]
    ended: OptimizationStatus
    def __init__(self, trials: _Optional[_Iterable[_Union[OptimizationTrial, _Mapping]]] = ..., ended: _Optional[_Union[OptimizationStatus, _Mapping]] = ...) -> None: ...
