"""The queue as Django's settings describe it."""

from django.conf import settings

from apps.mq import QueueConfig


def queue_config(cluster: str | None = None) -> QueueConfig:
    """Where the queue of a cluster (CLUSTER_ID unless given) is and how it is used."""
    return QueueConfig(
        endpoints=tuple(settings.ETCD_ENDPOINTS),
        cluster=cluster or settings.CLUSTER_ID,
        username=settings.ETCD_USERNAME,
        password=settings.ETCD_PASSWORD,
        ca_cert=settings.ETCD_CA_CERT,
        client_cert=settings.ETCD_CLIENT_CERT,
        client_key=settings.ETCD_CLIENT_KEY,
        timeout_s=settings.ETCD_TIMEOUT_S,
        max_txn_ops=settings.ETCD_MAX_TXN_OPS,
        lease_s=settings.MEMBER_LEASE_S,
        max_depth=settings.QUEUE_MAX_DEPTH,
        quota_bytes=settings.ETCD_QUOTA_BYTES,
    )
