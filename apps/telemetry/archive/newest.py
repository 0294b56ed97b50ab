"""The newest sample of each of many GPUs, out of days that are sorted by GPU and time."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from apps.telemetry.archive.finding import Wanted
from apps.telemetry.archive.reading import archived_tables, as_samples


def newest_samples(days: Sequence[date], wanted: Wanted) -> dict[str, dict[str, Any]]:
    """By UUID, `timestamp` and the columns that are not null, as JSON's values.

    Memory holds a row group and a sample of each GPU. Raises ArchiveFailed.
    """
    newest: dict[str, dict[str, Any]] = {}
    for table in archived_tables(days, wanted):
        for sample in as_samples(_last_of_each(table)):
            known = newest.get(sample["uuid"])
            if known is None or known["timestamp"] <= sample["timestamp"]:
                newest[sample["uuid"]] = sample
    return newest


def _last_of_each(table: pa.Table) -> pa.Table:
    """The last row of each GPU: the rows of one come together."""
    uuids = table["uuid"].combine_chunks()
    if not len(uuids):
        return table
    another = pc.not_equal(uuids[:-1], uuids[1:])
    return table.filter(pa.concat_arrays([another, pa.array([True])]))
