"""A persistent, shared message queue on etcd; README.md beside this file is its contract."""

from apps.mq.config import QueueConfig
from apps.mq.consumer import Consumer
from apps.mq.etcd.errors import EtcdError, Refused
from apps.mq.group import Group
from apps.mq.messages import Batch, Message, Received
from apps.mq.observer import Observer
from apps.mq.publisher import MessageTooLarge, Publisher, PublishStopped
from apps.mq.queue import Backlog, Queue, Store
from apps.mq.subscription import Missed, Published, Subscription

__all__ = [
    "Backlog",
    "Batch",
    "Consumer",
    "EtcdError",
    "Group",
    "Message",
    "MessageTooLarge",
    "Missed",
    "Observer",
    "PublishStopped",
    "Published",
    "Publisher",
    "Queue",
    "QueueConfig",
    "Received",
    "Refused",
    "Store",
    "Subscription",
]
