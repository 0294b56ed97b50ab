"""Bytes of a CSV file to rows, in bounded memory, whatever the bytes are.

A large block whose lines are beyond doubt becomes a table. Any other is fed again in small pieces:
one of well-formed lines takes one pass of the csv module, and only a piece with something odd in
it is taken apart line by line, so that one bad byte or stray quote costs its own row and no other.
"""

import csv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from workers.sources.csv_table import MAX_LINE_BYTES, read_table

MAX_ROW_BYTES = MAX_LINE_BYTES
PIECE_BYTES = 256 * 1024  # rows as lists of texts take some ten times their bytes
MAX_ROW_LINES = 100  # a quoted field may hold newlines; a stray quote must not eat the file

OPEN_QUOTE = f"a quote opens and does not close within {MAX_ROW_LINES} lines"
TOO_LONG = f"the row is longer than {MAX_ROW_BYTES} bytes"


@dataclass(slots=True)
class Rows:
    """Rows with the line that each begins on; an empty line is an empty row.

    They are in `table`, by columns, or in `rows`. `begins_at` is the offset of the first, and all
    before `ends_at` is in these rows or in earlier ones.
    """

    rows: list[list[str]] = field(default_factory=list)
    lines: Sequence[int] = ()
    rejections: list[tuple[int, str]] = field(default_factory=list)
    table: list[Any] | None = None
    begins_at: int = 0
    ends_at: int = 0


@dataclass(frozen=True, slots=True)
class _Rejected:
    reason: str


class RowSplitter:
    """Cuts blocks into rows and keeps what is not complete yet.

    `width` is the number of fields of the header: a row over several lines that has another
    number is taken for a stray quote in its first line.
    """

    def __init__(self, width: int, first_line: int, position: int = 0) -> None:
        self._width = width
        self._line = first_line
        self._carry = b""
        self._skipping = False
        self._fed_to = position

    @property
    def position(self) -> int:
        """The offset up to which all was made into rows or rejected."""
        return self._fed_to - len(self._carry)

    @property
    def fed_to(self) -> int:
        """The offset of the next block."""
        return self._fed_to

    def take(self, block: bytes) -> Iterator[Rows]:
        """The rows that this block completes, by columns where that is possible."""
        for at in range(0, len(block), PIECE_BYTES):
            if at == 0 and (tables := self.feed_table(block)):
                yield from tables
                return
            piece = block[at : at + PIECE_BYTES]
            yield from self.feed_table(piece) or [self.feed(piece, last=False)]

    def feed(self, block: bytes, *, last: bool) -> Rows:
        """The rows that this block completes; `last` also ends a line without a newline."""
        begins_at = self.position
        rows = self._feed(block, last=last)
        rows.begins_at, rows.ends_at = begins_at, self.position
        return rows

    def feed_table(self, block: bytes) -> list[Rows] | None:
        """The rows that this block completes, if they make a table; else nothing is taken.

        The line that began in the block before comes as a row of its own: to put it before the
        others would copy them all.
        """
        first = block.find(b"\n") + 1
        end = block.rfind(b"\n") + 1
        if self._skipping or b"\n" in self._carry or first == end:
            return None
        if (table := read_table(block, first, end, self._width)) is None:
            return None
        before = self.feed(block[:first], last=False)
        if self._carry:  # a quote is still open
            return [before, self.feed(block[first:], last=False)]
        count = len(table[0])
        rows = Rows(
            lines=range(self._line, self._line + count), table=table, begins_at=self._fed_to
        )
        self._line += count
        self._fed_to += len(block) - first
        self._carry = block[end:]
        if len(self._carry) > MAX_ROW_BYTES:
            rows.rejections.append(self._skip_line())
        rows.ends_at = self.position
        return [before, rows]

    def _feed(self, block: bytes, *, last: bool) -> Rows:
        data = self._carry + block
        self._fed_to += len(block)
        if self._skipping:
            _, newline, data = data.partition(b"\n")
            if not newline:
                return Rows()
            self._skipping = False
            self._line += 1
        end = len(data) if last else data.rfind(b"\n") + 1
        self._carry = data[end:]
        too_long = len(self._carry) > MAX_ROW_BYTES
        # Nothing can be completed by a line that is too long already.
        rows = self._split(data[:end], last=last or too_long)
        if too_long:
            rows.rejections.append(self._skip_line())
        return rows

    def _skip_line(self) -> tuple[int, str]:
        self._carry = b""
        self._skipping = True
        return self._line, TOO_LONG

    def _split(self, data: bytes, *, last: bool) -> Rows:
        if not data:
            return Rows()
        if (rows := _well_formed(data)) is None:
            return self._line_by_line(data, last=last)
        lines = range(self._line, self._line + len(rows))
        self._line += len(rows)
        return Rows(rows, lines)

    def _line_by_line(self, data: bytes, *, last: bool) -> Rows:
        lines = data.split(b"\n")
        if not lines[-1]:
            lines.pop()
        result = Rows(lines=[])
        numbers: list[int] = []
        at = 0
        while at < len(lines):
            row, used = _logical_row(lines, at, self._width, last=last)
            if row is None:
                self._carry = b"\n".join(lines[at:]) + b"\n" + self._carry
                break
            if isinstance(row, _Rejected):
                result.rejections.append((self._line, row.reason))
            else:
                result.rows.append(row)
                numbers.append(self._line)
            at += used
            self._line += used
        result.lines = numbers
        return result


def _well_formed(data: bytes) -> list[list[str]] | None:
    """One row per line, or None if any line needs a closer look."""
    try:
        text = data.decode()
    except UnicodeDecodeError:
        return None
    if "\0" in text:
        return None
    lines = text.split("\n")
    if not lines[-1]:
        lines.pop()
    if max(map(len, lines)) > MAX_ROW_BYTES:
        return None
    try:
        rows = list(csv.reader(lines, strict=True))
    except csv.Error:
        return None
    return rows if len(rows) == len(lines) else None


def _decode(line: bytes) -> str | _Rejected:
    if b"\0" in line:
        return _Rejected("the row holds a NUL byte")
    try:
        return line.decode()
    except UnicodeDecodeError as error:
        return _Rejected(f"byte {line[error.start]:#04x} is not UTF-8")


def begins_row(lines: list[bytes], start: int, width: int) -> bool:
    """Whether a row of `width` fields begins on the line at `start`."""
    row, _ = _logical_row(lines, start, width, last=False)
    return isinstance(row, list) and len(row) == width


def _logical_row(
    lines: list[bytes], start: int, width: int, *, last: bool
) -> tuple[list[str] | _Rejected | None, int]:
    """The row that begins at `start` and how many lines it takes; None if it may go on."""
    parts: list[str] = []
    size = quotes = 0
    for line in lines[start : start + MAX_ROW_LINES]:
        size += len(line)
        text = _decode(line) if size <= MAX_ROW_BYTES else _Rejected(TOO_LONG)
        if isinstance(text, _Rejected):
            return (text if not parts else _Rejected(OPEN_QUOTE)), 1
        parts.append(text)
        quotes += text.count('"')
        if len(parts) > 1 and quotes % 2:
            continue
        row = _parse(parts)
        if isinstance(row, list) and len(parts) > 1 and len(row) != width:
            return _Rejected(OPEN_QUOTE), 1
        if row is not None:
            return row, len(parts) if isinstance(row, list) else 1
    if len(parts) < MAX_ROW_LINES and not last:
        return None, 0
    return _Rejected(OPEN_QUOTE), 1


def _parse(parts: list[str]) -> list[str] | _Rejected | None:
    """The one row of these lines; None if a quote is still open at their end."""
    try:
        rows = list(csv.reader([f"{part}\n" for part in parts], strict=True))
    except csv.Error as error:
        if str(error) == "unexpected end of data":
            return None
        return _Rejected(OPEN_QUOTE if len(parts) > 1 else f"not CSV: {error}")
    return rows[0] if len(rows) == 1 else _Rejected(OPEN_QUOTE)
