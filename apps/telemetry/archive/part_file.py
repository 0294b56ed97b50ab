"""A Parquet file that grows on this machine's disk, a row group at a time."""

from tempfile import TemporaryFile

import pyarrow as pa
from pyarrow import parquet

from apps.telemetry.archive import milliwatts
from apps.telemetry.archive.schema import SCHEMA, writer_options


class PartFile:
    """Power is packed as long as nothing is lost by it; a file has one type for all of its rows.

    The first group that cannot be packed has the file written anew, with floats.
    """

    def __init__(self) -> None:
        self.file = TemporaryFile()  # noqa: SIM115, closed by close()
        self.rows = 0
        self._is_packed = True
        self._writer = self._begin()

    def write(self, group: pa.Table) -> None:
        """Add a row group."""
        if self._is_packed and not milliwatts.are_whole(group):
            self._write_anew()
        self._write(group)
        self.rows += group.num_rows

    def finish(self) -> int:
        """Write the end, and go to the beginning; how many bytes there are."""
        self._writer.close()
        size = self.file.tell()
        self.file.seek(0)
        return size

    def close(self) -> None:
        """Give the file back."""
        self._writer.close()
        self.file.close()

    def _begin(self) -> parquet.ParquetWriter:
        schema = milliwatts.packed_schema(SCHEMA) if self._is_packed else SCHEMA
        return parquet.ParquetWriter(self.file, schema, **writer_options(schema))

    def _write(self, group: pa.Table) -> None:
        group = milliwatts.packed(group) if self._is_packed else group
        self._writer.write_table(group, row_group_size=max(1, group.num_rows))

    def _write_anew(self) -> None:
        self.finish()
        with self.file as packed:
            self.file, self._is_packed = TemporaryFile(), False  # noqa: SIM115
            self._writer = self._begin()
            source = parquet.ParquetFile(packed)
            for number in range(source.num_row_groups):
                self._write(milliwatts.unpacked(source.read_row_group(number, use_threads=False)))
