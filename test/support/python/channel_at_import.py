"""Opens a channel of gRPC when it is imported."""

import grpc

channel = grpc.insecure_channel("127.0.0.1:1")
