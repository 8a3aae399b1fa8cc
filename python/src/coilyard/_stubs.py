"""The generated stub with its asynchronous types: at run time one class serves both kinds of channel."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from coilyard._proto import variables_pb2_grpc

if TYPE_CHECKING:
    import grpc


def variables_stub(channel: grpc.aio.Channel) -> variables_pb2_grpc.VariablesAsyncStub:
    """The service of a session's variables, whose watches are streams of their own."""
    return cast("variables_pb2_grpc.VariablesAsyncStub", variables_pb2_grpc.VariablesStub(channel))
