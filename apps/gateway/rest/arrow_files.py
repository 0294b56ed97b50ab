"""Parquet and Arrow files of telemetry, some ten thousand rows at a time.

PostgreSQL writes the rows as CSV and Arrow parses them: neither makes Python objects of the values.
"""

import io
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

import pyarrow
from pyarrow import csv, ipc, parquet

from apps.telemetry.queries import ColumnType, Export

ROWS = 20_000
_TYPES = {
    ColumnType.TIME: pyarrow.timestamp("us", tz="UTC"),
    ColumnType.TEXT: pyarrow.string(),
    ColumnType.JSON: pyarrow.string(),
    ColumnType.INTEGER: pyarrow.int32(),
    ColumnType.BIGINT: pyarrow.int64(),
    ColumnType.SMALLINT: pyarrow.int16(),
    ColumnType.REAL: pyarrow.float32(),
    ColumnType.DOUBLE: pyarrow.float64(),
}


def parquet_chunks(export: Export) -> Iterator[bytes]:
    """A Parquet file; `extra` is JSON text."""
    out = _Out()
    schema = _schema(export)
    with parquet.ParquetWriter(out, schema, compression="zstd") as writer:
        for table in _tables(export, schema):
            writer.write_table(table)
            yield out.taken()
    yield out.taken()


def arrow_chunks(export: Export) -> Iterator[bytes]:
    """A stream of Arrow record batches; `extra` is JSON text."""
    out = _Out()
    schema = _schema(export)
    with ipc.new_stream(out, schema) as writer:
        for table in _tables(export, schema):
            writer.write_table(table)
            yield out.taken()
    yield out.taken()


def _schema(export: Export) -> Any:
    return pyarrow.schema([(column.name, _TYPES[column.type]) for column in export.columns])


def _tables(export: Export, schema: Any) -> Iterator[Any]:
    reading = csv.ReadOptions(column_names=schema.names, use_threads=False)
    converting = csv.ConvertOptions(
        column_types=schema, null_values=[""], strings_can_be_null=True,
        quoted_strings_can_be_null=False,
    )  # fmt: skip
    # A text may hold line breaks.
    parsing = csv.ParseOptions(newlines_in_values=True)
    for text in _blocks(export.table(escape_formulas=False)):
        yield csv.read_csv(io.BytesIO(text), reading, parsing, converting)


def _blocks(rows: Iterable[bytes]) -> Iterator[bytes]:
    rows = iter(rows)
    while text := b"".join(islice(rows, ROWS)):
        yield text


class _Out(io.RawIOBase):
    """What was written since it was last taken."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []
        self._written = 0

    def writable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """How much was written altogether."""
        return self._written

    def write(self, data: Any) -> int:
        """Keep a copy: the writer uses its buffer again."""
        part = bytes(data)
        self._parts.append(part)
        self._written += len(part)
        return len(part)

    def taken(self) -> bytes:
        """Everything written since the last call."""
        parts, self._parts = self._parts, []
        return b"".join(parts)
