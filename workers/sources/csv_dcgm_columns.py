"""Rows of a DCGM export by columns: whole blocks whose lines are beyond doubt."""

from collections.abc import Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from apps.telemetry.records import InvalidRecord
from workers.sources.cells import Number
from workers.sources.csv_columns import (
    Errors,
    Field,
    plain_numbers,
    read_distinct,
    read_odd,
    text_of,
)
from workers.sources.csv_dcgm import DcgmRows
from workers.sources.csv_identity import Gpu
from workers.sources.csv_window import Group
from workers.sources.draft import Draft

Columns = list[Any]  # of pyarrow.StringArray; an empty field is null


class DcgmColumns:
    """Puts blocks into the window of `rows`, with the same outcome as row by row."""

    def __init__(self, rows: DcgmRows) -> None:
        self._rows = rows

    def read(
        self,
        columns: Columns,
        lines: Sequence[int],
        rejected: list[tuple[int, str]],
        begins_at: int = 0,
    ) -> list[Draft]:
        """The drafts that leave the window; a row that is of no use is appended to `rejected`."""
        rows, errors = self._rows, Errors()
        try:
            gpus, gpu_codes = self._gpus(columns)
        except InvalidRecord:  # of a GPU that is in doubt the labels of each row count
            texts = [text_of(column).to_pylist() for column in columns]
            return rows.read(map(list, zip(*texts, strict=True)), lines, rejected, begins_at)
        times, time_codes = read_distinct(columns[rows.time_at], rows.read_time, errors)
        fields, field_codes = read_distinct(columns[rows.metric_at], rows.field, errors)
        values = _fragments(columns[rows.value_at], fields, field_codes, errors)
        instants = pc.add(pc.multiply(gpu_codes.cast(pa.int64()), len(times)), time_codes)
        groups = _Groups(rows, gpus, times, begins_at)
        groups.add(instants.to_pylist(), field_codes.to_pylist(), values, fields, errors)
        rejected += [(lines[row], reason) for row, reason in sorted(errors.items())]
        return rows.window.release()

    def _gpus(self, columns: Columns) -> tuple[list[tuple[str, Gpu]], Any]:
        """((uuid, GPU) of each distinct one, for each row which). Raises InvalidRecord."""
        rows = self._rows
        texts = [text_of(columns[at]) for at in rows.who_at]
        # No text holds NUL: csv_table sees to that.
        encoded = pc.binary_join_element_wise(*texts, "\0").dictionary_encode()
        found: list[tuple[str, Gpu]] = []
        uuid_at = rows.who_names.index("uuid")
        for code, joined in enumerate(encoded.dictionary.to_pylist()):
            who = tuple(joined.split("\0"))
            labels = ""
            if rows.labels_at is not None and not rows.knows_gpu(who):
                first = pc.index(encoded.indices, code).as_py()
                labels = columns[rows.labels_at][first].as_py() or ""
            found.append((who[uuid_at], rows.gpu(who, labels)))
        return found, encoded.indices


class _Groups:
    """The groups of one block by the number of GPU and time, looked up when first needed."""

    def __init__(
        self, rows: DcgmRows, gpus: list[tuple[str, Gpu]], times: list[Any], begins_at: int
    ) -> None:
        self._rows = rows
        self._gpus = gpus
        self._times = times
        self._begins_at = begins_at
        self._groups: dict[int, Group] = {}

    def add(
        self,
        instants: list[int],
        codes: list[int],
        values: list[str | None],
        fields: list[Field | None],
        errors: Errors,
    ) -> None:
        """Add the rows that are without errors; what the groups refuse is an error then."""
        groups = self._groups
        names = [field.name if field and field.is_known else None for field in fields]
        rows = zip(range(len(codes)), instants, codes, values, strict=True)
        wrong = frozenset(errors)
        for row, instant, code, value in rows:
            if row in wrong:
                continue
            group = groups.get(instant)
            if group is None:
                group = groups[instant] = self._find(instant)
            group.rows += 1
            if value is None:  # blank: the GPU was there, the metric was not
                continue
            if (name := names[code]) is not None:
                group.values[name] = value
            else:
                self._add_extra(group, fields[code], value, row, errors)
        self._rows.window.held_rows += len(codes) - len(wrong)

    def _find(self, instant: int) -> Group:
        gpu, time = divmod(instant, len(self._times))
        uuid, found = self._gpus[gpu]
        return self._rows.window.group(uuid, self._times[time], found, self._begins_at)

    def _add_extra(
        self, group: Group, field: Field | None, value: str, row: int, errors: Errors
    ) -> None:
        try:
            if field:
                self._rows.window.add_extra(group, field.name, value)
        except InvalidRecord as error:
            errors[row] = str(error)


def _fragments(
    texts: Any, fields: list[Field | None], codes: Any, errors: Errors
) -> list[str | None]:
    """The value of each row as JSON with its name, None for a blank."""

    def read(row: int, text: str) -> Number | None:
        field = fields[codes[row].as_py()]
        return field.read(text) if field else None  # without a field it is an error already

    def of_each(name: str, data_type: Any) -> Any:
        values = [getattr(field, name) if field else None for field in fields]
        return pa.array(values, data_type).take(codes)

    plain = plain_numbers(
        texts,
        of_each("is_whole", pa.bool_()),
        of_each("lowest", pa.float64()),
        of_each("highest", pa.float64()),
    )
    texts = read_odd(texts, plain, read, errors)
    heads = of_each("head", pa.string())
    fragments: list[str | None] = pc.binary_join_element_wise(heads, texts, "").to_pylist()
    return fragments
