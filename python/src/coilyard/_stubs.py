"""The generated stubs with their asynchronous types: at run time one class serves both kinds of channel."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from coilyard._proto import sessions_pb2_grpc, variables_pb2_grpc, workers_pb2_grpc

if TYPE_CHECKING:
    import grpc


def sessions_stub(channel: grpc.aio.Channel) -> sessions_pb2_grpc.SessionsAsyncStub:
    """The service that starts, finds and stops sessions."""
    return cast("sessions_pb2_grpc.SessionsAsyncStub", sessions_pb2_grpc.SessionsStub(channel))


def variables_stub(channel: grpc.aio.Channel) -> variables_pb2_grpc.VariablesAsyncStub:
    """The service of a session's variables."""
    return cast("variables_pb2_grpc.VariablesAsyncStub", variables_pb2_grpc.VariablesStub(channel))


def workers_stub(channel: grpc.aio.Channel) -> workers_pb2_grpc.WorkersAsyncStub:
    """The service that workers attach to."""
    return cast("workers_pb2_grpc.WorkersAsyncStub", workers_pb2_grpc.WorkersStub(channel))
