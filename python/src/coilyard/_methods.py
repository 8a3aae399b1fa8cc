"""The unary methods of the gateway, by their path and with the types of their messages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from google.protobuf.message import Message

from coilyard._proto import optimizations_pb2, sessions_pb2, variables_pb2, workers_pb2

Request = TypeVar("Request", bound=Message)
Reply = TypeVar("Reply", bound=Message)


@dataclass(frozen=True)
class Method(Generic[Request, Reply]):
    """One method.

    Attributes:
        path: How gRPC names it.
        request: The class of what is sent.
        reply: The class of the answer.
    """

    path: str
    request: type[Request]
    reply: type[Reply]

    @property
    def name(self) -> str:
        """Without its service."""
        return self.path.rpartition("/")[2]


def _of(service: str, request: type[Request], reply: type[Reply]) -> Method[Request, Reply]:
    """The method whose messages these are: they are called after it."""
    return Method(f"/coilyard.v1.{service}/{request.DESCRIPTOR.name.removesuffix('Request')}", request, reply)


CreateSession = _of("Sessions", sessions_pb2.CreateSessionRequest, sessions_pb2.CreateSessionResponse)
GetSession = _of("Sessions", sessions_pb2.GetSessionRequest, sessions_pb2.GetSessionResponse)
TouchSession = _of("Sessions", sessions_pb2.TouchSessionRequest, sessions_pb2.TouchSessionResponse)
ListSessions = _of("Sessions", sessions_pb2.ListSessionsRequest, sessions_pb2.ListSessionsResponse)
StopSession = _of("Sessions", sessions_pb2.StopSessionRequest, sessions_pb2.StopSessionResponse)

RegisterVariables = _of("Variables", variables_pb2.RegisterVariablesRequest, variables_pb2.RegisterVariablesResponse)
GetVariable = _of("Variables", variables_pb2.GetVariableRequest, variables_pb2.GetVariableResponse)
GetVariables = _of("Variables", variables_pb2.GetVariablesRequest, variables_pb2.GetVariablesResponse)
SetVariable = _of("Variables", variables_pb2.SetVariableRequest, variables_pb2.SetVariableResponse)
UpdateVariables = _of("Variables", variables_pb2.UpdateVariablesRequest, variables_pb2.UpdateVariablesResponse)
DeleteVariable = _of("Variables", variables_pb2.DeleteVariableRequest, variables_pb2.DeleteVariableResponse)
ListVariables = _of("Variables", variables_pb2.ListVariablesRequest, variables_pb2.ListVariablesResponse)
RollbackVariable = _of("Variables", variables_pb2.RollbackVariableRequest, variables_pb2.RollbackVariableResponse)
ConfigureVariable = _of("Variables", variables_pb2.ConfigureVariableRequest, variables_pb2.ConfigureVariableResponse)
CheckAccess = _of("Variables", variables_pb2.CheckAccessRequest, variables_pb2.CheckAccessResponse)
AddDependency = _of("Variables", variables_pb2.AddDependencyRequest, variables_pb2.AddDependencyResponse)
RemoveDependency = _of("Variables", variables_pb2.RemoveDependencyRequest, variables_pb2.RemoveDependencyResponse)
GetDependencies = _of("Variables", variables_pb2.GetDependenciesRequest, variables_pb2.GetDependenciesResponse)
ExportVariables = _of("Variables", variables_pb2.ExportVariablesRequest, variables_pb2.ExportVariablesResponse)
ImportVariables = _of("Variables", variables_pb2.ImportVariablesRequest, variables_pb2.ImportVariablesResponse)
GetVariableStats = _of("Variables", variables_pb2.GetVariableStatsRequest, variables_pb2.GetVariableStatsResponse)
GetVariableHistory = _of("Variables", variables_pb2.GetVariableHistoryRequest, variables_pb2.GetVariableHistoryResponse)

StartOptimization = _of(
    "Optimizations", optimizations_pb2.StartOptimizationRequest, optimizations_pb2.StartOptimizationResponse
)
AskTrial = _of("Optimizations", optimizations_pb2.AskTrialRequest, optimizations_pb2.AskTrialResponse)
TellTrial = _of("Optimizations", optimizations_pb2.TellTrialRequest, optimizations_pb2.TellTrialResponse)
RenewOptimization = _of(
    "Optimizations", optimizations_pb2.RenewOptimizationRequest, optimizations_pb2.RenewOptimizationResponse
)
StopOptimization = _of(
    "Optimizations", optimizations_pb2.StopOptimizationRequest, optimizations_pb2.StopOptimizationResponse
)
GetOptimizationStatus = _of(
    "Optimizations", optimizations_pb2.GetOptimizationStatusRequest, optimizations_pb2.GetOptimizationStatusResponse
)
GetOptimizationHistory = _of(
    "Optimizations", optimizations_pb2.GetOptimizationHistoryRequest, optimizations_pb2.GetOptimizationHistoryResponse
)

ListTools = _of("Workers", workers_pb2.ListToolsRequest, workers_pb2.ListToolsResponse)
CallTool = _of("Workers", workers_pb2.CallToolRequest, workers_pb2.CallToolResponse)
