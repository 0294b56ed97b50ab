"""Pages of dcgm-exporter to records."""

from datetime import UTC, datetime, timedelta

import pytest

from apps.telemetry.records import InvalidRecord, decode
from tests.unit.exporter_samples import OLD, labels_of, page, uuid_of
from workers.live.exporter_page import MAX_REJECTIONS, ExporterPages
from workers.sources.draft import messages_of
from workers.sources.source import SourceError

AT = datetime(2026, 5, 1, 12, 0, 0, 250_000, tzinfo=UTC)


def pages(labels=None, check_time=lambda timestamp: None):
    return ExporterPages("http://node-1:9400/metrics", "node-1", labels or {}, check_time)


def read(text, **options):
    """The chunk of a page and its records, as a collector decodes them."""
    chunk = pages(**options).read(text.encode(), AT)
    return chunk, [decode(message.value) for message in messages_of(chunk.drafts)]


def line(name, value, gpu=0, **labels):
    return f"{name}{{{labels_of(gpu, **labels)}}} {value}\n"


@pytest.mark.parametrize("renamed", [False, True])
def test_both_generations_of_names_give_the_same_records(renamed):
    chunk, records = read(page(8, renamed=renamed))
    assert (len(records), chunk.rows, chunk.rejections) == (8, 8 * len(OLD), [])
    gpu = records[3]
    assert (gpu.uuid, gpu.gpu_id, gpu.hostname) == (uuid_of(3), 3, "node-1")
    assert (gpu.device, gpu.model_name) == ("nvidia3", "NVIDIA H100 80GB HBM3")
    assert (gpu.driver_version, gpu.pci_bus_id) == ("550.54.15", "00000000:13:00.0")
    assert (gpu.gpu_utilization, gpu.temperature, gpu.power_draw) == (93, 33, 403.125)
    assert (gpu.energy_consumption_mj, gpu.xid_error, gpu.pcie_replay_total) == (2952390437, 0, 0)
    assert gpu.memory_used_mib + gpu.memory_free_mib == 81_007


def test_a_metric_without_a_column_is_kept_under_its_name():
    _, records = read(page(1))
    assert records[0].extra == {
        "DCGM_FI_DEV_VGPU_LICENSE_STATUS": 0, "DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL": 0,
        "DCGM_FI_PROF_GR_ENGINE_ACTIVE": 0.987654, "DCGM_FI_PROF_PCIE_TX_BYTES": 1234567890,
    }  # fmt: skip


def test_every_record_of_a_scrape_is_of_the_instant_at_which_it_began():
    _, records = read(page(8))
    assert {record.timestamp for record in records} == {AT}


def test_a_sample_keeps_the_time_that_it_has_itself():
    own = AT - timedelta(seconds=7)
    text = line("DCGM_FI_DEV_GPU_TEMP", f"40 {round(own.timestamp() * 1000)}")
    _, records = read(text + line("DCGM_FI_DEV_GPU_UTIL", 3))
    assert {record.timestamp: record.temperature for record in records} == {own: 40, AT: None}


def test_a_time_of_its_own_that_is_not_wanted_costs_the_line_alone():
    def refuse(timestamp):
        raise InvalidRecord("too old")

    text = line("DCGM_FI_DEV_GPU_TEMP", "40 1000") + line("DCGM_FI_DEV_GPU_UTIL", 3)
    chunk, records = read(text, check_time=refuse)
    assert [str(rejection.reason) for rejection in chunk.rejections] == ["too old"]
    assert records[0].gpu_utilization == 3
    assert records[0].temperature is None


@pytest.mark.parametrize(
    "value", ["9223372036854775794", "2147483632", "140737488355328.000000", "NaN", "+Inf", "-Inf"]
)
def test_a_blank_is_missing_and_never_zero(value):
    text = line("DCGM_FI_DEV_GPU_UTIL", value) + line("DCGM_FI_DEV_GPU_TEMP", 40)
    chunk, records = read(text + line("DCGM_FI_PROF_SM_ACTIVE", value))
    assert (chunk.rejections, records[0].gpu_utilization, records[0].extra) == ([], None, None)
    assert records[0].temperature == 40


@pytest.mark.parametrize(
    ("text", "number"), [("4.2e+01", 42), ("+42", 42), ("42.", 42), ("042", 42)]
)
def test_numbers_are_read_as_prometheus_writes_them(text, number):
    _, records = read(line("DCGM_FI_DEV_GPU_UTIL", text))
    assert records[0].gpu_utilization == number


@pytest.mark.parametrize("text", ["101", "4294967295", "1_0", "abc", '""', "1 2 3"])
def test_a_value_that_cannot_be_is_rejected_and_the_others_are_kept(text):
    bad = line("DCGM_FI_DEV_GPU_UTIL", text)
    chunk, records = read(bad + line("DCGM_FI_DEV_GPU_TEMP", 40))
    assert (len(chunk.rejections), chunk.rejections[0].line) == (1, 1)
    assert (records[0].gpu_utilization, records[0].temperature) == (None, 40)


def test_pod_namespace_container_and_job_are_kept_as_text():
    labels = {"pod": "123", "namespace": "research", "container": "main", "hpc_job": "77"}
    _, records = read(page(1, more=lambda gpu: labels))
    assert labels.items() <= records[0].extra.items()


def test_empty_labels_and_blank_ones_are_left_out():
    _, records = read(line("DCGM_FI_DEV_GPU_UTIL", 1, pod="", namespace="<<<NULL>>>"))
    assert records[0].extra is None


def test_pods_that_share_a_gpu_are_listed_in_its_one_record():
    text = "".join(line("DCGM_FI_DEV_GPU_UTIL", 9, pod=pod, vgpu=pod[-1]) for pod in ("a-0", "b-1"))
    _, records = read(text)
    assert [(record.extra["pod"], record.gpu_utilization) for record in records] == [("a-0,b-1", 9)]


def test_mig_instances_are_gpus_of_their_own_beside_their_parent():
    def instance(number):
        return line("DCGM_FI_DEV_FB_USED", 10 + number, GPU_I_ID=number, GPU_I_PROFILE="1g.10gb")

    _, records = read(line("DCGM_FI_DEV_GPU_TEMP", 50) + instance(1) + instance(2))
    assert {record.uuid: record.memory_used_mib for record in records} == {
        uuid_of(0): None, f"{uuid_of(0)}.gi1": 11, f"{uuid_of(0)}.gi2": 12,
    }  # fmt: skip
    assert {record.gpu_id for record in records} == {0}
    assert records[1].extra == {"GPU_I_ID": "1", "GPU_I_PROFILE": "1g.10gb"}


def test_the_labels_of_an_xid_error_are_kept():
    text = line("DCGM_FI_DEV_XID_ERRORS", 79, err_code="79", err_msg='GPU "fell" off, {the} bus')
    _, records = read(text.replace('"fell"', r"\"fell\""))
    assert records[0].xid_error == 79
    assert records[0].extra == {"err_code": "79", "err_msg": 'GPU "fell" off, {the} bus'}


def test_series_of_one_metric_that_differ_in_a_label_are_kept_apart():
    text = "".join(
        line("DCGM_EXP_XID_ERRORS_COUNT", count, window_size_in_ms=300000, xid=xid)
        for xid, count in ((31, 2), (79, 1))
    )
    _, records = read(text)
    assert records[0].extra == {
        'DCGM_EXP_XID_ERRORS_COUNT{window_size_in_ms="300000",xid="31"}': 2,
        'DCGM_EXP_XID_ERRORS_COUNT{window_size_in_ms="300000",xid="79"}': 1,
    }


def test_labels_of_the_target_stand_in_for_those_that_are_missing():
    text = line("DCGM_FI_DEV_GPU_UTIL", 1, Hostname=None)
    _, records = read(text, labels={"Hostname": "rack-7", "dc": "fra"})
    assert (records[0].hostname, records[0].extra) == ("rack-7", {"dc": "fra"})
    _, records = read(text)
    assert records[0].hostname == "node-1"
    _, records = read(line("DCGM_FI_DEV_GPU_UTIL", 1, host="node-2"), labels={"Hostname": "x"})
    assert records[0].hostname == "node-2"


@pytest.mark.parametrize(
    "text",
    [
        'DCGM_FI_DEV_GPU_UTIL{gpu="0" 5',
        'DCGM_FI_DEV_GPU_UTIL{gpu="0",UUID="GPU-1"x} 5',
        'DCGM_FI_DEV_GPU_UTIL{gpu="0",gpu="1",UUID="GPU-1"} 5',
        'DCGM_FI_DEV_GPU_UTIL{gpu="0",UUID="GPU 1",Hostname="h"} 5',
        'DCGM_FI_DEV_GPU_UTIL{UUID="GPU-1",Hostname="h"} 5',
        'DCGM_FI_DEV_GPU_UTIL{gpu="0",UUID="GPU-1",Hostname="a/b"} 5',
        'DCGM_FI_DEV_GPU_UTIL{gpu="0",UUID="GPU-1",Hostname="h",pod="a\0"} 5',
        'DCGM_FI_DEV-GPU{gpu="0",UUID="GPU-1",Hostname="h"} 5',
        'DCGM_FI_DEV_GPU_UTIL{gpu="0",UUID="GPU-1",Hostname="h"}',
    ],
)
def test_a_malformed_line_costs_itself_alone(text):
    chunk, records = read(text + "\n" + page(1))
    assert [rejection.line for rejection in chunk.rejections] == [1]
    assert len(records) == 1
    assert chunk.rows == len(OLD) + 1


@pytest.mark.parametrize(
    "text", ["", "<html>no</html>", "go_goroutines 1\n", "\0\xff\n{}{}", "DCGM_X 5"]
)
def test_a_page_without_a_gpu_is_an_error_that_says_so(text):
    with pytest.raises(SourceError, match="no DCGM metric of a GPU"):
        read(text)


def test_a_page_of_nothing_but_garbage_is_given_up_early():
    with pytest.raises(SourceError, match=f"more than {MAX_REJECTIONS} lines"):
        read('DCGM_FI_DEV_GPU_UTIL{gpu="0" 5\n' * (MAX_REJECTIONS + 1))


def test_a_record_that_no_message_can_hold_is_rejected():
    many = "".join(line(f"DCGM_FI_DEV_{number}_{'X' * 180}", 1) for number in range(2000))
    chunk, records = read(many + line("DCGM_FI_DEV_GPU_UTIL", 5, gpu=1))
    assert [record.gpu_id for record in records] == [1]
    assert uuid_of(0) in chunk.rejections[0].reason


def test_labels_that_left_the_page_are_forgotten():
    source = pages()
    for number in range(5):
        text = line("DCGM_FI_DEV_GPU_UTIL", 1, pod=f"pod-{number}")
        chunk = source.read(text.encode(), AT)
        assert f"pod-{number}".encode() in chunk.drafts[0].body
    assert len(source._before) + len(source._now) == 2


def test_crlf_and_spaces_between_the_parts_are_taken():
    text = (
        line("DCGM_FI_DEV_GPU_UTIL", 7).replace("{", " {").replace(",", " , ").replace("\n", "\r\n")
    )
    _, records = read(text)
    assert records[0].gpu_utilization == 7
