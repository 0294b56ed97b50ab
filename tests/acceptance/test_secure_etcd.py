"""The commands find a TLS-only etcd by their settings, and say which of them is wrong."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from apps.embedded.processes import wait_until
from apps.mq import Message, Publisher, QueueConfig
from apps.telemetry.models import Sample
from apps.telemetry.records import encode
from tests.faults.etcd_cluster import EtcdCluster
from tests.faults.etcd_program import needs_sound_etcd
from tests.integration.etcd_certificates import Authority
from tests.integration.etcd_users import USER, switch_users_on
from tests.integration.records import record
from tests.queue_contents import depth
from tests.unit.csv_samples import WIDE_ROW, row_bytes

pytestmark = needs_sound_etcd

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60


@pytest.fixture
def with_tls(tmp_path: Path, cluster_id: str) -> Iterator[QueueConfig]:
    """The settings of a client that etcd lets in."""
    authority = Authority(tmp_path)
    client, arguments = authority.client, authority.etcd_arguments
    with EtcdCluster(tmp_path / "etcd", extra_arguments=arguments, scheme="https") as etcd:
        yield QueueConfig(
            endpoints=tuple(etcd.endpoints),
            cluster=cluster_id,
            ca_cert=client.ca,
            client_cert=client.cert,
            client_key=client.key,
        )


def settings(config: QueueConfig) -> dict[str, str]:
    return {
        "ETCD_ENDPOINTS": ",".join(config.endpoints),
        "ETCD_CA_CERT": config.ca_cert,
        "ETCD_CLIENT_CERT": config.client_cert,
        "ETCD_CLIENT_KEY": config.client_key,
        "CLUSTER_ID": config.cluster,
    }


def command(*arguments: str) -> list[str]:
    return [sys.executable, "manage.py", *arguments]


def csv_file(folder: Path, rows: int) -> str:
    path = folder / "metrics.csv"
    lines = (row_bytes({**WIDE_ROW, "uuid": f"GPU-{number}"}) for number in range(rows))
    path.write_bytes(",".join(WIDE_ROW).encode() + b"\n" + b"".join(lines))
    return str(path)


def test_a_streamer_publishes_over_tls(with_tls, tmp_path):
    done = subprocess.run(
        command("runstreamer", "--path", csv_file(tmp_path, 300)),
        cwd=ROOT,
        env={**os.environ, **settings(with_tls)},
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == 0
    assert depth(with_tls) == 300


def test_a_collector_stores_over_tls_what_was_published(with_tls, environment):
    publisher = Publisher(with_tls)
    publisher.publish(
        [
            Message("host", "0", encode(record(gpu, second)))
            for gpu in range(3)
            for second in range(50)
        ]
    )
    publisher.flush()
    publisher.close()
    collector = subprocess.Popen(
        command("runcollector"), cwd=ROOT, env={**environment, **settings(with_tls)}
    )
    try:
        assert wait_until(lambda: depth(with_tls) == 0, PATIENCE_S)
        collector.send_signal(signal.SIGTERM)
        assert collector.wait(PATIENCE_S) == 0
    finally:
        collector.kill()
        collector.wait()
    assert Sample.objects.count() == 150


@pytest.fixture
def wrong_password(environment: dict[str, str], tmp_path: Path) -> Iterator[dict[str, str]]:
    """The environment of a command that etcd does not let in."""
    with EtcdCluster(tmp_path / "etcd") as etcd:
        switch_users_on(etcd.endpoints[0])
        where = {"ETCD_ENDPOINTS": etcd.endpoints[0]}
        yield {**environment, **where, "ETCD_USERNAME": USER, "ETCD_PASSWORD": "wrong"}


def test_a_streamer_with_a_wrong_password_ends_and_names_the_settings(wrong_password, tmp_path):
    done = subprocess.run(
        command("runstreamer", "--path", csv_file(tmp_path, 3)),
        cwd=ROOT,
        env=wrong_password,
        timeout=PATIENCE_S,
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode != 0
    assert "ETCD_USERNAME and ETCD_PASSWORD" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_collector_with_a_wrong_password_names_the_settings(wrong_password, tmp_path):
    said = tmp_path / "said"
    with said.open("w") as errors:
        collector = subprocess.Popen(
            command("runcollector"), cwd=ROOT, env=wrong_password, stderr=errors
        )
    try:
        assert wait_until(lambda: "ETCD_USERNAME and ETCD_PASSWORD" in said.read_text(), PATIENCE_S)
    finally:
        collector.kill()
        collector.wait()
    assert "Traceback" not in said.read_text()
