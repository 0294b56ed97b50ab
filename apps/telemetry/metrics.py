"""The metric registry: every metric that has a column, its DCGM field, unit, kind and bounds.

Parsing, storage, the API and the documentation read this table; a metric that is not here is kept
under its DCGM name in `extra`. Field ids, names and units are those of `dcgmlib/dcgm_fields.h`;
DCGM 4.6 renamed fields and kept the old names, so both generations are listed.
"""

from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """How a metric behaves over time."""

    GAUGE = "gauge"
    COUNTER = "counter"
    BITMASK = "bitmask"
    CODE = "code"
    FLAG = "flag"


class Storage(StrEnum):
    """The PostgreSQL type of a metric's column.

    `REAL` is exact for whole numbers up to 16,777,216 and keeps 6 significant digits of any other.
    """

    REAL = "real"
    DOUBLE = "double precision"
    BIGINT = "bigint"
    SMALLINT = "smallint"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric: `name` is the message field, the column and the API name at once."""

    name: str
    dcgm_id: int
    dcgm_names: tuple[str, ...]
    unit: str
    kind: Kind
    storage: Storage
    minimum: float
    maximum: float
    description: str
    csv_names: tuple[str, ...] = ()

    @property
    def is_integer(self) -> bool:
        """Whether values are whole numbers."""
        return self.storage in (Storage.BIGINT, Storage.SMALLINT)


# Below DCGM's int64 blanks (0x7ffffffffffffff0 and up).
MAX_COUNT = 0x7FFFFFFFFFFFFFEF
# Below the int32 blanks, which no code or mask reaches: a blank is then never taken for a value.
MAX_CODE = 0x7FFFFFEF


def _gauge(  # noqa: PLR0913, PLR0917, one call is one row of the table below
    name: str, dcgm_id: int, dcgm_names: str, unit: str, bounds: tuple[float, float], text: str,
    csv_names: str = "", storage: Storage = Storage.REAL,
) -> Metric:  # fmt: skip
    return Metric(
        name, dcgm_id, _dcgm(dcgm_names), unit, Kind.GAUGE, storage, *bounds, text,
        tuple(csv_names.split()),
    )  # fmt: skip


def _count(
    name: str, dcgm_id: int, dcgm_names: str, unit: str, text: str, kind: Kind = Kind.COUNTER
) -> Metric:
    maximum = MAX_COUNT if kind is Kind.COUNTER else MAX_CODE
    return Metric(name, dcgm_id, _dcgm(dcgm_names), unit, kind, Storage.BIGINT, 0, maximum, text)


def _flag(name: str, dcgm_id: int, dcgm_names: str, text: str) -> Metric:
    return Metric(name, dcgm_id, _dcgm(dcgm_names), "", Kind.FLAG, Storage.SMALLINT, 0, 1, text)


def _dcgm(names: str) -> tuple[str, ...]:
    return tuple(f"DCGM_FI_DEV_{name}" for name in names.split())


PERCENT = (0.0, 100.0)
CELSIUS = (-100.0, 300.0)
WATTS = (0.0, 100_000.0)
MHZ = (0.0, 100_000.0)
MIB = (0.0, 16_777_216.0)

METRICS: tuple[Metric, ...] = (
    _gauge("gpu_utilization", 203, "GPU_UTIL GPU_UTIL_RATIO", "%", PERCENT,
           "Share of time in which a kernel was running", "gpu_util utilization_gpu"),
    _gauge("memory_utilization", 204, "MEM_COPY_UTIL MEM_COPY_UTIL_RATIO", "%", PERCENT,
           "Share of time in which device memory was read or written",
           "memory_util mem_utilization mem_copy_util utilization_memory"),
    _gauge("temperature", 150, "GPU_TEMP GPU_TEMP_CELSIUS", "°C", CELSIUS,
           "GPU core temperature", "gpu_temp temperature_gpu temperature_c gpu_temperature"),
    _gauge("power_draw", 155, "POWER_USAGE BOARD_POWER_WATTS", "W", WATTS,
           "Board power", "power_usage power_draw_w power_w power", Storage.DOUBLE),
    _gauge("memory_used_mib", 252, "FB_USED", "MiB", MIB,
           "Frame buffer in use", "memory_used_mb memory_used fb_used"),
    _gauge("memory_free_mib", 251, "FB_FREE", "MiB", MIB,
           "Frame buffer free", "memory_free_mb memory_free fb_free"),
    _gauge("sm_clock_mhz", 100, "SM_CLOCK", "MHz", MHZ,
           "Streaming multiprocessor clock", "sm_clock clocks_sm"),
    _gauge("memory_clock_mhz", 101, "MEM_CLOCK", "MHz", MHZ,
           "Memory clock", "mem_clock memory_clock mem_clock_mhz clocks_mem"),
    _gauge("encoder_utilization", 206, "ENC_UTIL ENC_UTIL_RATIO", "%", PERCENT,
           "Video encoder utilisation", "enc_util encoder_util"),
    _gauge("decoder_utilization", 207, "DEC_UTIL DEC_UTIL_RATIO", "%", PERCENT,
           "Video decoder utilisation", "dec_util decoder_util"),
    _gauge("memory_temperature", 140, "MEMORY_TEMP MEMORY_TEMP_CELSIUS", "°C", CELSIUS,
           "Memory temperature", "memory_temp temperature_memory"),
    _count("energy_consumption_mj", 156, "TOTAL_ENERGY_CONSUMPTION", "mJ",
           "Energy since the driver was loaded"),
    _count("xid_error", 230, "XID_ERRORS XID_ERROR", "", "Code of the last XID error, 0 for none",
           Kind.CODE),
    _count("clock_event_reasons", 112, "CLOCKS_EVENT_REASONS CLOCK_THROTTLE_REASONS", "",
           "Why clocks are below their maximum, a bit mask", Kind.BITMASK),
    _count("pcie_replay_total", 202, "PCIE_REPLAY_COUNTER PCIE_REPLAY_TOTAL", "",
           "PCIe replays"),
    _count("row_remap_correctable_total", 394,
           "CORRECTABLE_REMAPPED_ROWS ROW_REMAP_CORRECTABLE_TOTAL", "",
           "Rows remapped for correctable errors"),
    _count("row_remap_uncorrectable_total", 393,
           "UNCORRECTABLE_REMAPPED_ROWS ROW_REMAP_UNCORRECTABLE_TOTAL", "",
           "Rows remapped for uncorrectable errors"),
    _flag("row_remap_failed", 395, "ROW_REMAP_FAILURE ROW_REMAP_FAILED",
          "1 when a row could not be remapped"),
    _flag("row_remap_pending", 396, "ROW_REMAP_PENDING",
          "1 when a remap waits for the next reset"),
    _count("ecc_sbe_volatile_total", 310, "ECC_SBE_VOL_TOTAL", "",
           "Single-bit ECC errors since the driver was loaded"),
    _count("ecc_dbe_volatile_total", 311, "ECC_DBE_VOL_TOTAL", "",
           "Double-bit ECC errors since the driver was loaded"),
    _count("ecc_sbe_aggregate_total", 312, "ECC_SBE_AGG_TOTAL", "",
           "Single-bit ECC errors over the life of the GPU"),
    _count("ecc_dbe_aggregate_total", 313, "ECC_DBE_AGG_TOTAL", "",
           "Double-bit ECC errors over the life of the GPU"),
)  # fmt: skip

METRIC_NAMES: tuple[str, ...] = tuple(metric.name for metric in METRICS)
BY_NAME: dict[str, Metric] = {metric.name: metric for metric in METRICS}
BY_DCGM_NAME: dict[str, Metric] = {
    dcgm_name: metric for metric in METRICS for dcgm_name in metric.dcgm_names
}
BY_CSV_NAME: dict[str, Metric] = {
    csv_name: metric for metric in METRICS for csv_name in (metric.name, *metric.csv_names)
}
