"""The wide layout: one row, one record."""

from datetime import UTC, datetime

import pytest

from apps.telemetry.metrics import METRICS, Kind
from tests.unit.csv_samples import UUID, WIDE_ROW, read_bytes, read_rows

INT32_BLANK, INT64_BLANK, DOUBLE_BLANK = "2147483634", "9223372036854775794", "140737488355328"


def test_a_row_is_a_record_with_typed_values(tmp_path):
    (record,), rejected, rows = read_rows(tmp_path, WIDE_ROW)
    assert not rejected
    assert rows == 1
    assert record.timestamp == datetime(2025, 7, 18, 20, 42, 34, tzinfo=UTC)
    assert (record.gpu_id, record.hostname, record.uuid) == (0, "mtv5-dgx1-hgpu-031", UUID)
    assert (record.device, record.model_name) == ("nvidia0", "NVIDIA H100 80GB HBM3")
    assert (record.gpu_utilization, record.power_draw) == (97.0, 65.123)
    assert record.energy_consumption_mj == 7564135881550
    assert record.xid_error == 0
    assert record.memory_free_mib is None
    assert record.extra is None


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_every_metric_is_read_and_its_bounds_hold(metric, tmp_path):
    def read(value):
        return read_rows(tmp_path, {**WIDE_ROW, metric.name: value})

    (record,), _, _ = read(str(int(metric.maximum)))
    assert getattr(record, metric.name) == metric.maximum
    for outside in (str(int(metric.minimum) - 1), str(int(metric.maximum) + 1)):
        records, rejected, _ = read(outside)
        if rejected:
            assert metric.name in rejected[0][1]
        else:  # above the largest count are DCGM's blanks
            assert getattr(records[0], metric.name) is None


@pytest.mark.parametrize("blank", ["", "N/A", "[N/A]", "<<<NULL>>>", INT64_BLANK, DOUBLE_BLANK,
                                   f"{DOUBLE_BLANK}.0", "140737488355329.000000"])  # fmt: skip
@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_blanks_are_absent_and_never_zero(metric, blank, tmp_path):
    (record,), rejected, _ = read_rows(tmp_path, {**WIDE_ROW, metric.name: blank})
    assert getattr(record, metric.name) is None
    assert not rejected


@pytest.mark.parametrize("metric", METRICS, ids=lambda metric: metric.name)
def test_the_int32_blanks_are_values_of_a_counter_only(metric, tmp_path):
    (record,), _, _ = read_rows(tmp_path, {**WIDE_ROW, metric.name: INT32_BLANK})
    expected = int(INT32_BLANK) if metric.kind is Kind.COUNTER else None
    assert getattr(record, metric.name) == expected


def test_a_row_of_blanks_alone_still_is_a_record(tmp_path):
    row = {name: (value if n < 4 else "") for n, (name, value) in enumerate(WIDE_ROW.items())}
    (record,), rejected, _ = read_rows(tmp_path, row)
    assert not rejected
    assert record.uuid == UUID


@pytest.mark.parametrize("text", ["1e2", "97.0", " 97", "9.7e1", "-0"])
def test_other_ways_to_write_a_number(tmp_path, text):
    (record,), rejected, _ = read_rows(tmp_path, {**WIDE_ROW, "gpu_utilization": text})
    assert not rejected
    assert record.gpu_utilization == float(text)


def test_counts_may_be_written_as_floats(tmp_path):
    row = {**WIDE_ROW, "energy_consumption_mj": "7.56413588155e+12"}
    (record,), _, _ = read_rows(tmp_path, row)
    assert record.energy_consumption_mj == 7564135881550


@pytest.mark.parametrize(
    "text", ["x", "nan", "NaN", "inf", "-Infinity", "1e400", "1_000", "0x10", "true", "5,6", "٣",
             "{}", "101", "-1"]
)  # fmt: skip
def test_what_is_no_number_rejects_its_row_only(tmp_path, text):
    records, rejected, rows = read_rows(
        tmp_path, WIDE_ROW, {**WIDE_ROW, "gpu_utilization": text}, WIDE_ROW
    )
    assert len(records) == 2
    assert [line for line, _ in rejected] == [3]
    assert "gpu_utilization" in rejected[0][1]
    assert rows == 3


def test_unknown_columns_go_to_extra_and_their_blanks_do_not(tmp_path):
    row = {**WIDE_ROW, "DCGM_FI_PROF_SM_ACTIVE": "0.25", "rack": "B12", "slot": "", "extra": "7"}
    (record,), _, _ = read_rows(tmp_path, row)
    assert record.extra == {"DCGM_FI_PROF_SM_ACTIVE": 0.25, "rack": "B12", "extra": 7}


def test_an_extra_that_is_blank_altogether_is_none(tmp_path):
    (record,), _, _ = read_rows(tmp_path, {**WIDE_ROW, "rack": ""})
    assert record.extra is None


def test_columns_of_either_dcgm_generation_are_known(tmp_path):
    data = (
        b"timestamp,gpu,gpu_uuid,host,DCGM_FI_DEV_BOARD_POWER_WATTS,DCGM_FI_DEV_GPU_TEMP,"
        b"dcgm_fi_driver_version\n"
        b"2025-07-18T20:42:34Z,3,GPU-1,node_1,400.5,66,535.1\n"
    )
    (record,), rejected, _ = read_bytes(tmp_path, data)
    assert not rejected
    assert (record.power_draw, record.temperature) == (400.5, 66.0)
    assert (record.driver_version, record.hostname) == ("535.1", "node_1")


def test_a_gpu_that_changes_its_host_is_seen_there(tmp_path):
    records, _, _ = read_rows(tmp_path, WIDE_ROW, {**WIDE_ROW, "hostname": "other"}, WIDE_ROW)
    assert [record.hostname for record in records] == [
        WIDE_ROW["hostname"],
        "other",
        WIDE_ROW["hostname"],
    ]
