"""Requests to an etcd cluster: endpoints, deadlines, watches and what their errors mean."""

import os

# gRPC's handlers of fork() end a child with SIGSEGV now and then (1 of 400, grpcio 1.85), and a
# child of ours calls exec at once and needs none. gRPC reads this when it is first imported.
os.environ.setdefault("GRPC_ENABLE_FORK_SUPPORT", "false")
