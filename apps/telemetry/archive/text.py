"""Rows of the archive as PostgreSQL's COPY takes them."""

from collections.abc import Mapping, Sequence
from io import BytesIO

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv


def csv_text(table: pa.Table, keys: Mapping[str, int], columns: Sequence[str]) -> bytes:
    """CSV without a header: the key of the row's GPU, then `columns`; NULL is empty."""
    uuids = pa.array(list(keys), pa.string())
    places = pc.index_in(table["uuid"], uuids)
    gpus = pa.array(list(keys.values()), pa.int64()).take(places.combine_chunks())
    return as_csv(table.select(list(columns)).add_column(0, "gpu_id", gpus))


def as_csv(table: pa.Table) -> bytes:
    """The rows as CSV."""
    buffer = BytesIO()
    csv.write_csv(table, buffer, csv.WriteOptions(include_header=False))
    return buffer.getvalue()
