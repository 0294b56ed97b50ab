"""What roll-ups must hold, made of the samples from scratch in Python."""

from collections import defaultdict
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from django.db import connection

from apps.telemetry.metrics import BY_NAME, Kind
from apps.telemetry.models import Sample

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


def expected(step, metrics):
    """{(gpu_id, bucket's start): {column: value}} of everything that is stored."""
    buckets = defaultdict(list)
    for sample in Sample.objects.order_by("gpu_id", "timestamp"):
        buckets[sample.gpu_id, start_of(sample.timestamp, step)].append(sample)
    return {key: _row(samples, metrics) for key, samples in buckets.items()}


def kept(table, metrics):
    """The same, as the table has it."""
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT * FROM {table}")
        names = [column.name for column in cursor.description]
        rows = [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]
    prefixes = tuple(f"{metric}_" for metric in metrics)
    wanted = ("count", "first_at", "last_at", "power_energy_wh")
    return {
        (row["gpu_id"], row["timestamp"]): {
            name: value
            for name, value in row.items()
            if name in wanted or name.startswith(prefixes)
        }
        for row in rows
    }


def start_of(instant, step):
    return instant - (instant - EPOCH) % step


def _row(samples, metrics):
    row = {
        "count": len(samples),
        "first_at": samples[0].timestamp,
        "last_at": samples[-1].timestamp,
        "power_energy_wh": _energy(samples),
    }
    for metric in metrics:
        row |= {f"{metric}_{name}": value for name, value in _statistics(metric, samples).items()}
    return row


def _statistics(metric, samples):
    found = [(s.timestamp, value) for s in samples if (value := getattr(s, metric)) is not None]
    values = [value for _, value in found]
    kind = BY_NAME[metric].kind
    if kind is Kind.COUNTER:
        grown = sum(
            after - before if after >= before else after for before, after in pairwise(values)
        )
        return {
            "count": len(values),
            "first": values[0] if values else None,
            "first_at": found[0][0] if found else None,
            "last": values[-1] if values else None,
            "last_at": found[-1][0] if found else None,
            "increase": grown if values else None,
        }
    of = {"count": len(values), "last": values[-1] if values else None}
    if kind is Kind.BITMASK:
        bits = 0
        for value in values:
            bits |= value
        return of | {"any": bits if values else None}
    of["max"] = max(values, default=None)
    if kind is Kind.CODE:
        return of
    mean = sum(values) / len(values) if values else None
    return of | {"min": min(values, default=None), "avg": mean}


def _energy(samples):
    """Each minute's average over what it spans, and over the silence before it if that is short."""
    minutes = defaultdict(list)
    for sample in samples:
        minutes[start_of(sample.timestamp, MINUTE)].append(sample)
    parts, before = [], None
    for group in minutes.values():
        powers = [s.power_draw for s in group if s.power_draw is not None]
        mean = sum(powers) / len(powers) if powers else None
        span = group[-1].timestamp - group[0].timestamp
        gap = group[0].timestamp - before if before else timedelta(0)
        if mean is not None:
            counted = span + (gap if gap <= timedelta(minutes=5) else timedelta(0))
            parts.append(mean * counted.total_seconds() / 3600)
        before = group[-1].timestamp
    return sum(parts) if parts else None
