"""A record: what one GPU reported at one instant, as a typed and validated value.

The same type is what sources produce, what one queue message carries (as JSON) and what is stored.
The JSON form is a public contract, described in apps/mq/README.md.
"""

import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from apps.telemetry.metrics import (
    BY_CSV_NAME,
    BY_DCGM_NAME,
    CELSIUS,
    MAX_CODE,
    MAX_COUNT,
    MHZ,
    MIB,
    PERCENT,
    WATTS,
    Kind,
)

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
CLOCK_SKEW = timedelta(hours=1)

# `_` is allowed in a hostname: the queue key is parsed from both ends.
Hostname = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9][A-Za-z0-9._-]*\Z", max_length=253)]
GpuUuid = Annotated[str, Meta(pattern=r"\A[A-Za-z0-9][A-Za-z0-9._-]*\Z", max_length=128)]
GpuIndex = Annotated[int, Meta(ge=0, le=32_767)]
Label = Annotated[str, Meta(max_length=1024)]
_Time = Annotated[datetime, Meta(tz=True)]

Percent = Annotated[float, Meta(ge=PERCENT[0], le=PERCENT[1])]
Celsius = Annotated[float, Meta(ge=CELSIUS[0], le=CELSIUS[1])]
Watts = Annotated[float, Meta(ge=WATTS[0], le=WATTS[1])]
Mebibytes = Annotated[float, Meta(ge=MIB[0], le=MIB[1])]
Megahertz = Annotated[float, Meta(ge=MHZ[0], le=MHZ[1])]
Count = Annotated[int, Meta(ge=0, le=MAX_COUNT)]
Code = Annotated[int, Meta(ge=0, le=MAX_CODE)]
Flag = Annotated[int, Meta(ge=0, le=1)]


class InvalidRecord(ValueError):
    """The input is not a valid record; the message names the field and says why."""


class Record(msgspec.Struct, omit_defaults=True, forbid_unknown_fields=True, gc=False):
    """One GPU at one instant; a metric that is `None` was not reported.

    `timestamp` is in UTC with microseconds. Units are those of the metric registry. `extra` holds
    every other field under its DCGM name.
    """

    timestamp: _Time
    gpu_id: GpuIndex
    hostname: Hostname
    uuid: GpuUuid
    device: Label = ""
    model_name: Label = ""
    gpu_utilization: Percent | None = None
    memory_utilization: Percent | None = None
    temperature: Celsius | None = None
    power_draw: Watts | None = None
    memory_used_mib: Mebibytes | None = None
    memory_free_mib: Mebibytes | None = None
    sm_clock_mhz: Megahertz | None = None
    memory_clock_mhz: Megahertz | None = None
    encoder_utilization: Percent | None = None
    decoder_utilization: Percent | None = None
    memory_temperature: Celsius | None = None
    energy_consumption_mj: Count | None = None
    xid_error: Code | None = None
    clock_event_reasons: Code | None = None
    pcie_replay_total: Count | None = None
    row_remap_correctable_total: Count | None = None
    row_remap_uncorrectable_total: Count | None = None
    row_remap_failed: Flag | None = None
    row_remap_pending: Flag | None = None
    ecc_sbe_volatile_total: Count | None = None
    ecc_dbe_volatile_total: Count | None = None
    ecc_sbe_aggregate_total: Count | None = None
    ecc_dbe_aggregate_total: Count | None = None
    driver_version: Label = ""
    pci_bus_id: Label = ""
    extra: dict[str, Any] | None = None


RECORD_FIELDS = frozenset(Record.__struct_fields__)

# Other spellings of the identity fields, compared in lower case.
IDENTITY_ALIASES = {
    "gpu": "gpu_id",
    "gpu_index": "gpu_id",
    "index": "gpu_id",
    "gpu_uuid": "uuid",
    "host": "hostname",
    "modelname": "model_name",
    "model": "model_name",
    "name": "model_name",
    "dcgm_fi_driver_version": "driver_version",
    "dcgm_fi_system_driver_version": "driver_version",
    "pci_busid": "pci_bus_id",
}

_encode = msgspec.json.Encoder().encode
# An unknown field makes this fail, so that the slow path can keep it in `extra`.
_decode_known = msgspec.json.Decoder(Record, strict=False).decode

# Far below what Python's json and PostgreSQL's jsonb cannot write any more.
DEEPEST = 64

# RecursionError: nested too deeply to be read.
_NOT_JSON = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)

_BLANK_INT32 = range(0x7FFFFFF0, 0x7FFFFFF4)
_BLANK_INT64 = range(0x7FFFFFFFFFFFFFF0, 0x7FFFFFFFFFFFFFF4)
_BLANK_DOUBLE = frozenset(140737488355328.0 + offset for offset in range(4))
_BLANK_TEXT = frozenset({"", "<<<NULL>>>", "N/A", "[N/A]", "null", "None"})


def encode(record: Record) -> bytes:
    """The JSON of one queue message; metrics that are `None` are left out."""
    return _encode(record)


def decode(value: bytes) -> Record:
    """Read one queue message.

    Numbers may be strings, fields may be missing or unknown (unknown ones go to `extra`).
    Raises InvalidRecord.
    """
    if b"\\u0000" in value:  # PostgreSQL stores no NUL, neither in text nor in jsonb
        raise InvalidRecord("a text holds a NUL character")
    record = _decode(value)
    if (
        record.extra is not None
        and value.count(b"[") + value.count(b"{") > DEEPEST  # cheaper than a look at every value
        and _is_deeper(record.extra, DEEPEST)
    ):
        raise InvalidRecord(f"a value is nested more than {DEEPEST} deep")
    return record


def _decode(value: bytes) -> Record:
    if b"<<<NULL>>>" in value or b"N/A" in value:  # a label may be blank
        return from_fields(_decode_object(value))
    try:
        return _in_utc(_decode_known(value))
    except msgspec.ValidationError:
        return from_fields(_decode_object(value))
    except _NOT_JSON as error:
        raise InvalidRecord(f"not JSON: {error}") from error


def origin_of(value: bytes) -> tuple[str, datetime | None]:
    """The UUID of the GPU and the time that a message is of, "" and None where it does not say."""
    try:
        fields = normalise(_decode_object(value))
    except InvalidRecord:
        return "", None
    return _taken(fields.get("uuid"), GpuUuid) or "", _taken(fields.get("timestamp"), _Time)


def _taken(value: Any, kind: Any) -> Any:
    """A value as its field takes it, None where it does not."""
    try:
        given = msgspec.convert(value, kind, strict=False)
        return given.astimezone(UTC) if isinstance(given, datetime) else given
    except (msgspec.ValidationError, OverflowError):
        return None


def from_fields(fields: Mapping[str, Any]) -> Record:
    """Make a record from named values, numbers or text, under any name the registry knows.

    DCGM's blank values become `None`, never 0. Raises InvalidRecord.
    """
    try:
        return _in_utc(msgspec.convert(normalise(fields), Record, strict=False))
    except msgspec.ValidationError as error:
        raise InvalidRecord(_explain(error, fields)) from error


def normalise(fields: Mapping[str, Any]) -> dict[str, Any]:
    """Rename every field to the record's names, drop blanks, move what is unknown to `extra`."""
    known: dict[str, Any] = {}
    extra = fields.get("extra") or {}
    if not isinstance(extra, Mapping):
        raise InvalidRecord(f"extra: expected an object, got {type(extra).__name__}")
    extra = dict(extra)
    for name, value in fields.items():
        if name == "extra":
            continue
        if "\0" in name or (isinstance(value, str) and "\0" in value):
            raise InvalidRecord(f"{name!r:.80} holds a NUL character")
        target = record_field(name)
        if is_blank(value, int32=target not in _WIDE_COUNTERS):
            continue
        if target is None:
            extra[name] = _number_if_finite(value)
        else:
            known[target] = value
    if extra:
        known["extra"] = extra
    return known


def record_field(name: str) -> str | None:
    """The record field that an input column or JSON field of this name means, or None."""
    if name in RECORD_FIELDS:
        return name
    if metric := BY_DCGM_NAME.get(name.upper()):
        return metric.name
    lower = name.lower()
    if lower in RECORD_FIELDS:
        return lower
    if metric := BY_CSV_NAME.get(lower):
        return metric.name
    return IDENTITY_ALIASES.get(lower)


def is_blank(value: Any, *, int32: bool = True) -> bool:
    """Whether this is one of DCGM's "no value" markers (`dcgm_fields.h`), as number or text.

    The int32 markers are possible values of a 64-bit counter, so for those pass `int32=False`.
    """
    if value is None:
        return True
    if isinstance(value, str):
        text = value.strip()
        if text in _BLANK_TEXT:
            return True
        # Every numeric marker has ten digits or more: do not parse what cannot be one.
        if len(text) < 10 or not text[:1].isdigit():
            return False
        try:
            value = float(text) if "." in text or "e" in text.lower() else int(text)
        except ValueError:
            return False
    if isinstance(value, bool) or not isinstance(value, int | float):
        return False
    return value in _BLANK_INT64 or value in _BLANK_DOUBLE or (int32 and value in _BLANK_INT32)


def check_time(timestamp: datetime, earliest: datetime, now: datetime) -> None:
    """Refuse a time before `earliest` or more than an hour ahead of `now`. Raises InvalidRecord."""
    if timestamp < earliest:
        raise InvalidRecord(
            f"timestamp {timestamp.isoformat()} is before {earliest.isoformat()} (SAMPLE_MIN_TIME)"
        )
    if timestamp > now + CLOCK_SKEW:
        raise InvalidRecord(
            f"timestamp {timestamp.isoformat()} is in the future, more than an hour ahead of this"
            " machine's clock; correct whichever is wrong"
        )


def microseconds(timestamp: datetime) -> int:
    """Microseconds since 1970-01-01 UTC, exact."""
    return (timestamp - EPOCH) // timedelta(microseconds=1)


def number_or_text(text: str) -> Any:
    """The value of an input that no metric knows: None if blank, else a finite number or text."""
    return None if is_blank(text) else _number_if_finite(text)


def _number_if_finite(value: Any) -> Any:
    """A text that is a finite number as that number; everything else as it is."""
    if not isinstance(value, str):
        return value
    try:
        number = float(value)
    except ValueError:
        return value
    if not math.isfinite(number):
        return value
    return int(number) if number.is_integer() and value.strip().lstrip("+-").isdigit() else number


_WIDE_COUNTERS = frozenset(
    metric.name for metric in BY_DCGM_NAME.values() if metric.kind is Kind.COUNTER
)


def _in_utc(record: Record) -> Record:
    """The record with its time in UTC: days are cut by it."""
    if record.timestamp.tzinfo is not UTC:
        try:
            record.timestamp = record.timestamp.astimezone(UTC)
        except OverflowError as error:
            raise InvalidRecord("timestamp: outside the years 1 to 9999") from error
    return record


def _is_deeper(value: Any, room: int) -> bool:
    """Whether it holds more than `room` objects and arrays in one another."""
    if not isinstance(value, dict | list):
        return False
    inner = value.values() if isinstance(value, dict) else value
    return not room or any(_is_deeper(one, room - 1) for one in inner)


def _decode_object(value: bytes) -> dict[str, Any]:
    try:
        fields = msgspec.json.decode(value)
    except _NOT_JSON as error:
        raise InvalidRecord(f"not JSON: {error}") from error
    if not isinstance(fields, dict):
        raise InvalidRecord(f"expected a JSON object, got {type(fields).__name__}")
    return fields


def _explain(error: msgspec.ValidationError, fields: Mapping[str, Any]) -> str:
    """msgspec's message with the field first and the offending value, shortened."""
    text, _, path = str(error).partition(" - at `$.")
    if "matching regex" in text:
        text = "holds letters, digits, '.', '_' and '-' only, the first a letter or digit"
    field = path.rstrip("`")
    for name, value in fields.items():
        if field and record_field(name) == field:
            if isinstance(value, float) and not math.isfinite(value):
                return f"{field}: {value} is not a finite number"
            return f"{field}: {text}, got {str(value)[:80]!r}"
    return f"{field}: {text}" if field else text
