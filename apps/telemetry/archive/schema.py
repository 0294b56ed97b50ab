"""The columns of an archive file, their units and how they are encoded."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
from pyarrow import parquet

from apps.telemetry.metrics import METRICS, Metric, Storage

ARROW_TYPES = {
    Storage.REAL: pa.float32(),
    Storage.DOUBLE: pa.float64(),
    Storage.BIGINT: pa.int64(),
    Storage.SMALLINT: pa.int16(),
}
TIME = pa.timestamp("us", tz="UTC")
# The GPU as it was registered when its day was archived, beside its UUID.
DESCRIPTION = ("hostname", "gpu_index", "model_name")

# One GPU's hour lies in one of these. Larger ones share their dictionaries among more rows, and
# cost more to read for one GPU (docs/adr/0010).
ROW_GROUP_ROWS = 131_072
# A file of a few MiB up to some 20: what an object store hands out in one piece.
PART_ROWS = 32 * ROW_GROUP_ROWS
COMPRESSION_LEVEL = 9
# Power that is no whole milliwatts has as many values as rows; the default would end its dictionary
# after a few of them.
DICTIONARY_BYTES = 8 << 20


def _field(metric: Metric) -> pa.Field:
    facts = {
        "unit": metric.unit, "kind": metric.kind.value, "description": metric.description,
        "dcgm_field_id": str(metric.dcgm_id),
    }  # fmt: skip
    return pa.field(metric.name, ARROW_TYPES[metric.storage], metadata=facts)


SCHEMA = pa.schema(
    [
        pa.field("uuid", pa.string(), nullable=False),
        pa.field("timestamp", TIME, nullable=False),
        pa.field("hostname", pa.string()),
        pa.field("gpu_index", pa.int16()),
        pa.field("model_name", pa.string()),
        *(_field(metric) for metric in METRICS),
        pa.field("extra", pa.string(), metadata={"description": "Other DCGM fields, as JSON"}),
    ],
    metadata={
        "telemetry.format": "1",
        "telemetry.sorted_by": "uuid,timestamp",
        "telemetry.null": "not reported",
    },
)
COLUMNS: tuple[str, ...] = tuple(SCHEMA.names)


def writer_options(schema: pa.Schema) -> dict[str, Any]:
    """How pyarrow's ParquetWriter writes the columns.

    Deltas for times, whole numbers and decimals. Dictionaries for texts and also for floats: gauges
    are whole numbers of a small range, so that byte-stream-split, which packs the bytes of
    arbitrary floats, took 1.8 times as much (docs/adr/0010).
    """
    deltas = [field.name for field in schema if _has_deltas(field)]
    return {
        "compression": "zstd",
        "compression_level": COMPRESSION_LEVEL,
        "use_dictionary": [name for name in COLUMNS if name not in deltas],
        "column_encoding": dict.fromkeys(deltas, "DELTA_BINARY_PACKED"),
        "dictionary_pagesize_limit": DICTIONARY_BYTES,
        "store_decimal_as_integer": True,
        "write_statistics": ["uuid", "timestamp"],
        "sorting_columns": parquet.SortingColumn.from_ordering(
            schema, [("uuid", "ascending"), ("timestamp", "ascending")]
        ),
    }


def _has_deltas(field: pa.Field) -> bool:
    is_number = pa.types.is_integer(field.type) and field.name not in DESCRIPTION
    return is_number or pa.types.is_timestamp(field.type) or pa.types.is_decimal(field.type)


def as_now(table: pa.Table, names: Sequence[str] = COLUMNS) -> pa.Table:
    """The same rows with these of today's columns: NULL for a metric that was added since."""
    schema = pa.schema([SCHEMA.field(name) for name in dict.fromkeys(names)])
    columns = [
        table[field.name] if field.name in table.column_names
        else pa.nulls(table.num_rows, field.type)
        for field in schema
    ]  # fmt: skip
    return pa.table(columns, schema=schema)
