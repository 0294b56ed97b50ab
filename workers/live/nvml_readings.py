"""What NVML is asked about a GPU, and how its answers become the fields of a record.

Units are NVML's (nvml.h): milliwatts, bytes, percent, MHz, degrees Celsius, millijoules. Counts of
errors: "corrected" is DCGM's single-bit, "uncorrected" its double-bit.
"""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

import pynvml as c  # type: ignore[import-untyped]

Value = int | float | None
Ask = Callable[[Any, Any], Sequence[Value]]

MIB = 1024 * 1024
# NVML_VALUE_NOT_AVAILABLE is -1, which comes out of unsigned fields like this.
_NOT_AVAILABLE = (0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF)


class Reading(NamedTuple):
    """Fields that one call fills; `ways` are tried in turn until the driver knows one."""

    fields: tuple[str, ...]
    ways: tuple[Ask, ...]


def _known(raw: int) -> Value:
    return None if raw in _NOT_AVAILABLE else raw


def _per(raw: int, unit: int) -> Value:
    return None if raw in _NOT_AVAILABLE else raw / unit


def _utilization(nvml: Any, gpu: Any) -> Sequence[Value]:
    rates = nvml.nvmlDeviceGetUtilizationRates(gpu)
    return _known(rates.gpu), _known(rates.memory)


def _power(nvml: Any, gpu: Any) -> Sequence[Value]:
    return (_per(nvml.nvmlDeviceGetPowerUsage(gpu), 1000),)


def _memory(info: Any) -> Sequence[Value]:
    return _per(info.used, MIB), _per(info.free, MIB), _per(info.total, MIB)


def _memory_temperature(nvml: Any, gpu: Any) -> Sequence[Value]:
    (answer,) = nvml.nvmlDeviceGetFieldValues(gpu, [c.NVML_FI_DEV_MEMORY_TEMP])
    if answer.nvmlReturn != c.NVML_SUCCESS:
        raise c.NVMLError(answer.nvmlReturn)
    return (_known(answer.value.uiVal),)


def _pstate(nvml: Any, gpu: Any) -> Sequence[Value]:
    state = nvml.nvmlDeviceGetPowerState(gpu)
    return (None if state == c.NVML_PSTATE_UNKNOWN else state,)


def _one(field: str, *asks: Callable[[Any, Any], int]) -> Reading:
    return Reading((field,), tuple(partial(_single, ask) for ask in asks))


def _single(ask: Callable[[Any, Any], int], nvml: Any, gpu: Any) -> Sequence[Value]:
    return (_known(ask(nvml, gpu)),)


def _ecc(field: str, kind: int, counter: int) -> Reading:
    return _one(field, lambda nvml, gpu: nvml.nvmlDeviceGetTotalEccErrors(gpu, kind, counter))


CORRECTED, UNCORRECTED = c.NVML_MEMORY_ERROR_TYPE_CORRECTED, c.NVML_MEMORY_ERROR_TYPE_UNCORRECTED

READINGS: tuple[Reading, ...] = (
    Reading(("gpu_utilization", "memory_utilization"), (_utilization,)),
    # Version 2 tells memory in use apart from what the driver reserves, as DCGM does.
    Reading(
        ("memory_used_mib", "memory_free_mib", "DCGM_FI_DEV_FB_TOTAL"),
        (
            lambda nvml, gpu: _memory(nvml.nvmlDeviceGetMemoryInfo(gpu, c.nvmlMemory_v2)),
            lambda nvml, gpu: _memory(nvml.nvmlDeviceGetMemoryInfo(gpu)),
        ),
    ),
    _one(
        "temperature", lambda nvml, gpu: nvml.nvmlDeviceGetTemperature(gpu, c.NVML_TEMPERATURE_GPU)
    ),
    Reading(("memory_temperature",), (_memory_temperature,)),
    Reading(("power_draw",), (_power,)),
    _one("sm_clock_mhz", lambda nvml, gpu: nvml.nvmlDeviceGetClockInfo(gpu, c.NVML_CLOCK_SM)),
    _one("memory_clock_mhz", lambda nvml, gpu: nvml.nvmlDeviceGetClockInfo(gpu, c.NVML_CLOCK_MEM)),
    _one("encoder_utilization", lambda nvml, gpu: nvml.nvmlDeviceGetEncoderUtilization(gpu)[0]),
    _one("decoder_utilization", lambda nvml, gpu: nvml.nvmlDeviceGetDecoderUtilization(gpu)[0]),
    _one("energy_consumption_mj", lambda nvml, gpu: nvml.nvmlDeviceGetTotalEnergyConsumption(gpu)),
    _one(  # named anew with driver 535
        "clock_event_reasons",
        lambda nvml, gpu: nvml.nvmlDeviceGetCurrentClocksEventReasons(gpu),
        lambda nvml, gpu: nvml.nvmlDeviceGetCurrentClocksThrottleReasons(gpu),
    ),
    _one("pcie_replay_total", lambda nvml, gpu: nvml.nvmlDeviceGetPcieReplayCounter(gpu)),
    Reading(
        (
            "row_remap_correctable_total",
            "row_remap_uncorrectable_total",
            "row_remap_pending",
            "row_remap_failed",
        ),
        (lambda nvml, gpu: [_known(raw) for raw in nvml.nvmlDeviceGetRemappedRows(gpu)],),
    ),
    _ecc("ecc_sbe_volatile_total", CORRECTED, c.NVML_VOLATILE_ECC),
    _ecc("ecc_dbe_volatile_total", UNCORRECTED, c.NVML_VOLATILE_ECC),
    _ecc("ecc_sbe_aggregate_total", CORRECTED, c.NVML_AGGREGATE_ECC),
    _ecc("ecc_dbe_aggregate_total", UNCORRECTED, c.NVML_AGGREGATE_ECC),
    _one("DCGM_FI_DEV_FAN_SPEED", lambda nvml, gpu: nvml.nvmlDeviceGetFanSpeed(gpu)),
    Reading(("DCGM_FI_DEV_PSTATE",), (_pstate,)),
)
