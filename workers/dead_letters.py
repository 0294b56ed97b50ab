"""Publishes dead letters again: their bytes go through the queue once more, as they were."""

import threading
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Max, QuerySet

from apps.mq import EtcdError, Message, Publisher, PublishStopped
from apps.mq.keys import Keys
from apps.mq.publisher import MAX_MESSAGE_BYTES
from apps.telemetry.models import DeadLetter
from telemetry_project.queue import queue_config

# So many letters are one transaction here, and locked while they are published.
AT_ONCE = 100
# etcd may be away: a person waits for the answer.
PATIENCE_S = 10.0
# What a key says that is not of the format, or too long to be used in a key again.
NO_ORIGIN = ("requeued", "0")
LONGEST_ORIGIN = 300


class CannotPublish(Exception):
    """etcd does not take the letters; those that were not acknowledged are still letters."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one transaction did: `too_large` letters cannot be published and stay."""

    published: int
    too_large: int


def requeue(letters: QuerySet[DeadLetter]) -> Iterator[Step]:
    """Publish the letters, each to the queue of its cluster, and delete what etcd acknowledged.

    What comes back as a dead letter meanwhile is not taken again, and what somebody else is
    requeueing at this moment is left to them. Raises CannotPublish and django.db.DatabaseError.
    """
    newest = letters.aggregate(newest=Max("pk"))["newest"] or 0
    letters = letters.filter(pk__lte=newest)
    clusters = letters.order_by("cluster").values_list("cluster", flat=True).distinct()
    for cluster in list(clusters):
        over = threading.Event()
        with closing(_publisher(cluster, over)) as publisher:
            yield from _requeue(letters.filter(cluster=cluster), publisher, over)


def message_of(letter: DeadLetter) -> Message:
    """The letter's bytes under the names in its old key."""
    origin = Keys(letter.cluster).message_origin(letter.key.encode())
    if origin is None or len("".join(origin)) > LONGEST_ORIGIN:
        origin = NO_ORIGIN
    return Message(*origin, bytes(letter.value))


def _publisher(cluster: str, over: threading.Event) -> Publisher:
    try:
        return Publisher(queue_config(cluster), over)
    except ValueError as error:
        raise CannotPublish(str(error)) from error


def _requeue(
    letters: QuerySet[DeadLetter], publisher: Publisher, over: threading.Event
) -> Iterator[Step]:
    last = 0
    while True:
        with transaction.atomic():
            some = _lock_next(letters, last)
            if not some:
                return
            fitting = [letter for letter in some if len(letter.value) <= MAX_MESSAGE_BYTES]
            with _set_after(PATIENCE_S, over):
                _publish(publisher, fitting)
            # Only now: a crash before this publishes twice, which stores nothing twice.
            DeadLetter.objects.filter(pk__in=[letter.pk for letter in fitting]).delete()
        last = some[-1].pk
        yield Step(len(fitting), len(some) - len(fitting))


def _lock_next(letters: QuerySet[DeadLetter], last: int) -> Sequence[DeadLetter]:
    locked = letters.filter(pk__gt=last).select_for_update(skip_locked=True)
    return list(locked.order_by("pk")[:AT_ONCE])


def _publish(publisher: Publisher, letters: Sequence[DeadLetter]) -> None:
    try:
        publisher.publish([message_of(letter) for letter in letters])
        publisher.flush()
    except (EtcdError, PublishStopped) as error:
        raise CannotPublish(str(error)) from error


@contextmanager
def _set_after(seconds: float, event: threading.Event) -> Iterator[None]:
    timer = threading.Timer(seconds, event.set)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
