"""NVML as a source, against a library object that raises what NVML raises."""

import logging
import time

import pynvml as c  # type: ignore[import-untyped]
import pytest

from apps.telemetry.metrics import BY_NAME
from apps.telemetry.records import decode
from tests.unit.fake_nvml import ANSWERS, FakeNvml
from workers.live.nvml import Nvml, NvmlUnavailable
from workers.live.nvml_readings import READINGS
from workers.sources.draft import messages_of
from workers.sources.source import SourceError

WAIT_S = 20


@pytest.fixture
def fake():
    return FakeNvml()


@pytest.fixture
def opened():
    """A function that opens a source, which is closed in the end."""
    sources = []

    def open_source(fake):
        sources.append(Nvml.open("this-host", fake))
        return sources[-1]

    yield open_source
    for source in sources:
        source.close()


def records_of(source):
    chunk = source.sample()
    assert chunk.rejections == []
    return [decode(message.value) for message in messages_of(chunk.drafts)]


def records_when(source, is_so):
    """The records of the first sample of which something is so."""
    deadline = time.monotonic() + WAIT_S
    while not is_so(records := records_of(source)):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    return records


def test_a_gpu_is_described_and_every_metric_is_in_its_unit(fake, opened):
    first, second = records_of(opened(fake))
    assert (first.timestamp, first.hostname) == (second.timestamp, "this-host")
    assert (second.gpu_id, second.uuid, second.device) == (1, "GPU-fake-1", "nvidia1")
    assert (second.model_name, second.driver_version) == ("NVIDIA H100 80GB HBM3", "550.54.15")
    assert second.pci_bus_id == "00000000:11:00.0"
    assert (first.gpu_utilization, first.memory_utilization) == (97, 43)
    assert (first.memory_used_mib, first.memory_free_mib) == (61_007, 20_000)
    assert (first.temperature, first.memory_temperature, first.power_draw) == (61, 55, 412.345)
    assert (first.sm_clock_mhz, first.memory_clock_mhz) == (1980, 2619)
    assert (first.encoder_utilization, first.decoder_utilization) == (1, 2)
    assert (first.energy_consumption_mj, first.clock_event_reasons) == (2**33, 4)
    assert (first.pcie_replay_total, first.xid_error) == (3, 0)
    assert (first.row_remap_correctable_total, first.row_remap_uncorrectable_total) == (1, 2)
    assert (first.row_remap_pending, first.row_remap_failed) == (0, 1)
    assert (first.ecc_sbe_volatile_total, first.ecc_sbe_aggregate_total) == (0, 1)
    assert (first.ecc_dbe_volatile_total, first.ecc_dbe_aggregate_total) == (10, 11)
    assert first.extra == {
        "DCGM_FI_DEV_FB_TOTAL": 81_559, "DCGM_FI_DEV_FAN_SPEED": 30, "DCGM_FI_DEV_PSTATE": 0,
    }  # fmt: skip


def test_what_is_not_supported_is_missing_and_asked_once(fake, opened):
    name = "nvmlDeviceGetFanSpeed"
    fake.errors[name, 0] = c.NVML_ERROR_NOT_SUPPORTED
    source = opened(fake)
    for _ in range(3):
        first, second = records_of(source)
    assert "DCGM_FI_DEV_FAN_SPEED" not in first.extra
    assert "DCGM_FI_DEV_FAN_SPEED" in second.extra
    assert (fake.calls[name, 0], fake.calls[name, 1]) == (1, 3)


def test_a_gpu_that_supports_nothing_but_one_metric_is_sampled_by_it(fake, opened):
    described = ("HandleByIndex", "UUID", "Name", "PciInfo", "PowerUsage")
    for name in (key for key in ANSWERS if not key.endswith(described)):
        fake.errors[name, 0] = c.NVML_ERROR_NOT_SUPPORTED
    first, _ = records_of(opened(fake))
    assert (first.power_draw, first.gpu_utilization, first.xid_error) == (412.345, None, None)


def test_a_field_value_that_is_not_supported_is_missing(fake, opened, monkeypatch):
    def unsupported(_self, _index, _gpu, ids):
        (value,) = (c.c_nvmlFieldValue_t * 1)()
        value.nvmlReturn = c.NVML_ERROR_NOT_SUPPORTED
        return [value]

    monkeypatch.setitem(ANSWERS, "nvmlDeviceGetFieldValues", unsupported)
    source = opened(fake)
    assert [records_of(source)[0].memory_temperature for _ in range(2)] == [None, None]
    assert fake.calls["nvmlDeviceGetFieldValues", 0] == 1


@pytest.mark.parametrize(
    "error", [c.NVML_ERROR_UNKNOWN, c.NVML_ERROR_TIMEOUT, c.NVML_ERROR_NO_DATA]
)
def test_a_passing_error_costs_one_value_of_one_sample(fake, opened, error):
    source = opened(fake)
    fake.errors["nvmlDeviceGetPowerUsage", 0] = error
    first, second = records_of(source)
    assert (first.power_draw, first.temperature, second.power_draw) == (None, 61, 412.345)
    fake.errors.clear()
    assert records_of(source)[0].power_draw == 412.345


def test_an_older_driver_is_asked_in_its_own_way(fake, opened):
    fake.errors["nvmlDeviceGetCurrentClocksEventReasons", None] = c.NVML_ERROR_FUNCTION_NOT_FOUND
    source = opened(fake)
    assert [records_of(source)[0].clock_event_reasons for _ in range(2)] == [8, 8]
    assert fake.calls["nvmlDeviceGetCurrentClocksEventReasons", 0] == 1


def test_a_value_that_is_not_available_is_missing(fake, opened, monkeypatch):
    monkeypatch.setitem(ANSWERS, "nvmlDeviceGetPowerUsage", lambda *_: 0xFFFFFFFF)
    monkeypatch.setitem(ANSWERS, "nvmlDeviceGetPowerState", lambda *_: 32)
    first, _ = records_of(opened(fake))
    assert (first.power_draw, "DCGM_FI_DEV_PSTATE" in first.extra) == (None, False)


def test_a_value_that_cannot_be_is_rejected_with_its_gpu(fake, opened, monkeypatch):
    monkeypatch.setitem(
        ANSWERS, "nvmlDeviceGetTemperature", lambda _, index, *__: 61 + 4000 * index
    )
    chunk = opened(fake).sample()
    assert len(chunk.drafts) == 1
    assert str(chunk.rejections[0]).startswith("nvml:this-host/GPU-fake-1:0: temperature: ")


def test_a_lost_gpu_is_reported_once_and_the_others_go_on(fake, opened, caplog):
    source = opened(fake)
    records_of(source)
    fake.errors[None, 0] = c.NVML_ERROR_GPU_IS_LOST
    caplog.set_level(logging.WARNING)
    for _ in range(3):
        assert [record.gpu_id for record in records_of(source)] == [1]
    assert [record.message.partition(" does")[0] for record in caplog.records] == [
        "GPU GPU-fake-0 (nvidia0, 00000000:10:00.0)"
    ]
    fake.errors.clear()
    assert [record.gpu_id for record in records_of(source)] == [0, 1]
    assert caplog.records[-1].message == "GPU GPU-fake-0 answers again"


def test_a_gpu_that_is_lost_at_the_start_does_not_keep_the_others_out(fake, opened, caplog):
    fake.errors["nvmlDeviceGetHandleByIndex", None] = c.NVML_ERROR_GPU_IS_LOST
    with pytest.raises(NvmlUnavailable, match="no GPU"):
        opened(fake)
    assert fake.is_down.is_set()
    fake.errors = {("nvmlDeviceGetUUID", 0): c.NVML_ERROR_GPU_IS_LOST}
    assert [record.gpu_id for record in records_of(opened(fake))] == [1]


def test_when_no_gpu_answers_the_source_is_down(fake, opened):
    source = opened(fake)
    fake.errors[None, None] = c.NVML_ERROR_UNINITIALIZED
    with pytest.raises(SourceError, match="no GPU answers"):
        source.sample()


def test_the_last_xid_error_of_a_gpu_is_told_from_then_on(fake, opened):
    source = opened(fake)
    assert fake.registered == {0, 1}
    fake.xid(1, 31)
    fake.xid(1, 48)
    records_when(source, lambda records: records[1].xid_error == 48)
    first, second = records_of(source)
    assert (first.xid_error, second.xid_error) == (0, 48)


def test_the_xid_error_that_lost_a_gpu_is_sent_once_and_alone(fake, opened):
    source = opened(fake)
    fake.errors[None, 0] = c.NVML_ERROR_GPU_IS_LOST
    fake.xid(0, 79)
    lost, _ = records_when(source, lambda records: len(records) == 2)
    assert (lost.xid_error, lost.gpu_id, lost.temperature) == (79, 0, None)
    assert [record.gpu_id for record in records_of(source)] == [1]


def test_xid_errors_are_still_heard_after_waiting_for_them_failed(fake, opened):
    source = opened(fake)
    fake.events.put(c.NVML_ERROR_GPU_IS_LOST)
    fake.xid(1, 94)
    records_when(source, lambda records: records[-1].xid_error == 94)


def test_a_gpu_that_does_not_tell_of_xid_errors_has_no_last_one(fake, opened):
    fake.errors["nvmlDeviceRegisterEvents", 0] = c.NVML_ERROR_NOT_SUPPORTED
    first, second = records_of(opened(fake))
    assert (first.xid_error, second.xid_error) == (None, 0)


def test_without_event_sets_everything_else_is_sampled(fake, opened):
    fake.errors["nvmlEventSetCreate", None] = c.NVML_ERROR_NOT_SUPPORTED
    first, _ = records_of(opened(fake))
    assert (first.xid_error, first.temperature) == (None, 61)


def test_closing_lets_go_of_the_library(fake):
    Nvml.open("this-host", fake).close()
    assert fake.is_down.is_set()


@pytest.mark.parametrize("error", [c.NVML_ERROR_DRIVER_NOT_LOADED, c.NVML_ERROR_LIBRARY_NOT_FOUND])
def test_without_a_driver_the_message_says_what_is_needed(fake, error):
    fake.errors["nvmlInit", None] = error
    with pytest.raises(NvmlUnavailable, match="needs NVIDIA's driver on this host"):
        Nvml.open("this-host", fake)


def test_every_field_that_is_read_is_one_of_a_record_or_of_dcgm():
    fields = [field for reading in READINGS for field in reading.fields]
    assert len(fields) == len(set(fields))
    assert {field for field in fields if field not in BY_NAME} == {
        "DCGM_FI_DEV_FB_TOTAL", "DCGM_FI_DEV_FAN_SPEED", "DCGM_FI_DEV_PSTATE",
    }  # fmt: skip
