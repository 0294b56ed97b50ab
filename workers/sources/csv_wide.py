"""Rows of the wide layout to records, row by row: for rows that need a closer look."""

from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Any

from apps.telemetry.csv_header import Header
from apps.telemetry.metrics import BY_NAME
from apps.telemetry.records import InvalidRecord, Record, number_or_text
from workers.sources.cells import TimeReader, identity, number_reader
from workers.sources.memory import CACHED_GPU_BYTES, CACHED_GPUS, Memory


class WideRows:
    """Turns rows into records; a GPU's identity is validated when it is first seen."""

    def __init__(self, header: Header, read_time: TimeReader) -> None:
        self._width = header.width
        self._read_time = read_time
        self._time_at = header.columns["timestamp"]
        who = header.identity
        self._who_names = tuple(who)
        self._who = itemgetter(*who.values())
        self._metrics = [
            (name, at, number_reader(name, BY_NAME[name])) for name, at in header.metrics.items()
        ]
        self._unknown = list(header.unknown.items())
        self._gpus = Memory[tuple[str, ...], dict[str, Any]](CACHED_GPUS, CACHED_GPU_BYTES)

    def read(
        self, rows: Iterable[list[str]], lines: Sequence[int], rejected: list[tuple[int, str]]
    ) -> list[Record]:
        """The records of these rows; what is none is appended to `rejected`."""
        records: list[Record] = []
        for line, row in zip(lines, rows, strict=True):
            try:
                if len(row) == self._width:
                    records.append(self._record(row))
                elif row:
                    raise InvalidRecord(f"{len(row)} fields, the header has {self._width}")
            except InvalidRecord as error:
                rejected.append((line, str(error)))
        return records

    def _record(self, row: list[str]) -> Record:
        who = self._who(row)
        fields = (self._gpus.get(who) or self._learn(who)).copy()
        fields["timestamp"] = self._read_time(row[self._time_at])
        for name, at, read in self._metrics:
            if text := row[at]:
                fields[name] = read(text)
        if self._unknown:
            fields["extra"] = self._extra(row)
        return Record(**fields)

    def _extra(self, row: list[str]) -> dict[str, Any] | None:
        values = {name: number_or_text(row[at]) for name, at in self._unknown}
        return {name: value for name, value in values.items() if value is not None} or None

    def _learn(self, who: tuple[str, ...]) -> dict[str, Any]:
        fields = identity(dict(zip(self._who_names, who, strict=True)))
        self._gpus.add(who, fields, 2 * sum(map(len, who)))
        return fields
