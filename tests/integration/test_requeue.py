"""Dead letters go through the queue again, and are deleted only once etcd has acknowledged them."""

import threading

import pytest
from django.db import connection, transaction

import workers.dead_letters
from apps.mq.publisher import MAX_MESSAGE_BYTES
from apps.telemetry.models import DeadLetter
from tests.integration.letters import make_letters
from tests.queue_contents import waiting_messages
from workers.dead_letters import CannotPublish, requeue

pytestmark = pytest.mark.django_db(transaction=True)


def waiting(etcd_endpoints, cluster_id):
    return [value for _, value in waiting_messages(etcd_endpoints, cluster_id)]


def everything():
    return DeadLetter.objects.all()


def test_letters_are_published_byte_for_byte_in_their_order_and_are_letters_no_more(
    etcd_endpoints, cluster_id
):
    values = [b"letter %d \0\xff" % number for number in range(250)]
    make_letters(cluster_id, values)
    steps = list(requeue(everything()))
    assert sum(step.published for step in steps) == 250
    assert not DeadLetter.objects.exists()
    assert sorted(waiting(etcd_endpoints, cluster_id)) == sorted(values)


def test_their_keys_name_the_host_and_gpu_and_a_new_time(etcd_endpoints, cluster_id):
    (letter,) = make_letters(cluster_id, [b"x"])
    list(requeue(everything()))
    ((key, _),) = waiting_messages(etcd_endpoints, cluster_id)
    assert key.endswith(b"_my_host_3_0")
    assert key > letter.key.encode()


def test_each_goes_to_the_queue_of_its_cluster(etcd_endpoints, cluster_id):
    clusters = [f"{cluster_id}-{number}" for number in range(3)]
    for cluster in clusters:
        make_letters(cluster, [cluster.encode()])
    list(requeue(everything()))
    assert [waiting(etcd_endpoints, cluster) for cluster in clusters] == [
        [cluster.encode()] for cluster in clusters
    ]


def test_only_the_chosen_are_published(etcd_endpoints, cluster_id):
    make_letters(cluster_id, [b"one", b"two"])
    make_letters(cluster_id, [b"three"], reason="other")
    list(requeue(DeadLetter.objects.filter(reason="other")))
    assert waiting(etcd_endpoints, cluster_id) == [b"three"]
    assert DeadLetter.objects.count() == 2


def test_what_becomes_a_dead_letter_again_meanwhile_does_not_keep_it_going(cluster_id):
    make_letters(cluster_id, [b"bad %d" % number for number in range(300)])
    for number, _ in enumerate(requeue(everything())):
        assert number < 3
        make_letters(cluster_id, [b"bad again %d %d" % (number, i) for i in range(100)])
    assert DeadLetter.objects.count() == 300


def test_nothing_is_deleted_while_etcd_cannot_be_reached(cluster_id, settings, monkeypatch):
    monkeypatch.setattr(workers.dead_letters, "PATIENCE_S", 0.5)
    settings.ETCD_ENDPOINTS = ["127.0.0.1:1"]
    make_letters(cluster_id, [b"x", b"y"])
    with pytest.raises(CannotPublish, match=r"127\.0\.0\.1:1 cannot be reached"):
        list(requeue(everything()))
    assert DeadLetter.objects.count() == 2


def test_a_crash_between_acknowledgement_and_deletion_keeps_the_letters(
    etcd_endpoints, cluster_id, monkeypatch
):
    make_letters(cluster_id, [b"x"])

    def publish_and_crash(publisher, letters):
        publish(publisher, letters)
        raise MemoryError

    publish = workers.dead_letters._publish
    monkeypatch.setattr(workers.dead_letters, "_publish", publish_and_crash)
    with pytest.raises(MemoryError):
        list(requeue(everything()))
    assert waiting(etcd_endpoints, cluster_id) == [b"x"]
    assert DeadLetter.objects.count() == 1


def test_a_letter_too_large_for_etcd_stays_and_holds_up_no_other(etcd_endpoints, cluster_id):
    large = b"x" * (MAX_MESSAGE_BYTES + 1)
    make_letters(cluster_id, [b"before", large, b"after"])
    (step,) = requeue(everything())
    assert (step.published, step.too_large) == (2, 1)
    assert waiting(etcd_endpoints, cluster_id) == [b"before", b"after"]
    assert bytes(DeadLetter.objects.get().value) == large


def test_the_largest_letters_that_etcd_takes_are_published(etcd_endpoints, cluster_id):
    make_letters(cluster_id, [b"%d" % number + b"x" * (MAX_MESSAGE_BYTES - 1) for number in (1, 2)])
    list(requeue(everything()))
    assert len(waiting(etcd_endpoints, cluster_id)) == 2


def test_what_another_operator_is_requeueing_is_left_to_them(etcd_endpoints, cluster_id):
    _, theirs = make_letters(cluster_id, [b"mine", b"theirs"])
    locked, done = threading.Event(), threading.Event()

    def other_operator():
        with transaction.atomic():
            DeadLetter.objects.select_for_update().get(pk=theirs.pk)
            locked.set()
            done.wait(60)
        connection.close()

    other = threading.Thread(target=other_operator)
    other.start()
    try:
        assert locked.wait(60)
        list(requeue(everything()))
    finally:
        done.set()
        other.join(60)
    assert waiting(etcd_endpoints, cluster_id) == [b"mine"]
    assert DeadLetter.objects.get().pk == theirs.pk
