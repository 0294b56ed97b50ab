"""What both layouts do with columns of text: distinct values once, numbers all at once.

Nothing here decides what is valid: a cell that is not plainly a number in range is given to the
same function that reads cells one by one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

import msgspec
import pyarrow as pa
import pyarrow.compute as pc

from apps.telemetry.metrics import Kind, Metric
from apps.telemetry.records import InvalidRecord
from workers.sources.cells import (
    SMALLEST_BLANK,
    SMALLEST_COUNTER_BLANK,
    Number,
    NumberReader,
    number_reader,
)

Value = TypeVar("Value")
Errors = dict[int, str]  # by row; the first one counts

# Texts that are JSON numbers and stay exact in a float; the rest is read one by one.
_DECIMAL = r"\A(?:0|-?[1-9][0-9]{0,14})(?:\.[0-9]{1,17})?\z"
_WHOLE = r"\A(?:0|-?[1-9][0-9]{0,14})\z"


@dataclass(frozen=True, slots=True)
class Field:
    """A number's place in a message: `head` is the JSON before it.

    Texts of numbers from `lowest` to `highest` are values; what lies outside may be a blank.
    """

    name: str
    head: str
    is_known: bool
    is_whole: bool
    lowest: float
    highest: float
    read: NumberReader

    def fragment(self, value: Number) -> str:
        """The JSON of a value with its name, from the comma before it on."""
        return self.head + msgspec.json.encode(value).decode()


def field_of(name: str, metric: Metric | None) -> Field:
    """The field of a metric, or of a number that has no column and goes to `extra`."""
    wide = metric is not None and metric.kind is Kind.COUNTER
    blank = SMALLEST_COUNTER_BLANK if wide else SMALLEST_BLANK
    return Field(
        name=metric.name if metric else name,
        head=head_of(metric.name if metric else name),
        is_known=metric is not None,
        is_whole=metric is not None and metric.is_integer,
        lowest=metric.minimum if metric else float("-inf"),
        highest=min(metric.maximum, blank - 1) if metric else blank - 1,
        read=number_reader(name, metric),
    )


def head_of(name: str) -> str:
    """The JSON before the value of this name: `,"name":`."""
    return f",{msgspec.json.encode(name).decode()}:"


def text_of(column: Any) -> Any:
    """The column with empty texts for its nulls."""
    return column.fill_null("") if column.null_count else column


def read_distinct(
    column: Any, read: Callable[[str], Value | None], errors: Errors
) -> tuple[list[Value | None], Any]:
    """(values, for each row the position of its value among them), each text read once.

    Rows of which `read` raises InvalidRecord have None and an entry in `errors`.
    """
    encoded = text_of(column).dictionary_encode()
    values: list[Value | None] = []
    reasons: dict[int, str] = {}
    for code, text in enumerate(encoded.dictionary.to_pylist()):
        try:
            values.append(read(text))
        except InvalidRecord as error:
            values.append(None)
            reasons[code] = str(error)
    if reasons:
        for row, code in enumerate(encoded.indices.to_pylist()):
            if code in reasons:
                errors.setdefault(row, reasons[code])
    return values, encoded.indices


def plain_numbers(texts: Any, is_whole: Any, lowest: Any, highest: Any) -> Any:
    """Which texts are numbers in the range and can go into a message as they stand.

    The three others are scalars or arrays as long as `texts`. Null where there is no text.
    """
    matches = pc.match_substring_regex(texts, _WHOLE if is_whole is True else _DECIMAL)
    if not isinstance(is_whole, bool):
        whole = pc.match_substring_regex(texts, _WHOLE)
        matches = pc.if_else(is_whole, whole, matches)
    if pc.all(matches, min_count=0).as_py():
        numbers = texts.cast(pa.float64())
    else:
        numbers = pc.if_else(matches, texts, pa.scalar(None, pa.string())).cast(pa.float64())
    in_range = pc.and_(pc.greater_equal(numbers, lowest), pc.less_equal(numbers, highest))
    return in_range.fill_null(False)


def read_odd(
    texts: Any, plain: Any, read: Callable[[int, str], Number | None], errors: Errors
) -> Any:
    """The texts as JSON, null for a blank; `read` is called for each that is not plain."""
    odd = pc.and_not(texts.is_valid(), plain)
    if not pc.any(odd, min_count=0).as_py():
        return texts
    rows = pc.indices_nonzero(odd)
    read_texts: list[str | None] = []
    for row, text in zip(rows.to_pylist(), texts.take(rows).to_pylist(), strict=True):
        try:
            value = read(row, text)
        except InvalidRecord as error:
            errors.setdefault(row, str(error))
            value = None
        read_texts.append(None if value is None else msgspec.json.encode(value).decode())
    return pc.replace_with_mask(texts, odd, pa.array(read_texts, pa.string()))


def join(*parts: Any) -> Any:
    """The texts of each row put together, nulls left out."""
    # The empty part is one that is never null: pyarrow leaves out a row whose parts all are.
    return pc.binary_join_element_wise(*parts, "", "", null_handling="skip")
