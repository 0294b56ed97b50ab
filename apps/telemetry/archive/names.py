"""Where a day lies in the archive. Pure.

`cluster=<slug>/date=<YYYY-MM-DD>/part-<n>.parquet`: what DuckDB, Spark and Trino read as a table
that is partitioned by cluster and date.
"""

import re
from datetime import date
from urllib.parse import quote

_PART = re.compile(r"part-\d+\.parquet")


def folder_of(cluster: str, day: date) -> str:
    """The folder of a cluster's day; what a path cannot hold is percent-encoded, as Hive does."""
    return f"cluster={quote(cluster, safe='')}/date={day:%Y-%m-%d}"


def part_of(folder: str, number: int) -> str:
    """The name of a folder's n-th file."""
    return f"{folder}/part-{number}.parquet"


def is_part(name: str) -> bool:
    """Whether a file of such a folder is one of ours."""
    return _PART.fullmatch(name) is not None
