"""The generated stubs with their asynchronous types: at run time one class serves both kinds of channel."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from coilyard._proto import optimizations_pb2_grpc, variables_pb2_grpc

if TYPE_CHECKING:
    import grpc


def variables_stub(channel: grpc.aio.Channel) -> variables_pb2_grpc.VariablesAsyncStub:
    """The service of a session's variables, whose watches are streams of their own."""
    return cast("variables_pb2_grpc.VariablesAsyncStub", variables_pb2_grpc.VariablesStub(channel))


def optimizations_stub(channel: grpc.aio.Channel) -> optimizations_pb2_grpc.OptimizationsAsyncStub:
    """The service of optimizations, whose progress is a stream of its own."""
    return cast("optimizations_pb2_grpc.OptimizationsAsyncStub", optimizations_pb2_grpc.OptimizationsStub(channel))
