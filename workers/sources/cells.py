"""Text of a cell to a validated value.

The types are those of Record itself, so a value that passes here is valid in a record. Numbers
follow the grammar of JSON, as in messages: `1e3` is one, `nan`, `1_000` and `0x10` are not.
"""

import typing
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, get_type_hints

import msgspec

from apps.telemetry.metrics import METRIC_NAMES, Kind, Metric
from apps.telemetry.records import EPOCH, InvalidRecord, Record, from_fields, is_blank

Number = int | float
NumberReader = Callable[[str], Number | None]
TimeCheck = Callable[[datetime], None]

# No marker for "no value" is below these; the first is of int32, which counters do not have.
SMALLEST_BLANK = 0x7FFFFFF0
SMALLEST_COUNTER_BLANK = 140737488355328
CACHED_TIMES = 10_000
USUAL_TIME_LENGTH = 40  # with any amount of white space around it a time is a time

_TYPES = get_type_hints(Record, include_extras=True)


def number_reader(name: str, metric: Metric | None) -> NumberReader:
    """A function from text to the value of this metric.

    It returns None for DCGM's blanks and raises InvalidRecord, with `name`, for anything that is
    no number in the metric's range. Without a metric any finite number is in range.
    """
    number_type: Any = Number
    if metric:
        number_type, _none = typing.get_args(_TYPES[metric.name])
    decode = msgspec.json.Decoder(number_type, strict=False).decode  # 1e3 is a count too
    int32 = metric is None or metric.kind is not Kind.COUNTER
    smallest_blank = SMALLEST_BLANK if int32 else SMALLEST_COUNTER_BLANK

    def read(text: str) -> Number | None:
        try:
            value: Number = decode(text)
        except msgspec.DecodeError as error:
            if is_blank(text, int32=int32):
                return None
            raise _not_a_number(name, text, error) from error
        if value >= smallest_blank and is_blank(value, int32=int32):
            return None
        return value

    return read


def _not_a_number(name: str, text: str, error: Exception) -> InvalidRecord:
    if isinstance(error, msgspec.ValidationError):
        return InvalidRecord(f"{name}: {error}, got {text[:80]!r}")
    return InvalidRecord(f"{name}: {text[:80]!r} is not a number")


def identity(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The validated fields of a record that say which GPU it is about, blanks left out.

    Raises InvalidRecord.
    """
    texts = {
        name: value.strip() if isinstance(value, str) else value for name, value in fields.items()
    }
    for name in ("uuid", "hostname", "gpu_id"):
        if is_blank(texts.get(name)):
            raise InvalidRecord(f"{name} is empty")
    record = from_fields({**texts, "timestamp": EPOCH})
    return {
        name: value
        for name, value in msgspec.structs.asdict(record).items()
        if name != "timestamp" and name not in METRIC_NAMES and value not in (None, "")
    }


class TimeReader:
    """Text to a time in UTC, each distinct text parsed once.

    `check` raises InvalidRecord for a time that is not wanted.
    """

    def __init__(self, check: TimeCheck) -> None:
        self._check = check
        self._seen: dict[str, datetime] = {}

    def __call__(self, text: str) -> datetime:
        """The time. Raises InvalidRecord."""
        if (timestamp := self._seen.get(text)) is None:
            timestamp = _parse_time(text.strip())
            self._check(timestamp)
            if len(self._seen) >= CACHED_TIMES:
                self._seen.clear()
            if len(text) <= USUAL_TIME_LENGTH:
                self._seen[text] = timestamp
        return timestamp


def _parse_time(text: str) -> datetime:
    try:
        timestamp: datetime = msgspec.convert(text, _TYPES["timestamp"], strict=False)
        return timestamp.astimezone(UTC)
    except (msgspec.ValidationError, OverflowError) as error:
        raise InvalidRecord(f"timestamp: {error}, got {text[:80]!r}") from error
