"""The long layout: rows pivoted to one record per GPU and instant."""

import random
from datetime import UTC, datetime

import pytest

from apps.telemetry.csv_header import parse_header
from apps.telemetry.metrics import BY_DCGM_NAME
from tests.unit.csv_samples import DCGM_ROW, UUID, read_rows, record_of
from workers.sources.cells import TimeReader
from workers.sources.csv_dcgm import DcgmRows
from workers.sources.csv_window import MAX_EXTRA

INT32_BLANK, INT64_BLANK = "2147483634", "9223372036854775794"


def metric(name, value, **fields):
    return {**DCGM_ROW, "metric_name": f"DCGM_FI_DEV_{name}", "value": value, **fields}


def pivot(rows, window_rows):
    """Records per call of `read` with one row each, and those of `finish`."""
    header = parse_header(",".join(DCGM_ROW))
    reader = DcgmRows(header, TimeReader(lambda timestamp: None), window_rows)
    rejected: list[tuple[int, str]] = []
    steps = [reader.read([list(row.values())], [2], rejected) for row in rows]
    assert not rejected
    return [[record_of(d) for d in step] for step in steps], [record_of(d) for d in reader.finish()]


def test_rows_of_one_gpu_and_instant_are_one_record(tmp_path):
    (record,), rejected, rows = read_rows(
        tmp_path, metric("GPU_UTIL", "97"), metric("POWER_USAGE", "65.123"), metric("FB_USED", "0")
    )
    assert not rejected
    assert rows == 3
    assert record.timestamp == datetime(2025, 7, 18, 20, 42, 34, tzinfo=UTC)
    assert (record.gpu_utilization, record.power_draw, record.memory_used_mib) == (97, 65.123, 0)
    assert (record.hostname, record.gpu_id, record.device) == ("mtv5-dgx1-hgpu-031", 0, "nvidia0")
    assert record.driver_version == "535.129.03"
    assert record.pci_bus_id == "00000000:1A:00.0"
    assert record.temperature is None
    assert record.extra is None


@pytest.mark.parametrize("name", BY_DCGM_NAME)
def test_metric_names_of_both_generations_are_known(tmp_path, name):
    (record,), rejected, _ = read_rows(tmp_path, {**DCGM_ROW, "metric_name": name, "value": "1"})
    assert not rejected
    assert getattr(record, BY_DCGM_NAME[name].name) == 1


def test_other_metrics_go_to_extra_under_their_dcgm_name(tmp_path):
    (record,), _, _ = read_rows(tmp_path, metric("FAN_SPEED", "30"), metric("NEW", "0.5"))
    assert record.extra == {"DCGM_FI_DEV_FAN_SPEED": 30, "DCGM_FI_DEV_NEW": 0.5}


def test_where_the_gpu_is_used_goes_to_extra_as_text(tmp_path):
    placement = {"container": "main", "pod": "007", "namespace": "research"}
    records, _, _ = read_rows(
        tmp_path, metric("GPU_UTIL", "1", **placement), metric("FAN_SPEED", "3", **placement),
        metric("GPU_UTIL", "2", **placement, timestamp="2025-07-18T20:42:35Z"),
    )  # fmt: skip
    assert [record.extra for record in records] == [
        {**placement, "DCGM_FI_DEV_FAN_SPEED": 3},
        placement,
    ]


def test_hosts_share_indices_and_a_gpu_is_its_uuid(tmp_path):
    records, _, _ = read_rows(
        tmp_path, DCGM_ROW, {**DCGM_ROW, "uuid": "GPU-2", "Hostname": "other_host"}
    )
    assert [(r.uuid, r.hostname, r.gpu_id) for r in records] == [
        (UUID, "mtv5-dgx1-hgpu-031", 0),
        ("GPU-2", "other_host", 0),
    ]


def test_of_two_values_the_last_wins_without_a_rejection(tmp_path):
    (record,), rejected, rows = read_rows(
        tmp_path, metric("GPU_UTIL", "1"), metric("GPU_UTIL", "2"), metric("GPU_UTIL", "")
    )
    assert record.gpu_utilization == 2
    assert not rejected
    assert rows == 3


@pytest.mark.parametrize("blank", ["", INT32_BLANK, INT64_BLANK, "140737488355328.0", "<<<NULL>>>"])
@pytest.mark.parametrize("name", ["GPU_UTIL", "POWER_USAGE", "XID_ERRORS", "FAN_SPEED"])
def test_blanks_are_absent_and_count_as_read(tmp_path, name, blank):
    (record,), rejected, rows = read_rows(tmp_path, metric("GPU_TEMP", "40"), metric(name, blank))
    assert not rejected
    assert rows == 2
    assert record.temperature == 40
    assert (record.gpu_utilization, record.power_draw, record.xid_error) == (None, None, None)
    assert record.extra is None


def test_a_gpu_that_reports_blanks_only_still_reports(tmp_path):
    (record,), rejected, _ = read_rows(tmp_path, metric("GPU_UTIL", INT32_BLANK))
    assert not rejected
    assert record.uuid == UUID


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"value": "x"}, "gpu_util"),
        ({"value": "NaN"}, "gpu_util"),
        ({"value": "101"}, "gpu_util"),
        ({"metric_name": "DCGM_FI_DEV_NEW", "value": "+Inf"}, "dcgm_fi_dev_new"),
        ({"metric_name": "DCGM_FI_DEV_NEW", "value": "1e400"}, "dcgm_fi_dev_new"),
        ({"metric_name": ""}, "metric_name"),
        ({"metric_name": "not a name"}, "metric_name"),
        ({"gpu_id": "-1"}, "gpu_id"),
        ({"gpu_id": ""}, "gpu_id is empty"),
    ],
)
def test_a_bad_row_costs_its_own_value_only(tmp_path, change, named):
    (record,), rejected, rows = read_rows(
        tmp_path, metric("GPU_TEMP", "40"), {**DCGM_ROW, **change}, metric("POWER_USAGE", "50")
    )
    assert (record.temperature, record.power_draw, record.gpu_utilization) == (40, 50, None)
    assert [line for line, _ in rejected] == [3]
    assert named in rejected[0][1].lower()
    assert rows == 3


def test_rows_scattered_over_the_file_are_put_together(tmp_path):
    rows = [
        metric(name, str(n), uuid=f"GPU-{gpu}", timestamp=f"2025-07-18T20:42:{n:02d}Z")
        for name in ("GPU_UTIL", "GPU_TEMP", "FB_USED", "FAN_SPEED")
        for gpu in range(5)
        for n in range(10)
    ]
    random.Random(1).shuffle(rows)
    records, rejected, _ = read_rows(tmp_path, *rows)
    assert not rejected
    assert len(records) == 50
    for record in records:
        n = record.timestamp.second
        assert (record.gpu_utilization, record.temperature, record.memory_used_mib) == (n, n, n)
        assert record.extra == {"DCGM_FI_DEV_FAN_SPEED": n}


def test_the_window_lets_the_oldest_record_go_first():
    rows = [metric("GPU_UTIL", "1", uuid=f"GPU-{n}") for n in range(4)]
    steps, rest = pivot(rows, window_rows=2)
    assert [[record.uuid for record in step] for step in steps] == [[], [], ["GPU-0"], ["GPU-1"]]
    assert [record.uuid for record in rest] == ["GPU-2", "GPU-3"]


def test_beyond_the_window_a_record_comes_in_parts_that_agree():
    rows = [metric("GPU_UTIL", "1"), metric("GPU_TEMP", "9", uuid="GPU-2"), metric("GPU_TEMP", "2")]
    steps, rest = pivot(rows, window_rows=1)
    parts = [record for step in [*steps, rest] for record in step if record.uuid == UUID]
    assert [(part.gpu_utilization, part.temperature) for part in parts] == [(1, None), (None, 2)]
    assert len({(part.uuid, part.timestamp, part.hostname) for part in parts}) == 1


def test_one_instant_repeated_without_end_leaves_the_window_too():
    steps, rest = pivot([metric("GPU_UTIL", "1")] * 5, window_rows=2)
    assert sum(len(step) for step in steps) + len(rest) == 2


def test_a_record_holds_a_bounded_number_of_other_metrics(tmp_path):
    rows = [metric(f"NEW_{n}", "1") for n in range(MAX_EXTRA + 2)]
    (record,), rejected, _ = read_rows(tmp_path, *rows, metric("NEW_0", "2"))
    assert len(record.extra) == MAX_EXTRA
    assert record.extra["DCGM_FI_DEV_NEW_0"] == 2
    assert [line for line, _ in rejected] == [MAX_EXTRA + 2, MAX_EXTRA + 3]


@pytest.mark.parametrize(
    ("labels", "version", "bus"),
    [
        ('DCGM_FI_SYSTEM_DRIVER_VERSION=""580.1""', "580.1", ""),
        ('a=""1"",DCGM_FI_DRIVER_VERSION=""535"",DCGM_FI_DEV_PCI_BUSID=""00:1A""', "535", "00:1A"),
        ('note=""DCGM_FI_DRIVER_VERSION=\\""no\\""""', "", ""),
        ("not labels at all", "", ""),
        ("", "", ""),
    ],
)
def test_the_labels_tell_driver_and_bus(tmp_path, labels, version, bus):
    (record,), rejected, _ = read_rows(tmp_path, {**DCGM_ROW, "labels_raw": labels})
    assert not rejected
    assert (record.driver_version, record.pci_bus_id) == (version, bus)


def test_only_the_required_columns_are_enough(tmp_path):
    required = ("timestamp", "metric_name", "gpu_id", "uuid", "Hostname", "value")
    (record,), rejected, _ = read_rows(tmp_path, {name: DCGM_ROW[name] for name in required})
    assert not rejected
    assert record.gpu_utilization == 97
