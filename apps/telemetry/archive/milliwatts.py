"""Power as whole milliwatts, DECIMAL in Parquet: half of what floats take, and the same values.

A float is replaced only where the decimal gives back every bit of it. Pure.
"""

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from apps.telemetry.metrics import METRICS, Storage

PER_WATT = 1000
# Nine digits are an INT32 in the file, which is what every reader packs best.
DECIMAL = pa.decimal32(9, 3)
_MOST = 999_999_999
COLUMNS = tuple(metric.name for metric in METRICS if metric.storage is Storage.DOUBLE)


def are_whole(table: pa.Table) -> bool:
    """Whether each of the columns can be packed without losing anything."""
    return all(_is_whole(_floats(table[name])) for name in COLUMNS)


def packed(table: pa.Table) -> pa.Table:
    """The same rows, their power as decimals; of a table that `are_whole`."""
    for name in COLUMNS:
        column = table[name]
        counts = np.rint(_floats(column) * PER_WATT).astype(np.int32)
        missing = column.is_null().to_numpy() if column.null_count else None
        table = _replaced(table, name, pa.array(counts, pa.int32(), mask=missing).view(DECIMAL))
    return table


def unpacked(table: pa.Table) -> pa.Table:
    """The same rows as floats, whichever way they were written."""
    for name in COLUMNS:
        if name not in table.column_names or not pa.types.is_decimal(table[name].type):
            continue
        column = table[name]
        counts = column.cast(DECIMAL).combine_chunks().view(pa.int32())
        # Divided, not multiplied by 0.001: the nearest float is the one that was archived.
        watts = counts.fill_null(0).to_numpy() / PER_WATT
        missing = column.is_null().to_numpy() if column.null_count else None
        table = _replaced(table, name, pa.array(watts, pa.float64(), mask=missing))
    return table


def packed_schema(schema: pa.Schema) -> pa.Schema:
    """The schema of packed rows."""
    for name in COLUMNS:
        place = schema.get_field_index(name)
        schema = schema.set(place, schema.field(place).with_type(DECIMAL))
    return schema


def _floats(column: pa.ChunkedArray) -> NDArray[np.float64]:
    floats: NDArray[np.float64] = column.fill_null(0).to_numpy()
    return floats


def _is_whole(watts: NDArray[np.float64]) -> bool:
    counts = np.rint(watts * PER_WATT)
    if not np.all(np.abs(counts) <= _MOST):
        return False
    # By their bits: the decimal has no negative zero.
    back = counts.astype(np.int64) / PER_WATT
    return bool(np.array_equal(back.view(np.int64), watts.view(np.int64)))


def _replaced(table: pa.Table, name: str, values: pa.Array) -> pa.Table:
    place = table.column_names.index(name)
    return table.set_column(place, table.schema.field(place).with_type(values.type), values)
