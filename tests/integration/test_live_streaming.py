"""Live sources into the real queue, to what a collector decodes."""

import json
import threading
import time
from datetime import UTC, datetime, timedelta

import pytest

from apps.mq import Publisher, QueueConfig
from tests.integration.exporter_server import ExporterServer
from tests.queue_contents import waiting_records
from tests.unit.exporter_samples import page, uuid_of
from tests.unit.fake_nvml import FakeNvml
from workers.live.address import read_address
from workers.live.arguments import LiveSources
from workers.live.nvml import Nvml
from workers.live.run import run_live
from workers.streamer.report import Report

WAIT_S = 30
INTERVAL_S = 0.1


def any_time(timestamp):
    """Accepts every time."""


def mig(gpu):
    """Labels of a GPU in a pod; GPU 2 is a MIG instance."""
    instance = {"GPU_I_ID": "7", "GPU_I_PROFILE": "1g.10gb"} if gpu == 2 else {}
    return {"pod": f"train-{gpu}", "namespace": "research", "container": "main", **instance}


@pytest.fixture
def servers():
    """A function that starts an exporter; all are stopped in the end."""
    started = []

    def start(text):
        started.append(ExporterServer(text))
        return started[-1]

    yield start
    for server in started:
        server.kill()


@pytest.fixture
def stream(etcd_endpoints, cluster_id):
    """A function that runs live sources in a thread and returns what waits in the queue then."""
    stop = threading.Event()
    publisher = Publisher(QueueConfig(endpoints=tuple(etcd_endpoints), cluster=cluster_id))
    threads = []

    def records():
        return waiting_records(etcd_endpoints, cluster_id)

    def begin(find_sources):
        arguments = (find_sources, publisher, Report(), stop, INTERVAL_S)
        threads.append(threading.Thread(target=run_live, args=arguments))
        threads[-1].start()
        return records

    yield begin
    stop.set()
    for thread in threads:
        thread.join(WAIT_S)
        assert not thread.is_alive()
    publisher.close()


def sources_of(*urls, targets=None):
    return LiveSources(
        {
            "scrape": [read_address(url) for url in urls], "targets": targets, "nvml": False,
            "interval": INTERVAL_S, "scrape_timeout": 5.0,
        },
        any_time,
    )  # fmt: skip


def until(is_so):
    deadline = time.monotonic() + WAIT_S
    while not (value := is_so()):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    return value


def test_what_exporters_say_waits_in_the_queue(servers, stream):
    old = servers(page(8, "node-1", more=mig, blank=["DCGM_FI_DEV_FB_USED"]))
    new = servers(page(2, "node-2", renamed=True))
    records = stream(sources_of(old.url, new.url))
    found = until(lambda: (found := records()) and len({r.uuid for r in found}) == 10 and found)
    last = {record.uuid: record for record in found}
    one, instance, other = last[uuid_of(1)], last[f"{uuid_of(2)}.gi7"], last[uuid_of(1, "node-2")]
    assert uuid_of(2) not in last
    assert (one.gpu_utilization, one.power_draw, one.memory_used_mib) == (91, 401.125, None)
    assert (one.extra["pod"], one.extra["namespace"]) == ("train-1", "research")
    assert (instance.gpu_id, instance.extra["GPU_I_PROFILE"]) == (2, "1g.10gb")
    assert (other.hostname, other.temperature, other.pcie_replay_total) == ("node-2", 31, 0)
    assert abs(datetime.now(UTC) - one.timestamp) < timedelta(hours=1)
    assert len({(record.uuid, record.timestamp) for record in found}) == len(found)


def test_a_target_that_dies_sends_nothing_until_it_is_back(servers, stream, caplog):
    dying, other = servers(page(1, "node-1")), servers(page(1, "node-2"))
    records = stream(sources_of(dying.url, other.url))

    def count(host):
        return sum(record.hostname == host for record in records())

    until(lambda: count("node-1"))
    dying.kill()
    until(lambda: "cannot be reached" in caplog.text)
    settled = count("node-2") + 2  # what was read before it died has arrived by then
    until(lambda: count("node-2") >= settled)
    before, others = count("node-1"), count("node-2")
    until(lambda: count("node-2") >= others + 5)
    assert count("node-1") == before
    dying.begin()
    until(lambda: count("node-1") > before)
    assert caplog.text.count("cannot be reached") == 1
    assert caplog.text.count("answers again") == 1


def test_a_target_that_hangs_does_not_hold_up_the_others(servers, stream):
    hanging, other = servers(page(1, "node-1")), servers(page(1, "node-2"))
    hanging.hang.set()
    records = stream(sources_of(hanging.url, other.url))
    until(lambda: hanging.requests)
    until(lambda: len(records()) >= 5)
    assert {record.hostname for record in records()} == {"node-2"}


def test_targets_come_and_go_with_their_file(servers, stream, tmp_path):
    first, second = servers(page(1, "node-1")), servers(page(1, "node-2"))
    file = tmp_path / "targets.json"

    def write(*targets):
        new = tmp_path / "new"
        new.write_text(json.dumps([{"targets": targets, "labels": {"rack": "r7"}}]))
        new.rename(file)

    write(first.address)
    records = stream(sources_of(targets=file))
    until(records)
    write(second.address)
    found = until(lambda: [r for r in records() if r.hostname == "node-2"])
    assert found[0].extra["rack"] == "r7"
    gone_after = first.requests
    seen = len(records())
    until(lambda: len(records()) >= seen + 5)
    assert first.requests == gone_after


def test_the_gpus_of_this_host_wait_in_the_queue(stream):
    fake = FakeNvml(gpus=8)
    source = Nvml.open("this-host", fake)
    records = stream(lambda: [source])
    until(lambda: len({record.timestamp for record in records()}) >= 3)
    fake.xid(5, 79)
    found = until(lambda: [record for record in records() if record.xid_error == 79])
    assert {record.uuid for record in found} == {"GPU-fake-5"}
    assert {record.uuid for record in records()} == {f"GPU-fake-{gpu}" for gpu in range(8)}
