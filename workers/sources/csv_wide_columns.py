"""Rows of the wide layout by columns: whole blocks whose lines are beyond doubt."""

from collections.abc import Callable, Sequence
from functools import partial
from itertools import compress, starmap
from typing import Any

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from apps.telemetry.csv_header import Header
from apps.telemetry.metrics import BY_NAME
from apps.telemetry.records import number_or_text
from workers.sources.cells import TimeReader
from workers.sources.csv_columns import (
    Errors,
    Field,
    field_of,
    head_of,
    join,
    plain_numbers,
    read_distinct,
    read_odd,
    text_of,
)
from workers.sources.csv_identity import Gpu, gpu_of
from workers.sources.draft import Draft
from workers.sources.memory import CACHED_GPU_BYTES, CACHED_GPUS, Memory

Columns = list[Any]  # of pyarrow.StringArray; an empty field is null


class WideColumns:
    """Turns blocks into drafts; a GPU's identity is validated when it is first seen."""

    def __init__(self, header: Header, read_time: TimeReader) -> None:
        self._read_time = read_time
        self._time_at = header.columns["timestamp"]
        who = header.identity
        self._who_names = tuple(who)
        self._who_at = tuple(who.values())
        self._fields = [(field_of(name, BY_NAME[name]), at) for name, at in header.metrics.items()]
        self._unknown = list(header.unknown.items())
        self._gpus = Memory[str, Gpu](CACHED_GPUS, CACHED_GPU_BYTES)

    def read(
        self, columns: Columns, lines: Sequence[int], rejected: list[tuple[int, str]]
    ) -> list[Draft]:
        """The drafts of these rows; a row that makes none is appended to `rejected`."""
        errors: Errors = {}
        # No text holds NUL: csv_table sees to that.
        who = pc.binary_join_element_wise(*[text_of(columns[at]) for at in self._who_at], "\0")
        gpus, gpu_codes = read_distinct(who, self._gpu, errors)
        times, time_codes = read_distinct(columns[self._time_at], self._read_time, errors)
        heads = pa.array([gpu.head if gpu else None for gpu in gpus], pa.string())
        parts = [heads.take(gpu_codes)]
        for field, at in self._fields:
            parts += _fragments(field, columns[at], errors)
        if self._unknown:
            parts.append(self._extra(columns))
        bodies = join(*parts, "}").cast(pa.binary()).to_pylist()
        codes = gpu_codes.to_pylist()
        hostnames = [gpu.hostname if gpu else "" for gpu in gpus]
        gpu_ids = [gpu.gpu_id if gpu else "" for gpu in gpus]
        rows: Any = zip(
            [times[code] for code in time_codes.to_pylist()],
            [hostnames[code] for code in codes],
            [gpu_ids[code] for code in codes],
            bodies,
            strict=True,
        )
        if errors:
            rows = compress(rows, [row not in errors for row in range(len(codes))])
            rejected += [(lines[row], reason) for row, reason in sorted(errors.items())]
        return list(starmap(Draft, rows))

    def _gpu(self, joined: str) -> Gpu:
        if (gpu := self._gpus.get(joined)) is None:
            gpu = gpu_of(dict(zip(self._who_names, joined.split("\0"), strict=True)))
            self._gpus.add(joined, gpu, len(joined) + gpu.size_bytes)
        return gpu

    def _extra(self, columns: Columns) -> Any:
        """The field `extra` of each row, null where nothing is in it."""
        fragments = []
        for name, at in self._unknown:
            read: Callable[[str], str | None] = partial(_extra_fragment, name)
            values, codes = read_distinct(columns[at], read, {})
            fragments.append(pa.array(values, pa.string()).take(codes))
        inside = pc.utf8_slice_codeunits(join(*fragments), 1)
        whole = pc.binary_join_element_wise(',"extra":{', inside, "}", "")
        return pc.if_else(pc.equal(inside, ""), pa.scalar(None, pa.string()), whole)


def _fragments(field: Field, texts: Any, errors: Errors) -> list[Any]:
    """What to join for the values of a metric; null where it was not reported."""
    if texts.null_count == len(texts):
        return []
    plain = plain_numbers(texts, field.is_whole, field.lowest, field.highest)
    texts = read_odd(texts, plain, lambda _row, text: field.read(text), errors)
    if texts.null_count == 0:
        return [field.head, texts]
    return [pc.binary_join_element_wise(field.head, texts, "")]


def _extra_fragment(name: str, text: str) -> str | None:
    value = number_or_text(text)
    return None if value is None else head_of(name) + msgspec.json.encode(value).decode()
