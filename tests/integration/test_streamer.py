"""The streamer into the real queue: every record of a file arrives there once."""

import csv
import os
import threading
from pathlib import Path

import pytest

from apps.mq import Publisher, QueueConfig
from tests.queue_contents import waiting_messages, waiting_records
from tests.unit.csv_samples import EARLIEST
from workers.demo.csv_layouts import HEADERS, Layout, blocks, instants
from workers.demo.fleet import build_fleet
from workers.restamp import Restamp
from workers.sources.csv_file import CsvFile
from workers.streamer.progress import Lines
from workers.streamer.report import Report
from workers.streamer.shares import Alone
from workers.streamer.streamer import Streamer, Timing
from workers.streamer.work import Files

EXPORT = Path(os.environ.get("DCGM_EXPORT_CSV", "../shared/data/dcgm_metrics_20250718_134233.csv"))
HOSTS, GPUS, SECONDS = 3, 8, 20


def any_time(timestamp):
    """Accepts every time."""


@pytest.fixture(params=list(Layout))
def fleet_csv(request, tmp_path):
    """A file of a small fleet, in one layout."""
    path = tmp_path / f"fleet-{request.param}.csv"
    lines = blocks(
        build_fleet(HOSTS, GPUS, SECONDS, seed=1), instants(EARLIEST, SECONDS, 1.0), 1.0,
        request.param,
    )  # fmt: skip
    path.write_text(HEADERS[request.param] + "\n" + "".join(lines))
    return path


@pytest.fixture
def stream(etcd_endpoints, cluster_id):
    """A function that streams files once and returns the report and what was acknowledged."""
    publisher = Publisher(QueueConfig(endpoints=tuple(etcd_endpoints), cluster=cluster_id))

    def run(*paths, **options):
        report = Report()
        options = {"batch_size": 100, **options}
        streamer = Streamer(publisher, report, Lines(report), threading.Event(), **options)
        work = Files(map(str, paths), lambda part, _: CsvFile(part.path, any_time), Alone(), report)
        assert streamer.run(work)
        return report, publisher.acknowledged

    yield run
    publisher.close()


def test_every_record_of_a_file_waits_in_the_queue_once(
    stream, fleet_csv, etcd_endpoints, cluster_id
):
    report, acknowledged = stream(fleet_csv)
    found = waiting_records(etcd_endpoints, cluster_id)
    assert acknowledged == report.records == len(found) == HOSTS * GPUS * SECONDS
    assert report.rows_rejected == 0
    assert len({(record.uuid, record.timestamp) for record in found}) == len(found)
    assert {record.model_name for record in found} > {"NVIDIA H100 80GB HBM3"}
    assert all(record.power_draw and record.energy_consumption_mj for record in found)


def test_a_key_tells_the_host_and_the_index_of_its_message(
    stream, fleet_csv, etcd_endpoints, cluster_id
):
    stream(fleet_csv)
    first_key, _ = waiting_messages(etcd_endpoints, cluster_id)[0]
    prefix, _, name = first_key.decode().rpartition("/")
    assert prefix == f"/telemetry/queue/{cluster_id}"
    assert name.split("_")[1:] == ["demo-dgx-001", "0", "0"]


def test_a_file_that_is_streamed_twice_with_processing_time_is_two_sets_of_samples(
    stream, fleet_csv, etcd_endpoints, cluster_id
):
    restamp = Restamp()
    stream(fleet_csv, timing=Timing(restamp=restamp))
    stream(fleet_csv, timing=Timing(restamp=restamp))
    found = waiting_records(etcd_endpoints, cluster_id)
    assert len({(record.uuid, record.timestamp) for record in found}) == len(found)
    assert len({record.timestamp for record in found}) == 2 * SECONDS


@pytest.mark.skipif(not EXPORT.is_file(), reason=f"{EXPORT} is not there")
def test_the_real_export_waits_in_the_queue_value_by_value(stream, etcd_endpoints, cluster_id):
    report, acknowledged = stream(EXPORT)
    assert (report.rows_read, report.rows_rejected) == (2470, 0)
    found = waiting_records(etcd_endpoints, cluster_id)
    with EXPORT.open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert acknowledged == len(found) == len({(row["uuid"], row["timestamp"]) for row in rows})
    powers = {record.uuid: record.power_draw for record in found if record.power_draw is not None}
    assert powers == {
        row["uuid"]: float(row["value"])
        for row in rows
        if row["metric_name"] == "DCGM_FI_DEV_POWER_USAGE"
    }
