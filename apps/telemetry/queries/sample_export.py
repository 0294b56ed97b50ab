"""Windows of samples as files, those that the archive alone has among them.

Where nothing is archived, one statement writes everything. Elsewhere some GPUs, or some days of a
GPU, are written at a time, with their archived samples in a temporary table: the same statement for
a part of the rows, so that the parts together are the same file.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from django.db.backends.utils import CursorWrapper

from apps.telemetry.queries import archived_table
from apps.telemetry.queries.archived import DAYS, ArchivedOn, parse_days, source, window_of_days
from apps.telemetry.queries.exports import (
    Export,
    copied,
    exporting,
    limited,
    metric_column,
    place_columns,
    time_column,
)
from apps.telemetry.queries.fleet_page import PLACE
from apps.telemetry.queries.gpu_choice import GPUS, GpuChoice
from apps.telemetry.queries.sample_json import checked_columns, sample_object
from apps.telemetry.queries.telemetry import Order
from apps.telemetry.queries.window import window_of

# So many archived samples are in the temporary table at a time, and one GPU's day more.
BATCH_ROWS = 250_000
_GPUS_AT_ONCE = 100
_SAMPLES = """
  FROM (SELECT gpu.id, gpu.uuid, gpu.gpu_index, host.hostname, cluster.slug AS cluster
          FROM {gpus} WHERE true {conditions} ORDER BY gpu.id) gpu,
       LATERAL {source} s
"""
_STORED = """
(SELECT * FROM telemetry_sample s WHERE s.gpu_id = gpu.id {window} ORDER BY s.timestamp {order})
"""
_CHOSEN = "SELECT gpu.uuid FROM {gpus} WHERE true {conditions} ORDER BY gpu.id"
_ARCHIVED = f"""
SELECT gpu.uuid, {DAYS} FROM telemetry_gpu gpu WHERE gpu.uuid = ANY(%(uuids)s) ORDER BY gpu.id
"""
_ANY = """
SELECT EXISTS (SELECT 1 FROM telemetry_archivedday archived WHERE state = 'alone' {window})
"""


@dataclass(frozen=True, slots=True)
class Piece:
    """Some GPUs, or all, and a part of the window; `has_archived`: some of it is in the archive."""

    uuids: tuple[str, ...] | None
    start: datetime | None
    end: datetime | None
    has_archived: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class SampleExport(Export):
    """The samples of a window, GPU by GPU."""

    choice: GpuChoice
    start: datetime | None
    end: datetime | None
    order: Order
    names: tuple[str, ...]

    def _copy(self, select: str, form: str) -> Iterator[bytes]:
        with exporting() as cursor:
            archived_table.stay(cursor)
            rest = self.limit
            for piece in self._pieces(cursor):
                for row in self._written(cursor, piece, select, form, rest):
                    yield row
                    rest = None if rest is None else rest - 1
                if rest == 0:
                    return

    def _written(
        self, cursor: CursorWrapper, piece: Piece, select: str, form: str, limit: int | None
    ) -> Iterator[bytes]:
        choice = self.choice
        if piece.uuids is not None:
            choice = replace(choice, uuids=piece.uuids)
        if piece.has_archived:
            archived_table.fill(cursor, choice, piece.start, piece.end, self.names)
        direction = "ASC" if self.order is Order.ASC else "DESC"
        stored = _STORED.format(window=window_of(piece.start, piece.end), order=direction)
        given = archived_table.TABLE
        rows = source(stored, direction, with_given=piece.has_archived, given=given)
        text = _SAMPLES.format(gpus=GPUS, conditions=choice.conditions, source=rows)
        bounds = {"start": piece.start, "end": piece.end}
        statement = f"{select} {text} {limited(limit)}"
        return copied(cursor, statement, choice.parameters | bounds, form)

    def _pieces(self, cursor: CursorWrapper) -> Iterator[Piece]:
        """In the order of the file; GPUs with few archived samples go together."""
        window = window_of_days(self.start, self.end)
        cursor.execute(_ANY.format(window=window), {"start": self.start, "end": self.end})
        if not cursor.fetchone()[0]:
            yield Piece(None, self.start, self.end, has_archived=False)
            return
        archived_table.create(cursor)
        cursor.execute(
            _CHOSEN.format(gpus=GPUS, conditions=self.choice.conditions), self.choice.parameters
        )
        chosen = [uuid for (uuid,) in cursor.fetchall()]
        for first in range(0, len(chosen), _GPUS_AT_ONCE):
            uuids = chosen[first : first + _GPUS_AT_ONCE]
            parameters = {"uuids": uuids, "start": self.start, "end": self.end}
            cursor.execute(_ARCHIVED.format(window=window), parameters)
            archived = [(uuid, parse_days(days)) for uuid, days in cursor.fetchall()]
            yield from pieces(archived, self.start, self.end, self.order)


def export_samples(
    choice: GpuChoice,
    *,
    start: datetime | None,
    end: datetime | None,
    order: Order,
    limit: int | None,
    columns: Iterable[str],
    with_place: bool = True,
) -> Export:
    """The samples of a window, GPU by GPU. Raises UnknownColumn.

    Making it raises ArchiveFailed.
    """
    names = checked_columns(columns)
    place = place_columns(PLACE) if with_place else []
    return SampleExport(
        columns=[*place, time_column("s.timestamp"), *(metric_column(name, "s") for name in names)],
        line=sample_object("s", names, PLACE if with_place else None),
        rows="",
        parameters={},
        limit=limit,
        choice=choice,
        start=start,
        end=end,
        order=order,
        names=names,
    )


def pieces(
    archived: Iterable[tuple[str, list[ArchivedOn]]],
    start: datetime | None,
    end: datetime | None,
    order: Order,
) -> Iterator[Piece]:
    """The GPUs, in this order, in pieces of about BATCH_ROWS archived samples. Pure."""
    waiting: list[str] = []
    rows = 0
    for uuid, days in archived:
        more = sum(one.rows for one in days)
        if waiting and rows + more > BATCH_ROWS:
            yield Piece(tuple(waiting), start, end, rows > 0)
            waiting, rows = [], 0
        if more > BATCH_ROWS:
            parts = list(_parts(uuid, days, start, end))
            yield from parts if order is Order.ASC else reversed(parts)
        else:
            waiting.append(uuid)
            rows += more
    if waiting:
        yield Piece(tuple(waiting), start, end, rows > 0)


def _parts(
    uuid: str, days: list[ArchivedOn], start: datetime | None, end: datetime | None
) -> Iterator[Piece]:
    """The window of a GPU in stretches that end with an archived day, but for the last."""
    low, rows = start, 0
    for one in days:
        if rows and rows + one.rows > BATCH_ROWS:
            yield Piece((uuid,), low, one.start - timedelta.resolution, has_archived=True)
            low, rows = one.start, 0
        rows += one.rows
    last = days[-1].last
    if end is not None and end <= last:
        yield Piece((uuid,), low, end, has_archived=True)
        return
    yield Piece((uuid,), low, last, has_archived=True)
    yield Piece((uuid,), last + timedelta.resolution, end, has_archived=False)
