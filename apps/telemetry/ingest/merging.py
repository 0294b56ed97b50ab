"""Partial records of one GPU and instant become one. Pure."""

from collections.abc import Sequence
from datetime import datetime

from msgspec.structs import replace

from apps.telemetry.metrics import METRIC_NAMES
from apps.telemetry.records import Record


def merge(first: Record, second: Record) -> Record:
    """What both report; where both do, the second wins."""
    reported = {
        name: value for name in METRIC_NAMES if (value := getattr(second, name)) is not None
    }
    if second.extra:
        reported["extra"] = {**(first.extra or {}), **second.extra}
    return replace(first, **reported)


def merge_same_instant(
    records: Sequence[Record], gpu_ids: Sequence[int]
) -> tuple[list[Record], list[int]]:
    """One record per GPU and instant, and its GPU's key."""
    merged: dict[tuple[int, datetime], Record] = {}
    for record, gpu_id in zip(records, gpu_ids, strict=True):
        key = (gpu_id, record.timestamp)
        merged[key] = merge(merged[key], record) if key in merged else record
    return list(merged.values()), [gpu_id for gpu_id, _ in merged]
