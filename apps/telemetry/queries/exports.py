"""Whole windows of telemetry as rows that PostgreSQL writes one by one, for files.

Samples come GPU by GPU and by time within each, as they are kept: no sorting, so the first row
comes at once and nothing is held in memory, here or there.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from apps.telemetry.metrics import BY_NAME, Metric
from apps.telemetry.queries import archived_table
from apps.telemetry.queries.bucket_rows import STATISTICS_OF, column_of
from apps.telemetry.queries.buckets import Buckets, by_rollups
from apps.telemetry.queries.fleet_page import PLACE
from apps.telemetry.queries.gpu_choice import GPUS, GpuChoice
from apps.telemetry.queries.latest import in_state, latest_place, latest_rows, looked_back
from apps.telemetry.queries.latest_archived import newest_archived, readable_days
from apps.telemetry.queries.sample_json import checked_columns, sample_object, time_text
from apps.telemetry.queries.telemetry import Order

# The most samples that one file may be made of.
MAX_EXPORTED = 5_000_000
MAX_EXPORT_S = 600
# Written by COPY, a control character that JSON cannot hold quotes nothing.
_LINES = "(FORMAT csv, DELIMITER E'\\x02', QUOTE E'\\x01')"
_TABLE = "(FORMAT csv)"


class ColumnType(StrEnum):
    """What a column of a table holds."""

    TIME = "timestamptz"
    TEXT = "text"
    JSON = "jsonb"
    INTEGER = "integer"
    BIGINT = "bigint"
    SMALLINT = "smallint"
    REAL = "real"
    DOUBLE = "double precision"


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its name, type and SQL."""

    name: str
    type: ColumnType
    sql: str


@dataclass(frozen=True, slots=True)
class Export:
    """Rows to be written; `line` is the SQL of a row's JSON, `columns` the same, flat."""

    columns: list[Column]
    line: str
    rows: str
    parameters: dict[str, Any]
    before: str = ""
    limit: int | None = None

    def lines(self) -> Iterator[bytes]:
        """Each row as a line of JSON."""
        return self._copy(f"SELECT {self.line}", _LINES)

    def table(self, *, escape_formulas: bool) -> Iterator[bytes]:
        """Each row as a line of CSV, without a header; NULL is empty, an empty text is `""`.

        A spreadsheet runs a text that begins like a formula; escaped, it begins with `'`.
        """
        write = _escaped if escape_formulas else _plain
        selected = ", ".join(write(column) for column in self.columns)
        return self._copy(f"SELECT {selected}", _TABLE)

    def _copy(self, select: str, form: str) -> Iterator[bytes]:
        with exporting() as cursor:
            text = f"{self.before} {select} {self.rows} {limited(self.limit)}"
            yield from copied(cursor, text, self.parameters, form)


@contextmanager
def exporting() -> Iterator[CursorWrapper]:
    """A transaction whose statements have their own time: a file may take longer than an answer."""
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(f"SET LOCAL statement_timeout = '{MAX_EXPORT_S}s'")
        yield cursor


def copied(
    cursor: CursorWrapper, statement: str, parameters: dict[str, Any], form: str
) -> Iterator[bytes]:
    """Each row of a SELECT, as COPY writes it."""
    # The inner one: Django's cursor of DEBUG takes no parameters here.
    with cursor.cursor.copy(f"COPY ({statement}) TO STDOUT {form}", parameters) as copy:
        for row in copy:
            yield bytes(row)


def limited(rows: int | None) -> str:
    """The LIMIT of a statement."""
    return "" if rows is None else f"LIMIT {int(rows)}"


def export_buckets(buckets: Buckets, *, order: Order, limit: int | None) -> Export:
    """The buckets of a window, by time. Raises UnknownColumn."""
    buckets = by_rollups(buckets)
    direction = "ASC" if order is Order.ASC else "DESC"
    return Export(
        columns=[
            *(place_columns(PLACE) if buckets.with_place else []),
            time_column("bucket.at"),
            Column("count", ColumnType.BIGINT, "bucket.count"),
            *(column for metric in buckets.metrics for column in _statistics(metric)),
        ],
        line=buckets.line(buckets.place),
        rows=f"FROM bucket JOIN gpu ON gpu.id = bucket.id"
        f" ORDER BY bucket.at {direction}, bucket.id {direction}",
        parameters=buckets.parameters,
        before=buckets.rows,
        limit=limit,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class LatestExport(Export):
    """The newest sample of each GPU, now or at a moment."""

    choice: GpuChoice
    at: datetime | None
    names: tuple[str, ...]

    def _copy(self, select: str, form: str) -> Iterator[bytes]:
        with exporting() as cursor:
            parameters = self.parameters
            if self.at:
                archived_table.stay(cursor)
                archived = newest_archived(self.choice, looked_back(self.at), self.at, self.names)
                parameters = parameters | {"archived": archived}
            yield from copied(cursor, f"{select} {self.rows}", parameters, form)


def export_latest(
    choice: GpuChoice,
    *,
    state: str | None,
    columns: Iterable[str],
    at: datetime | None = None,
) -> Export:
    """The newest sample of each GPU, in the order of `latest_json`. Raises UnknownColumn.

    With `at`, raises TooManyArchived; making it raises ArchiveFailed.
    """
    if at:
        readable_days(choice, looked_back(at), at)  # before there is an answer that must go on
    names, place = checked_columns(columns), place_columns(latest_place(at))
    return LatestExport(
        columns=[
            *place,
            time_column("latest.timestamp"),
            *(metric_column(name, "latest") for name in names),
        ],
        line=sample_object("latest", names, latest_place(at)),
        rows=f"FROM {GPUS} {latest_rows(at, with_given=at is not None)}"
        f" WHERE true {choice.conditions} {in_state(state, at)}"
        " ORDER BY cluster.slug, host.hostname, gpu.gpu_index, gpu.uuid",
        parameters=choice.parameters | {"at": at},
        choice=choice,
        at=at,
        names=names,
    )


def _statistics(metric: Metric) -> Iterator[Column]:
    for statistic in STATISTICS_OF[metric.kind]:
        name = column_of(metric, statistic)
        kind = {"rate": ColumnType.DOUBLE, "delta": ColumnType.BIGINT}.get(statistic)
        yield Column(name, kind or ColumnType(metric.storage), f"bucket.{name}")


def place_columns(place: dict[str, str]) -> list[Column]:
    """The columns that say which GPU a row is of."""
    index = {"gpu_id": ColumnType.INTEGER}
    return [Column(name, index.get(name, ColumnType.TEXT), sql) for name, sql in place.items()]


def time_column(sql: str) -> Column:
    """`timestamp`, from a time."""
    return Column("timestamp", ColumnType.TIME, time_text(sql))


def metric_column(name: str, source: str) -> Column:
    """A metric of a table, or `extra`."""
    kind = ColumnType(BY_NAME[name].storage) if name in BY_NAME else ColumnType.JSON
    return Column(name, kind, f"{source}.{name}")


def _plain(column: Column) -> str:
    return column.sql


def _escaped(column: Column) -> str:
    if column.type is not ColumnType.TEXT:
        return column.sql
    return f"CASE WHEN {column.sql} ~ '^[=+@\\t\\r-]' THEN '''' ELSE '' END || {column.sql}"
