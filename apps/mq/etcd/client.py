"""Calls to etcd with a deadline each, over every endpoint, failing with errors of ours.

Channels are made on first use, so a client may be created before a fork and used after it.
"""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import grpc

from apps.mq.config import QueueConfig
from apps.mq.etcd.errors import EtcdError, NotApplied, OutcomeUnknown, sort_error
from apps.mq.etcd.protos import rpc_pb2, rpc_pb2_grpc

CHANNEL_OPTIONS = [
    # The default of 4 MiB is less than a page of large messages.
    ("grpc.max_receive_message_length", -1),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 500),
    ("grpc.max_reconnect_backoff_ms", 1000),
    # Finds a black-holed peer under an idle watch; etcd refuses pings more often than each 5 s.
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.use_local_subchannel_pool", 1),
]


class _Endpoint:
    """One server: its channel and the stubs on it."""

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


class PendingCall:
    """A call on its way; `result()` waits for it, once."""

    def __init__(self, client: "EtcdClient", endpoint: _Endpoint, call: Any) -> None:
        self._client = client
        self._endpoint = endpoint
        self._call = call

    def result(self) -> Any:
        """The answer. Raises EtcdError."""
        try:
            return self._call.result()
        except grpc.RpcError as error:
            raise self._client.failed(self._endpoint, error) from error


class EtcdClient:
    """Typed access to etcd; safe to share between threads."""

    def __init__(self, config: QueueConfig) -> None:
        self._config = config
        self._lock = threading.Lock()
        self._endpoints: dict[str, _Endpoint] = {}
        self._current = 0
        self._metadata: tuple[tuple[str, str], ...] | None = None

    @property
    def endpoint(self) -> str:
        """The address that the next call goes to."""
        return self._config.endpoints[self._current]

    def range(self, request: Any) -> Any:
        """RangeRequest → RangeResponse. Raises EtcdError."""
        return self.call(lambda e: e.kv.Range, request)

    def txn(self, request: Any) -> Any:
        """TxnRequest → TxnResponse. Raises EtcdError."""
        return self.call(lambda e: e.kv.Txn, request)

    def start_txn(self, request: Any) -> PendingCall:
        """Send a TxnRequest and return at once."""
        return self._start(lambda e: e.kv.Txn, request)

    def grant_lease(self, ttl_s: int) -> int:
        """A new lease of `ttl_s` seconds. Raises EtcdError."""
        request = rpc_pb2.LeaseGrantRequest(TTL=ttl_s)
        return int(self.call(lambda e: e.lease.LeaseGrant, request).ID)

    def revoke_lease(self, lease_id: int) -> None:
        """End a lease; its keys are deleted. Raises EtcdError."""
        self.call(lambda e: e.lease.LeaseRevoke, rpc_pb2.LeaseRevokeRequest(ID=lease_id))

    def keep_alive(self, lease_id: int) -> int:
        """Renew a lease once; the remaining TTL in seconds, 0 or less when it is lost.

        Raises EtcdError.
        """
        endpoint = self._endpoint()
        request = rpc_pb2.LeaseKeepAliveRequest(ID=lease_id)
        try:
            answers = endpoint.lease.LeaseKeepAlive(
                iter([request]), timeout=self._config.timeout_s, metadata=self._token(endpoint)
            )
            return int(next(answers).TTL)
        except StopIteration as error:
            raise OutcomeUnknown(f"etcd at {endpoint.address} ended the keepalive") from error
        except grpc.RpcError as error:
            raise self.failed(endpoint, error) from error

    def status(self) -> Any:
        """StatusResponse of the current endpoint. Raises EtcdError."""
        return self.call(lambda e: e.maintenance.Status, rpc_pb2.StatusRequest())

    def watch(self, requests: Any) -> Any:
        """Open a watch stream without a deadline; iterate the answer, `cancel()` ends it."""
        endpoint = self._endpoint()
        return endpoint, endpoint.watch.Watch(requests, metadata=self._token(endpoint))

    def call(self, method: Callable[[_Endpoint], Any], request: Any) -> Any:
        """One unary call within the deadline. Raises EtcdError."""
        return self._start(method, request).result()

    def failed(self, endpoint: _Endpoint, error: grpc.RpcError) -> EtcdError:
        """Note a failure: leave an endpoint that does not serve, forget a token that is refused."""
        sorted_error = sort_error(error, endpoint.address)
        if isinstance(sorted_error, OutcomeUnknown):
            self._leave(endpoint)
        if isinstance(error, grpc.Call) and error.code() is grpc.StatusCode.UNAUTHENTICATED:
            self._metadata = None
            return NotApplied(str(sorted_error))
        return sorted_error

    def close(self) -> None:
        """Close every channel."""
        with self._lock:
            for endpoint in self._endpoints.values():
                endpoint.channel.close()
            self._endpoints.clear()

    def _start(self, method: Callable[[_Endpoint], Any], request: Any) -> PendingCall:
        endpoint = self._endpoint()
        call = method(endpoint).future(
            request, timeout=self._config.timeout_s, metadata=self._token(endpoint)
        )
        return PendingCall(self, endpoint, call)

    def _endpoint(self) -> _Endpoint:
        with self._lock:
            address = self._config.endpoints[self._current]
            if address not in self._endpoints:
                self._endpoints[address] = _Endpoint(address, self._config)
            return self._endpoints[address]

    def _leave(self, endpoint: _Endpoint) -> None:
        with self._lock:
            if self._config.endpoints[self._current] == endpoint.address:
                self._current = (self._current + 1) % len(self._config.endpoints)

    def _token(self, endpoint: _Endpoint) -> Sequence[tuple[str, str]] | None:
        if not self._config.username:
            return None
        if self._metadata is None:
            request = rpc_pb2.AuthenticateRequest(
                name=self._config.username, password=self._config.password
            )
            try:
                answer = endpoint.auth.Authenticate(request, timeout=self._config.timeout_s)
            except grpc.RpcError as error:
                raise sort_error(error, endpoint.address) from error
            self._metadata = (("token", answer.token),)
        return self._metadata
