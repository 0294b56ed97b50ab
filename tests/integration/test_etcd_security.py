"""The queue on an etcd that asks who is there: TLS with client certificates, and users."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from apps.mq import Consumer, EtcdError, Message, Published, Publisher, Queue, QueueConfig, Refused
from tests.faults.etcd_cluster import EtcdCluster
from tests.faults.etcd_program import needs_sound_etcd
from tests.integration.etcd_certificates import Authority
from tests.integration.etcd_users import PASSWORD, USER, add_user, switch_users_on
from tests.queue_contents import depth

pytestmark = needs_sound_etcd

PATIENCE_S = 30
TOKEN_TTL_S = 2


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("ours"))


@pytest.fixture(scope="module")
def stranger(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    return Authority(tmp_path_factory.mktemp("theirs"))


@pytest.fixture
def with_tls(tmp_path: Path, authority: Authority) -> Iterator[QueueConfig]:
    """The settings of a client that etcd lets in."""
    arguments = authority.etcd_arguments
    with EtcdCluster(tmp_path, extra_arguments=arguments, scheme="https") as etcd:
        client = authority.client
        yield QueueConfig(
            endpoints=tuple(etcd.endpoints),
            cluster="secure",
            ca_cert=client.ca,
            client_cert=client.cert,
            client_key=client.key,
        )


@pytest.fixture
def etcd(tmp_path: Path) -> Iterator[EtcdCluster]:
    """One with users, who must show up every two seconds."""
    ttl = f"--auth-token-ttl={TOKEN_TTL_S}"
    with EtcdCluster(tmp_path, extra_arguments=[ttl]) as etcd:
        switch_users_on(etcd.endpoints[0])
        yield etcd


@pytest.fixture
def with_user(etcd: EtcdCluster) -> QueueConfig:
    """The settings of a client that etcd lets in."""
    return QueueConfig(
        endpoints=tuple(etcd.endpoints), cluster="secure", username=USER, password=PASSWORD
    )


class Pipeline:
    """One of everything that talks to etcd, all kept open."""

    def __init__(self, config: QueueConfig) -> None:
        self._publisher = Publisher(config)
        self._consumer = Consumer(config, instance="one")
        self._queue = Queue(config)
        self._consumer.start()
        self._listener = self._queue.subscribe()
        self._published = 0

    def assert_works(self) -> None:
        """What is published now is heard, taken and gone; the consumer is among the members."""
        values = [b"%d" % (self._published + number) for number in range(3)]
        self._published += 3
        self._publisher.publish([Message("host", "0", value) for value in values])
        self._publisher.flush()
        assert self._heard() == values
        assert self._taken(3) == values
        eventually(lambda: self._queue.depth() == 0)
        eventually(lambda: "one" in self._queue.members("collector"))

    def _heard(self) -> list[bytes]:
        item = self._listener.get(PATIENCE_S)
        assert isinstance(item, Published)
        return [message.value for message in item.messages]

    def _taken(self, count: int) -> list[bytes]:
        values: set[bytes] = set()
        deadline = time.monotonic() + PATIENCE_S
        while len(values) < count and time.monotonic() < deadline:
            batches = self._consumer.take(8, 1.0)
            values |= {message.value for batch in batches for message in batch.messages}
            self._consumer.ack(batches)
        return sorted(values)

    def close(self) -> None:
        self._listener.close()
        self._consumer.close()
        self._publisher.close()
        self._queue.close()


@pytest.fixture
def pipeline() -> Iterator[Callable[[QueueConfig], Pipeline]]:
    opened = []

    def open_one(config: QueueConfig) -> Pipeline:
        opened.append(Pipeline(config))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not _holds(condition):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def _holds(condition: Callable[[], bool]) -> bool:
    try:
        return condition()
    except EtcdError:
        return False


def test_everything_works_over_tls_with_a_client_certificate(with_tls, pipeline):
    pipeline(with_tls).assert_works()


def test_a_client_without_a_certificate_is_told_so_at_once(with_tls):
    with pytest.raises(EtcdError, match=with_tls.endpoints[0]):
        depth(replace(with_tls, client_cert="", client_key=""))


def test_a_client_with_a_certificate_of_another_authority_is_told_so_at_once(with_tls, stranger):
    client = stranger.client
    with pytest.raises(EtcdError, match=with_tls.endpoints[0]):
        depth(replace(with_tls, client_cert=client.cert, client_key=client.key))


def test_a_client_that_trusts_another_authority_is_told_so_at_once(with_tls, stranger):
    with pytest.raises(EtcdError, match="CERTIFICATE_VERIFY_FAILED"):
        depth(replace(with_tls, ca_cert=stranger.client.ca))


def test_everything_works_with_user_and_password(with_user, pipeline):
    pipeline(with_user).assert_works()


def test_a_wrong_password_is_refused_and_the_settings_are_named(with_user):
    wrong = replace(with_user, password="wrong")
    with pytest.raises(Refused, match="ETCD_USERNAME and ETCD_PASSWORD"):
        depth(wrong)
    with pytest.raises(Refused, match="ETCD_USERNAME and ETCD_PASSWORD"):
        publish(wrong)


def test_a_client_without_a_user_is_refused(with_user):
    with pytest.raises(Refused, match="user name is empty"):
        depth(replace(with_user, username="", password=""))


def publish(config: QueueConfig) -> None:
    publisher = Publisher(config)
    try:
        publisher.publish([Message("host", "0", b"{}")])
        publisher.flush()
    finally:
        publisher.close()


def test_work_goes_on_after_a_restart_that_forgets_all_tokens(etcd, with_user, pipeline):
    one = pipeline(with_user)
    one.assert_works()
    etcd.kill(0)
    etcd.restart(0)
    one.assert_works()
    one.assert_works()


def test_work_goes_on_after_the_users_have_changed(etcd, with_user, pipeline):
    one = pipeline(with_user)
    one.assert_works()
    add_user(etcd.endpoints[0], "newcomer")
    one.assert_works()
    one.assert_works()


def test_work_goes_on_after_the_tokens_have_expired(with_user, pipeline):
    one = pipeline(with_user)
    one.assert_works()
    time.sleep(2 * TOKEN_TTL_S)
    one.assert_works()
