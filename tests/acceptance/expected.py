"""What a CSV file holds, by a reader of its own: plain csv, own tables, none of the product's code.

It is slow and remembers everything, which is what makes it a judge.
"""

import csv
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

PERCENT, CELSIUS, WATTS = (0, 100), (-100, 300), (0, 100_000)
MEBIBYTES, MEGAHERTZ, COUNT = (0, 16_777_216), (0, 100_000), (0, 0x7FFFFFFFFFFFFFEF)
CODE, FLAG = (0, 0x7FFFFFEF), (0, 1)

# API field: bounds, names in DCGM exports (without DCGM_FI_DEV_), further headers of wide files.
FIELDS: dict[str, tuple[tuple[int, int], str, str]] = {
    "gpu_utilization": (PERCENT, "GPU_UTIL GPU_UTIL_RATIO", "gpu_util"),
    "memory_utilization": (PERCENT, "MEM_COPY_UTIL", "memory_util"),
    "encoder_utilization": (PERCENT, "ENC_UTIL", "enc_util"),
    "decoder_utilization": (PERCENT, "DEC_UTIL", "dec_util"),
    "temperature": (CELSIUS, "GPU_TEMP GPU_TEMP_CELSIUS", "gpu_temp"),
    "memory_temperature": (CELSIUS, "MEMORY_TEMP MEMORY_TEMP_CELSIUS", ""),
    "power_draw": (WATTS, "POWER_USAGE BOARD_POWER_WATTS", "power_usage"),
    "memory_used_mib": (MEBIBYTES, "FB_USED", "memory_used_mb memory_used"),
    "memory_free_mib": (MEBIBYTES, "FB_FREE", "memory_free_mb memory_free"),
    "sm_clock_mhz": (MEGAHERTZ, "SM_CLOCK", "sm_clock"),
    "memory_clock_mhz": (MEGAHERTZ, "MEM_CLOCK", "mem_clock memory_clock"),
    "energy_consumption_mj": (COUNT, "TOTAL_ENERGY_CONSUMPTION", ""),
    "xid_error": (CODE, "XID_ERRORS XID_ERROR", ""),
    "clock_event_reasons": (CODE, "CLOCKS_EVENT_REASONS CLOCK_THROTTLE_REASONS", ""),
    "pcie_replay_total": (COUNT, "PCIE_REPLAY_COUNTER PCIE_REPLAY_TOTAL", ""),
    "row_remap_correctable_total": (COUNT, "CORRECTABLE_REMAPPED_ROWS", ""),
    "row_remap_uncorrectable_total": (COUNT, "UNCORRECTABLE_REMAPPED_ROWS", ""),
    "row_remap_failed": (FLAG, "ROW_REMAP_FAILURE ROW_REMAP_FAILED", ""),
    "row_remap_pending": (FLAG, "ROW_REMAP_PENDING", ""),
    "ecc_sbe_volatile_total": (COUNT, "ECC_SBE_VOL_TOTAL", ""),
    "ecc_dbe_volatile_total": (COUNT, "ECC_DBE_VOL_TOTAL", ""),
    "ecc_sbe_aggregate_total": (COUNT, "ECC_SBE_AGG_TOTAL", ""),
    "ecc_dbe_aggregate_total": (COUNT, "ECC_DBE_AGG_TOTAL", ""),
}
BY_DCGM = {f"DCGM_FI_DEV_{n}": f for f, (_, names, _) in FIELDS.items() for n in names.split()}
BY_HEADER = {n: f for f, (_, _, names) in FIELDS.items() for n in [f, *names.split()]}
NOT_METRICS = {"timestamp", "gpu_id", "hostname", "uuid", "device", "modelname", "model_name",
               "driver_version", "pci_bus_id"}  # fmt: skip
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
BLANK_TEXTS = {"", "<<<NULL>>>", "N/A", "[N/A]", "null", "None"}
BLANKS = {float(base + n) for base in (0x7FFFFFF0, 1 << 47) for n in range(4)} | {2.0**63}

Key = tuple[str, datetime]


class BadRow(Exception):
    """The row must be rejected."""


@dataclass
class Expected:
    """What must be found again: values of each GPU and instant; `extra` fields by their name."""

    rows: int = 0
    rejected: int = 0
    hosts: set[str] = field(default_factory=set)
    records: dict[Key, dict[str, Any]] = field(default_factory=dict)


def read(path: Path) -> Expected:
    """Read a whole file of either layout."""
    expected = Expected()
    with path.open(encoding="utf-8-sig", errors="surrogateescape", newline="") as file:
        reader = csv.reader(file)
        header = [name.strip().lower() for name in next(reader)]
        for row in _rows(reader, expected):
            expected.rows += 1
            try:
                _add(expected, header, row)
            except BadRow:
                expected.rejected += 1
    return expected


def _rows(reader: Any, expected: Expected) -> Iterator[list[str]]:
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error:
            expected.rows += 1
            expected.rejected += 1
            continue
        if row:
            yield row


def _add(expected: Expected, header: list[str], row: list[str]) -> None:
    text = "".join(row)
    if len(row) != len(header) or "\0" in text or not text.isprintable():
        raise BadRow
    cells = dict(zip(header, row, strict=True))
    uuid, host = cells["uuid"], cells["hostname"]
    if not NAME.fullmatch(uuid) or len(uuid) > 128 or not NAME.fullmatch(host) or len(host) > 253:
        raise BadRow
    if not cells["gpu_id"].isdigit() or int(cells["gpu_id"]) > 32_767:
        raise BadRow
    key = (uuid, _time(cells["timestamp"]))
    values = _long(cells) if "metric_name" in cells else _wide(cells)
    expected.hosts.add(host)
    expected.records.setdefault(key, {}).update(values)


def _time(text: str) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except ValueError as error:
        raise BadRow from error
    now = datetime.now(UTC)
    if time.tzinfo is None or not datetime(2015, 1, 1, tzinfo=UTC) <= time <= now + timedelta(
        hours=1
    ):
        raise BadRow
    return time.astimezone(UTC)


def _long(cells: dict[str, str]) -> dict[str, Any]:
    values = {
        name: cells[name] for name in ("container", "pod", "namespace") if cells.get(name, "")
    }
    metric = cells["metric_name"]
    if (number := _number(cells["value"])) is None:
        return values
    if metric not in BY_DCGM:
        return {**values, metric: number}
    return {**values, BY_DCGM[metric]: _bounded(BY_DCGM[metric], number)}


def _wide(cells: dict[str, str]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for name, text in cells.items():
        if name in NOT_METRICS:
            continue
        if name in BY_HEADER:
            if (number := _number(text)) is not None:
                values[BY_HEADER[name]] = _bounded(BY_HEADER[name], number)
        elif text not in BLANK_TEXTS:
            values[name] = text
    return values


def _number(text: str) -> float | None:
    if text.strip() in BLANK_TEXTS:
        return None
    try:
        number = float(text)
    except ValueError as error:
        raise BadRow from error
    if not math.isfinite(number):
        raise BadRow
    return None if number in BLANKS else number


def _bounded(name: str, number: float) -> float:
    low, high = FIELDS[name][0]
    if not low <= number <= high:
        raise BadRow
    return number
