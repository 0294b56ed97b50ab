"""The first samples of many GPUs in the order of time, out of a day that is sorted by GPU."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

import pyarrow as pa
import pyarrow.compute as pc

from apps.telemetry.archive.finding import Wanted
from apps.telemetry.archive.reading import archived_tables
from apps.telemetry.archive.schema import TIME


@dataclass(frozen=True, slots=True)
class Turn:
    """Up to `rows` samples by time and key, with `low` ≤ timestamp ≤ `high`.

    `after` is a time and a key: only what comes after that in the order.
    """

    low: datetime | None
    high: datetime | None
    after: tuple[datetime, int] | None
    rows: int
    ascending: bool


def first_samples(
    keys: Mapping[str, int], day: date, turn: Turn, columns: Sequence[str]
) -> pa.Table:
    """`gpu_id` (of `keys`), `timestamp` and `columns`, in the turn's order. Raises ArchiveFailed.

    Memory holds a row group and as many rows as are asked for.
    """
    names = ["timestamp", *columns]
    wanted = Wanted(sorted(keys), turn.low, turn.high, names)
    best: list[pa.Table] = []
    for table in archived_tables([day], wanted):
        here = _beyond(_keyed(table, keys).select(["gpu_id", *names]), turn)
        best = [_first(pa.concat_tables([*best, here]), turn)]
    return best[0] if best else pa.table({"gpu_id": pa.array([], pa.int64())})


def _keyed(table: pa.Table, keys: Mapping[str, int]) -> pa.Table:
    uuids = pa.array(list(keys), pa.string())
    places = pc.index_in(table["uuid"], uuids)
    return table.append_column("gpu_id", pa.array(list(keys.values()), pa.int64()).take(places))


def _beyond(table: pa.Table, turn: Turn) -> pa.Table:
    if turn.after is None:
        return table
    is_after = pc.greater if turn.ascending else pc.less
    at, key = pa.scalar(turn.after[0], TIME), turn.after[1]
    same = pc.and_(pc.equal(table["timestamp"], at), is_after(table["gpu_id"], key))
    return table.filter(pc.or_(is_after(table["timestamp"], at), same))


def _first(table: pa.Table, turn: Turn) -> pa.Table:
    order = "ascending" if turn.ascending else "descending"
    places = pc.select_k_unstable(
        table, min(turn.rows, table.num_rows), [("timestamp", order), ("gpu_id", order)]
    )
    return table.take(places)
