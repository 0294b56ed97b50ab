"""etcd's failures sorted by what the caller does about them."""

import grpc


class EtcdError(Exception):
    """Any failure of a call to etcd."""


class OutcomeUnknown(EtcdError):
    """The answer did not arrive: the write may have happened. Repeat it only if that is safe."""


class NotApplied(EtcdError):
    """The server refused for the moment and changed nothing: try again after a pause."""


class TokenRefused(NotApplied):
    """The token of an earlier authentication is no longer good: authenticate and repeat."""


class SpaceExceeded(EtcdError):
    """The space quota is reached: etcd refuses puts until it is compacted and defragmented."""


class Compacted(EtcdError):
    """The revision asked for is no longer kept."""


class LeaseNotFound(EtcdError):
    """The lease has expired or was revoked."""


class Refused(EtcdError):
    """The request itself is wrong (arguments, credentials, permission): repeating cannot help."""


_RETRIABLE = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED,
              grpc.StatusCode.CANCELLED, grpc.StatusCode.UNKNOWN,
              grpc.StatusCode.INTERNAL, grpc.StatusCode.ABORTED)  # fmt: skip

_SIGNS_OF_TLS = ("TSI_", "SSL", "andshake", "CERTIFICATE")


def sort_error(error: grpc.RpcError, endpoint: str) -> EtcdError:
    """The class of ours for an error of gRPC; the text names the endpoint and what to check."""
    code = error.code() if isinstance(error, grpc.Call) else grpc.StatusCode.UNKNOWN
    details = (error.details() if isinstance(error, grpc.Call) else str(error)) or ""
    if code is grpc.StatusCode.RESOURCE_EXHAUSTED:
        if "space exceeded" in details:
            return SpaceExceeded(f"etcd at {endpoint} has reached its space quota: {details}")
        return NotApplied(f"etcd at {endpoint} is overloaded: {details}")
    if code is grpc.StatusCode.OUT_OF_RANGE and "compacted" in details:
        return Compacted(f"etcd at {endpoint}: {details}")
    if code is grpc.StatusCode.UNAUTHENTICATED or "revision of auth store is old" in details:
        return TokenRefused(f"etcd at {endpoint}: {details}")
    if code is grpc.StatusCode.NOT_FOUND and "lease" in details:
        return LeaseNotFound(f"etcd at {endpoint}: {details}")
    if code is grpc.StatusCode.DEADLINE_EXCEEDED:
        return OutcomeUnknown(f"etcd at {endpoint} did not answer in time; is it overloaded?")
    if "permission denied" in details:  # of the maintenance calls its code is UNKNOWN
        return Refused(f"etcd at {endpoint}: {details}; see the roles of ETCD_USERNAME")
    if code in _RETRIABLE:
        return OutcomeUnknown(f"etcd at {endpoint} cannot be reached ({details}); {_hint(details)}")
    return Refused(f"etcd at {endpoint} refused: {details} ({code.name})")


def _hint(details: str) -> str:
    if any(sign in details for sign in _SIGNS_OF_TLS):
        return "see ETCD_CA_CERT, ETCD_CLIENT_CERT and ETCD_CLIENT_KEY"
    return "is it running? See ETCD_ENDPOINTS"
