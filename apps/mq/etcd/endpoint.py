"""One etcd server: its channel and the stubs on it."""

from pathlib import Path

import grpc

from apps.mq.config import QueueConfig
from apps.mq.etcd.protos import rpc_pb2_grpc

CHANNEL_OPTIONS = [
    # The default of 4 MiB is less than a page of large messages.
    ("grpc.max_receive_message_length", -1),
    ("grpc.initial_reconnect_backoff_ms", 100),
    # How long a connection may take to be made: TLS from far away needs several round trips.
    ("grpc.min_reconnect_backoff_ms", 2000),
    ("grpc.max_reconnect_backoff_ms", 1000),
    # Finds a black-holed peer under an idle watch; etcd refuses pings more often than each 5 s.
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.use_local_subchannel_pool", 1),
]


class Endpoint:
    """A server by its address, `host:port`."""

    def __init__(self, address: str, config: QueueConfig) -> None:
        self.address = address
        self.channel = _open(address, config)
        self.kv = rpc_pb2_grpc.KVStub(self.channel)
        self.watch = rpc_pb2_grpc.WatchStub(self.channel)
        self.lease = rpc_pb2_grpc.LeaseStub(self.channel)
        self.auth = rpc_pb2_grpc.AuthStub(self.channel)
        self.maintenance = rpc_pb2_grpc.MaintenanceStub(self.channel)


def _open(address: str, config: QueueConfig) -> grpc.Channel:
    if not (config.ca_cert or config.client_cert):
        return grpc.insecure_channel(address, options=CHANNEL_OPTIONS)
    credentials = grpc.ssl_channel_credentials(
        root_certificates=_read(config.ca_cert),
        private_key=_read(config.client_key),
        certificate_chain=_read(config.client_cert),
    )
    return grpc.secure_channel(address, credentials, options=CHANNEL_OPTIONS)


def _read(path: str) -> bytes | None:
    return Path(path).read_bytes() if path else None
