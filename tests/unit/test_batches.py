"""Batches are bounded by their number of records and by their size."""

from datetime import UTC, datetime

import pytest

from workers.sources.draft import Draft
from workers.streamer.batches import full_batches

AT = datetime(2026, 1, 5, tzinfo=UTC)


def drafts(*sizes):
    return [Draft(AT, "h", str(at), b"x" * size) for at, size in enumerate(sizes)]


def sizes(batch):
    return [len(draft.body) for draft in batch]


@pytest.mark.parametrize(
    ("given", "batches", "rest"),
    [
        ([], [], []),
        ([1, 1], [], [1, 1]),
        ([1, 1, 1], [[1, 1, 1]], []),
        ([1, 1, 1, 1, 1, 1, 1], [[1, 1, 1], [1, 1, 1]], [1]),
        ([5, 5], [], [5, 5]),
        ([5, 5, 1], [[5, 5]], [1]),
        ([11, 11, 1], [[11], [11]], [1]),
        ([11], [], [11]),
        ([1, 11, 1, 1, 1], [[1], [11], [1, 1, 1]], []),
    ],
)
def test_no_batch_has_more_records_or_bytes_than_it_may(given, batches, rest):
    found, left = full_batches(drafts(*given), count=3, size_bytes=10)
    assert ([sizes(batch) for batch in found], sizes(left)) == (batches, rest)
