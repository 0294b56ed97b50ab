"""The header of a CSV file: which layout it is and where each field stands."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass

from apps.telemetry.metrics import BY_NAME
from apps.telemetry.records import record_field

IDENTITY = ("timestamp", "gpu_id", "hostname", "uuid")
DCGM_REQUIRED = (*IDENTITY, "metric_name", "value")
DCGM_OPTIONAL = ("container", "pod", "namespace", "labels_raw")

UTF8_BOM = b"\xef\xbb\xbf"
UTF16_BOMS = (b"\xff\xfe", b"\xfe\xff")
MAX_HEADER_BYTES = 64 * 1024


class HeaderError(ValueError):
    """The beginning of a file is not that of a CSV file in either layout; says why."""


@dataclass(frozen=True, slots=True)
class Header:
    """`columns` maps a field's name to its position, `unknown` the names that mean nothing to us.

    `is_long` tells DCGM's layout, one row per metric, from the wide one.
    """

    width: int
    is_long: bool
    columns: Mapping[str, int]
    unknown: Mapping[str, int]

    @property
    def metrics(self) -> dict[str, int]:
        """Where the metrics of the registry are, in the wide layout."""
        return {name: at for name, at in self.columns.items() if name in BY_NAME}

    @property
    def identity(self) -> dict[str, int]:
        """Where the fields that describe the GPU are, in the wide layout."""
        others = {"timestamp", *self.metrics}
        return {name: at for name, at in self.columns.items() if name not in others}


def split_start(start: bytes) -> tuple[str, bytes]:
    """The first line of a file's beginning, without a byte order mark, and what follows it.

    Raises HeaderError.
    """
    if not start:
        raise HeaderError("is empty")
    if start.startswith(UTF16_BOMS):
        raise HeaderError("is UTF-16 text; save it as UTF-8")
    line, _, rest = start.removeprefix(UTF8_BOM).partition(b"\n")
    try:
        text = line.decode()
    except UnicodeDecodeError:
        text = "\0"
    if "\0" in text or len(line) > MAX_HEADER_BYTES:
        raise HeaderError("is not a CSV file but binary data")
    return text, rest


def parse_header(line: str) -> Header:
    """What the first line says. Raises HeaderError: neither layout, or a field named twice."""
    names = [column.strip() for column in _fields(line)]
    is_long = {"metric_name", "value"} <= {column.lower() for column in names}
    columns, unknown = _place(names, {*DCGM_REQUIRED, *DCGM_OPTIONAL} if is_long else set())
    missing = [field for field in DCGM_REQUIRED if field not in columns]
    if missing and (is_long or any(field not in columns for field in IDENTITY)):
        raise HeaderError(_neither(missing))
    return Header(len(names), is_long, columns, unknown)


def _fields(line: str) -> list[str]:
    try:
        return next(csv.reader([line], strict=True), [])
    except csv.Error as error:
        raise HeaderError(f"the first line is not CSV: {error}") from error


def _place(names: list[str], long_names: set[str]) -> tuple[dict[str, int], dict[str, int]]:
    columns: dict[str, int] = {}
    unknown: dict[str, int] = {}
    for position, column in enumerate(names):
        lower = column.lower()
        field = lower if lower in long_names else record_field(column)
        target, key = (columns, field) if field and field != "extra" else (unknown, column)
        if not key:  # a comma at the end of every line makes a column without a name
            continue
        if key in target:
            raise HeaderError(
                f"columns {target[key] + 1} and {position + 1} both mean {key};"
                " remove or rename one"
            )
        target[key] = position
    return columns, unknown


def _neither(missing_long: list[str]) -> str:
    missing_wide = [field for field in missing_long if field in IDENTITY]
    wide = f"for the wide layout it lacks {', '.join(missing_wide)}; " if missing_wide else ""
    return (
        f"the header is of neither layout: {wide}"
        f"for a DCGM export it lacks {', '.join(missing_long)}"
    )
