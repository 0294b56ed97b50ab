"""The header decides the layout, or says what is missing."""

import pytest

from apps.telemetry.csv_header import parse_header
from workers.sources.csv_header import read_header
from workers.sources.source import SourceError

DCGM = (
    "timestamp,metric_name,gpu_id,device,uuid,modelName,Hostname,"
    "container,pod,namespace,value,labels_raw"
)
WIDE = (
    "timestamp,gpu_id,hostname,uuid,device,modelname,gpu_utilization,memory_utilization,"
    "memory_used_mb,memory_free_mb,temperature,power_draw,sm_clock_mhz,memory_clock_mhz"
)


def test_the_header_of_a_dcgm_export_is_the_long_layout():
    header = parse_header(DCGM)
    assert header.is_long
    assert header.width == 12
    assert header.columns["hostname"] == 6
    assert header.columns["model_name"] == 5
    assert not header.unknown


def test_the_names_of_the_message_are_the_wide_layout():
    header = parse_header(WIDE)
    assert not header.is_long
    assert header.columns["memory_used_mib"] == 8
    assert not header.unknown


@pytest.mark.parametrize("line", [DCGM, WIDE])
@pytest.mark.parametrize("change", [str.upper, str.lower, lambda line: line.replace(",", " , ")])
def test_case_and_blanks_do_not_matter(line, change):
    assert parse_header(change(line)).columns == parse_header(line).columns


@pytest.mark.parametrize("line", [DCGM, WIDE])
def test_columns_may_stand_in_any_order_quoted_and_end_with_crlf(line):
    names = line.split(",")[::-1]
    header = parse_header(",".join(f'"{name}"' for name in names) + "\r")
    assert set(header.columns) == set(parse_header(line).columns)
    assert header.columns["timestamp"] == len(names) - 1


@pytest.mark.parametrize(
    ("line", "is_long"),
    [
        ("timestamp,metric_name,gpu_id,uuid,Hostname,value", True),
        ("timestamp,gpu_id,uuid,hostname", False),
        ("timestamp,gpu,gpu_uuid,host,DCGM_FI_DEV_GPU_UTIL", False),
    ],
)
def test_optional_columns_may_be_missing(line, is_long):
    assert parse_header(line).is_long is is_long


def test_unknown_columns_are_kept_by_name():
    header = parse_header("timestamp,gpu_id,uuid,hostname,Rack,DCGM_FI_DEV_NEW,")
    assert header.unknown == {"Rack": 4, "DCGM_FI_DEV_NEW": 5}
    assert header.width == 7


@pytest.mark.parametrize(
    ("line", "named"),
    [
        ("timestamp,metric_name,gpu_id,uuid,value", ["lacks hostname"]),
        ("timestamp,gpu_id,hostname,power_draw", ["wide layout it lacks uuid",
                                                  "export it lacks uuid, metric_name, value"]),
        ("a,b,c", ["timestamp, gpu_id, hostname, uuid", "metric_name, value"]),
        ("", ["timestamp"]),
        ("2025-01-01T00:00:00Z,0,h,GPU-1", ["neither layout"]),
        ("timestamp;gpu_id;hostname;uuid", ["neither layout"]),
        ("timestamp,gpu_id,hostname,uuid,power,power_draw", ["columns 5 and 6", "power_draw"]),
        ('timestamp,"gpu_id', ["not CSV"]),
    ],
)  # fmt: skip
def test_a_header_that_does_not_do_says_why(line, named):
    with pytest.raises(SourceError) as caught:
        read_header("f.csv", line.encode() + b"\n")
    assert str(caught.value).startswith("f.csv: ")
    for text in named:
        assert text in str(caught.value)
