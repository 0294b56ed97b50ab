"""The queue as Django's settings describe it."""

from django.conf import settings

from apps.mq import QueueConfig


def queue_config(cluster: str | None = None) -> QueueConfig:
    """Where the queue of a cluster (CLUSTER_ID unless given) is and how it is used."""
    return QueueConfig.from_settings(settings, cluster)
