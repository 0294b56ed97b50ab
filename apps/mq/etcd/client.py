"""Calls to etcd with a deadline each, over every endpoint, failing with errors of ours.

Channels are made on first use, so a client may be created before a fork and used after it.
"""

import random
import threading
from collections.abc import Callable, Sequence
from typing import Any

import grpc

from apps.mq.config import QueueConfig
from apps.mq.etcd.endpoint import Endpoint
from apps.mq.etcd.errors import EtcdError, OutcomeUnknown, Refused, TokenRefused, sort_error
from apps.mq.etcd.patience import Patience
from apps.mq.etcd.protos import rpc_pb2
from apps.mq.observer import SILENT, Observer

# A server without a leader then ends a watch instead of keeping silent.
NEEDS_LEADER = (("hasleader", "true"),)


class PendingCall:
    """A call on its way; `result()` waits for it, once."""

    def __init__(self, client: "EtcdClient", endpoint: Endpoint, call: Any, patience: float):
        self._client = client
        self._endpoint = endpoint
        self._call = call
        self._patience = patience

    def when_done(self, notice: Callable[[], None]) -> None:
        """Call `notice`, in a thread of gRPC's, once there is an answer or an error."""
        self._call.add_done_callback(lambda _call: notice())

    def result(self) -> Any:
        """The answer. Raises EtcdError."""
        try:
            answer = self._call.result()
        except grpc.RpcError as error:
            raise self._client.failed(self._endpoint, error, self._patience) from error
        self._client.answered()
        return answer


class EtcdClient:
    """Typed access to etcd; safe to share between threads.

    It starts at any one of the endpoints and leaves one that does not answer in time for the next.
    """

    def __init__(self, config: QueueConfig, observer: Observer = SILENT) -> None:
        self._config = config
        self._observer = observer
        self._lock = threading.Lock()
        self._endpoints: dict[str, Endpoint] = {}
        self._current = random.randrange(len(config.endpoints))
        self._patience = Patience(config.endpoints)
        self._metadata: tuple[tuple[str, str], ...] | None = None

    @property
    def endpoint(self) -> str:
        """The address that the next call goes to."""
        return self._config.endpoints[self._current]

    @property
    def addresses(self) -> tuple[str, ...]:
        """Every endpoint that it was given."""
        return self._config.endpoints

    def range(self, request: Any) -> Any:
        """RangeRequest → RangeResponse. Raises EtcdError."""
        return self.call(lambda e: e.kv.Range, request)

    def txn(self, request: Any) -> Any:
        """TxnRequest → TxnResponse. Raises EtcdError."""
        return self.call(lambda e: e.kv.Txn, request)

    def start_txn(self, request: Any) -> PendingCall:
        """Send a TxnRequest and return at once. Raises EtcdError."""
        endpoint, patience = self._endpoint(), self._patience.factor
        timeout_s = self._config.timeout_s * patience
        call = endpoint.kv.Txn.future(request, timeout=timeout_s, metadata=self._token(endpoint))
        return PendingCall(self, endpoint, call, patience)

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
        endpoint, patience = self._endpoint(), self._patience.factor
        request = rpc_pb2.LeaseKeepAliveRequest(ID=lease_id)
        try:
            answers = endpoint.lease.LeaseKeepAlive(
                iter([request]),
                timeout=self._config.timeout_s * patience,
                metadata=self._token(endpoint),
            )
            return int(next(answers).TTL)
        except StopIteration as error:
            raise OutcomeUnknown(f"etcd at {endpoint.address} ended the keepalive") from error
        except grpc.RpcError as error:
            raise self.failed(endpoint, error, patience) from error

    def status(self, address: str | None = None) -> Any:
        """StatusResponse of one endpoint, the current one unless named. Raises EtcdError."""
        return self.call(lambda e: e.maintenance.Status, rpc_pb2.StatusRequest(), address)

    def watch(self, requests: Any) -> tuple[Endpoint, Any]:
        """Open a watch stream without a deadline; iterate the answer, `cancel()` ends it."""
        endpoint = self._endpoint()
        metadata = (*NEEDS_LEADER, *(self._token(endpoint) or ()))
        return endpoint, endpoint.watch.Watch(requests, metadata=metadata)

    def call(
        self,
        method: Callable[[Endpoint], Any],
        request: Any,
        address: str | None = None,
        timeout_s: float | None = None,
    ) -> Any:
        """One unary call within a deadline, to the current endpoint unless one is named.

        Raises EtcdError.
        """
        try:
            return self._call(self._endpoint(address), method, request, timeout_s)
        except TokenRefused:
            # Tokens are forgotten by a server that restarts, and end with any change of users.
            return self._call(self._endpoint(address), method, request, timeout_s)

    def failed(self, endpoint: Endpoint, error: grpc.RpcError, patience: float = 1.0) -> EtcdError:
        """Note a failure: leave an endpoint that does not serve, forget a token that is refused."""
        # gRPC raises the call itself. With its traceback it would hold itself and all that callers
        # have at hand, megabytes for a publisher, until the garbage collector looks for cycles.
        error.__traceback__ = None
        sorted_error = sort_error(error, endpoint.address)
        with self._lock:
            if isinstance(sorted_error, OutcomeUnknown):
                self._leave(endpoint)
                self._patience.failed(endpoint.address, patience, was_late=_is_late(error))
            if isinstance(sorted_error, TokenRefused):
                self._metadata = None
        self._observer.failed(sorted_error)
        return sorted_error

    def answered(self) -> None:
        """Note that a call was answered in time."""
        self._patience.answered()

    def close(self) -> None:
        """Close every channel."""
        with self._lock:
            for endpoint in self._endpoints.values():
                endpoint.channel.close()
            self._endpoints.clear()

    def _call(
        self,
        endpoint: Endpoint,
        method: Callable[[Endpoint], Any],
        request: Any,
        timeout_s: float | None,
    ) -> Any:
        # Waiting for it here costs half of what a call does whose answer another thread hands over.
        patience = self._patience.factor
        timeout_s = timeout_s or self._config.timeout_s * patience
        try:
            answer = method(endpoint)(request, timeout=timeout_s, metadata=self._token(endpoint))
        except grpc.RpcError as error:
            raise self.failed(endpoint, error, patience) from error
        self.answered()
        return answer

    def _endpoint(self, address: str | None = None) -> Endpoint:
        with self._lock:
            address = address or self._config.endpoints[self._current]
            if address not in self._endpoints:
                self._endpoints[address] = Endpoint(address, self._config)
            return self._endpoints[address]

    def _leave(self, endpoint: Endpoint) -> None:
        if self._config.endpoints[self._current] == endpoint.address:
            self._current = (self._current + 1) % len(self._config.endpoints)

    def _token(self, endpoint: Endpoint) -> Sequence[tuple[str, str]] | None:
        if not self._config.username:
            return None
        if metadata := self._metadata:  # another thread may forget it at any moment
            return metadata
        request = rpc_pb2.AuthenticateRequest(
            name=self._config.username, password=self._config.password
        )
        try:
            answer = endpoint.auth.Authenticate(request, timeout=self._config.timeout_s)
        except grpc.RpcError as error:
            sorted_error = self.failed(endpoint, error)
            if isinstance(sorted_error, Refused):
                sorted_error = Refused(f"{sorted_error}; see ETCD_USERNAME and ETCD_PASSWORD")
            raise sorted_error from error
        self._metadata = metadata = (("token", answer.token),)
        return metadata


def _is_late(error: grpc.RpcError) -> bool:
    """Whether a call's own deadline ended it."""
    return isinstance(error, grpc.Call) and error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
