"""A persistent, shared message queue on etcd; README.md beside this file is its contract."""

from apps.mq.config import QueueConfig
from apps.mq.consumer import Consumer
from apps.mq.etcd.errors import EtcdError, Refused
from apps.mq.group import Group
from apps.mq.messages import Batch, Message, Received
from apps.mq.publisher import MessageTooLarge, Publisher, PublishStopped
from apps.mq.queue import Queue
from apps.mq.subscription import Missed, Published, Subscription

__all__ = [
    "Batch",
    "Consumer",
    "EtcdError",
    "Group",
    "Message",
    "MessageTooLarge",
    "Missed",
    "PublishStopped",
    "Published",
    "Publisher",
    "Queue",
    "QueueConfig",
    "Received",
    "Refused",
    "Subscription",
]
