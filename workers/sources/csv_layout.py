"""The two layouts behind one interface: rows in whatever form they come, drafts out."""

from typing import Protocol

from apps.telemetry.csv_header import Header
from workers.sources.cells import TimeReader
from workers.sources.csv_dcgm import DcgmRows
from workers.sources.csv_dcgm_columns import DcgmColumns
from workers.sources.csv_rows import Rows
from workers.sources.csv_wide import WideRows
from workers.sources.csv_wide_columns import WideColumns
from workers.sources.csv_window import WINDOW_ROWS
from workers.sources.draft import Draft, draft_of


class Layout(Protocol):
    """Makes drafts of rows; a row that makes none is appended to `rows.rejections`."""

    def read(self, rows: Rows) -> list[Draft]:
        """The drafts that are complete with these rows."""

    def finish(self) -> list[Draft]:
        """The drafts that are held back, at the end of the file."""

    def resume_at(self, position: int) -> int:
        """The offset before which nothing is held back, if all before `position` was read."""


def layout_of(header: Header, read_time: TimeReader) -> Layout:
    """The layout of a file with this header."""
    return _Dcgm(header, read_time) if header.is_long else _Wide(header, read_time)


class _Wide:
    def __init__(self, header: Header, read_time: TimeReader) -> None:
        self._rows = WideRows(header, read_time)
        self._columns = WideColumns(header, read_time)

    def read(self, rows: Rows) -> list[Draft]:
        if rows.table is not None:
            return self._columns.read(rows.table, rows.lines, rows.rejections)
        return [
            draft_of(record) for record in self._rows.read(rows.rows, rows.lines, rows.rejections)
        ]

    def finish(self) -> list[Draft]:
        return []

    def resume_at(self, position: int) -> int:
        return position


class _Dcgm:
    def __init__(self, header: Header, read_time: TimeReader) -> None:
        self._rows = DcgmRows(header, read_time, WINDOW_ROWS)
        self._columns = DcgmColumns(self._rows)

    def read(self, rows: Rows) -> list[Draft]:
        if rows.table is not None:
            return self._columns.read(rows.table, rows.lines, rows.rejections, rows.begins_at)
        return self._rows.read(rows.rows, rows.lines, rows.rejections, rows.begins_at)

    def finish(self) -> list[Draft]:
        return self._rows.finish()

    def resume_at(self, position: int) -> int:
        return self._rows.window.resume_at(position)
