"""Which minutes of which GPUs a batch touches."""

from datetime import UTC, datetime, timedelta

import pytest

from apps.telemetry.rollups.marks import multirange, touched_minutes

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def row(gpu_id, second):
    return (gpu_id, NOON + timedelta(seconds=second), "metrics")


@pytest.mark.parametrize(
    ("numbers", "text"),
    [
        ([], "{}"),
        ([7], "{[7,8)}"),
        ([3, 1, 2, 2], "{[1,4)}"),
        ([9, 1, 2, 4], "{[1,3),[4,5),[9,10)}"),
    ],
)
def test_neighbours_are_one_range(numbers, text):
    assert multirange(numbers) == text


def test_a_batch_of_one_minute_touches_its_gpus_there():
    assert touched_minutes([row(1, 0), row(2, 59.999), row(5, 3)]) == {NOON: "{[1,3),[5,6)}"}


def test_each_minute_has_the_gpus_that_have_rows_in_it():
    rows = [row(1, 0), row(1, 60), row(2, 61), row(3, -0.000001)]
    minute = timedelta(minutes=1)
    assert touched_minutes(rows) == {
        NOON: "{[1,2)}",
        NOON + minute: "{[1,3)}",
        NOON - minute: "{[3,4)}",
    }
