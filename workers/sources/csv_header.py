"""The header of a CSV file: which layout it is and where each field stands."""

import csv
from collections.abc import Mapping
from dataclasses import dataclass

from apps.telemetry.records import record_field
from workers.sources.source import SourceError

IDENTITY = ("timestamp", "gpu_id", "hostname", "uuid")
DCGM_REQUIRED = (*IDENTITY, "metric_name", "value")
DCGM_OPTIONAL = ("container", "pod", "namespace", "labels_raw")


@dataclass(frozen=True, slots=True)
class Header:
    """`columns` maps a field's name to its position, `unknown` the names that mean nothing to us.

    `is_long` tells DCGM's layout, one row per metric, from the wide one.
    """

    width: int
    is_long: bool
    columns: Mapping[str, int]
    unknown: Mapping[str, int]


def read_header(name: str, line: str) -> Header:
    """Read the first line of the file `name`.

    Raises SourceError if it is neither layout or names a field twice.
    """
    names = [column.strip() for column in _fields(name, line)]
    long_names = {*DCGM_REQUIRED, *DCGM_OPTIONAL}
    if {"metric_name", "value"} <= {column.lower() for column in names}:
        columns, unknown = _place(name, names, long_names)
        is_long = True
    else:
        columns, unknown = _place(name, names, set())
        is_long = False
    missing = [field for field in DCGM_REQUIRED if field not in columns]
    if missing and (is_long or any(field not in columns for field in IDENTITY)):
        raise SourceError(_neither(name, missing))
    return Header(len(names), is_long, columns, unknown)


def _fields(name: str, line: str) -> list[str]:
    try:
        return next(csv.reader([line], strict=True), [])
    except csv.Error as error:
        raise SourceError(f"{name}: the first line is not CSV: {error}") from error


def _place(
    name: str, names: list[str], long_names: set[str]
) -> tuple[dict[str, int], dict[str, int]]:
    columns: dict[str, int] = {}
    unknown: dict[str, int] = {}
    for position, column in enumerate(names):
        lower = column.lower()
        field = lower if lower in long_names else record_field(column)
        target, key = (columns, field) if field and field != "extra" else (unknown, column)
        if not key:  # a comma at the end of every line makes a column without a name
            continue
        if key in target:
            raise SourceError(
                f"{name}: columns {target[key] + 1} and {position + 1} both mean {key};"
                " remove or rename one"
            )
        target[key] = position
    return columns, unknown


def _neither(name: str, missing_long: list[str]) -> str:
    missing_wide = [field for field in missing_long if field in IDENTITY]
    wide = f"for the wide layout it lacks {', '.join(missing_wide)}; " if missing_wide else ""
    return (
        f"{name}: the header is of neither layout: {wide}"
        f"for a DCGM export it lacks {', '.join(missing_long)}"
    )
