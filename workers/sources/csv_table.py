"""A block of lines to columns of text at once, if every line of it is beyond doubt.

pyarrow's parser is fast and lenient: it takes text behind a closing quote, skips empty lines and
ends lines at lone carriage returns. So a block is first proven to be plain; what cannot be is left
to `csv_rows`, which tells the bad line from the good ones.
"""

import struct
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc
from pyarrow import csv

from apps.telemetry.csv_header import UTF8_BOM

MAX_LINE_BYTES = 64 * 1024
# What a table takes of memory is by its fields and columns, not by its bytes: a line may be all
# commas, or empty, which is a row of as many fields. 1 MiB of usual rows has some 100,000 fields.
MAX_FIELDS = 250_000
MAX_COLUMNS = 1000

# Arrow's own allocator keeps for itself what it has freed: 15 to 20 MB here, for 4 % of the time.
pa.set_memory_pool(pa.system_memory_pool())
# The parser takes room for the whole block for each column and gives back most of it: with hundreds
# of columns glibc is left with holes all over hundreds of megabytes, and fills them.
_PARSER_POOL = pa.mimalloc_memory_pool()
# Otherwise it would take signals to itself while it parses, and a stop would be an error or lost.
pa.enable_signal_handlers(False)

# A field is quoted as a whole, its quotes doubled, or holds no quote; no field spans lines.
_FIELD = r'(?:"(?:[^"\n]|"")*"|[^",\n]*)'
_PLAIN_LINES = rf"\A(?:{_FIELD}(?:,{_FIELD})*\r?\n)*\z"

# Neither the proof nor the parser holds Python's lock: one goes on beside the other.
_PROOFS = ThreadPoolExecutor(1, "csv-proof")


def read_table(data: bytes, start: int, end: int, width: int) -> list[Any] | None:
    """One `pyarrow.StringArray` per column, in which an empty field is null.

    `data[start:end]` is whole lines. None if any line is not one row of `width` fields in UTF-8,
    or could be read in more than one way, or if they are too many fields.
    """
    if width > MAX_COLUMNS or width * data.count(b"\n", start, end) > MAX_FIELDS:
        return None
    if not _is_text(data, start, end):
        return None
    buffer = pa.py_buffer(data).slice(start, end - start)
    has_quotes = data.find(b'"', start, end) >= 0
    proof = _PROOFS.submit(_is_well_quoted, buffer) if has_quotes else None
    columns = _parse(buffer, width)
    if proof and not proof.result():
        return None
    return columns


def _parse(buffer: Any, width: int) -> list[Any] | None:
    names = [str(position) for position in range(width)]
    try:
        table = csv.read_csv(
            pa.BufferReader(buffer),
            csv.ReadOptions(column_names=names, use_threads=False, block_size=len(buffer) + 1),
            csv.ParseOptions(newlines_in_values=False, ignore_empty_lines=False),
            csv.ConvertOptions(
                column_types=dict.fromkeys(names, pa.string()),
                null_values=[""],
                strings_can_be_null=True,
                quoted_strings_can_be_null=True,
            ),
            memory_pool=_PARSER_POOL,
        )
    except pa.ArrowInvalid:
        return None
    columns = [column.combine_chunks() for column in table.columns]
    if all(column.null_count for column in columns):  # an empty line is a row of nulls here
        return None
    return columns


def _is_text(data: bytes, start: int, end: int) -> bool:
    """Whether all lines are short, end in the same two ways as elsewhere, and hold no NUL."""
    if data.startswith(UTF8_BOM, start) or data.find(b"\0", start, end) >= 0:
        return False
    if data.find(b"\r", start, end) >= 0 and (
        data.count(b"\r", start, end) != data.count(b"\r\n", start, end)
    ):
        return False
    return not _has_long_line(data, start, end)


def _is_well_quoted(buffer: Any) -> bool:
    offsets = pa.py_buffer(struct.pack("=2q", 0, len(buffer)))
    whole = pa.Array.from_buffers(pa.large_binary(), 1, [None, offsets, buffer])
    return bool(pc.match_substring_regex(whole, _PLAIN_LINES)[0].as_py())


def _has_long_line(data: bytes, start: int, end: int) -> bool:
    at = start
    while end - at > MAX_LINE_BYTES:
        if not (after := data.rfind(b"\n", at, at + MAX_LINE_BYTES + 1) + 1):
            return True
        at = after
    return False
