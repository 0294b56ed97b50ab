"""Which resolution a window is answered with."""

from datetime import UTC, datetime, timedelta

import pytest

from apps.telemetry.queries import Extent, Resolution, resolution_for

START = datetime(2025, 7, 18, tzinfo=UTC)
MINUTES, HOURS, DAYS = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def extent(samples, span, gpus=1):
    return Extent(gpus, samples, START, START + span)


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (extent(100, 9 * HOURS), Resolution.RAW),
        (extent(400, 50 * MINUTES), Resolution.RAW),
        (extent(401, 50 * MINUTES), Resolution.MINUTE),
        (extent(401, 98 * MINUTES), Resolution.MINUTE),
        (extent(401, 399 * MINUTES), Resolution.MINUTE),
        (extent(401, 400 * MINUTES), Resolution.HOUR),
        (extent(401, 98 * MINUTES, gpus=5), Resolution.HOUR),
        (extent(401, 365 * DAYS), Resolution.HOUR),
        (Extent(1, 0, None, None), Resolution.RAW),
    ],
)
def test_a_hundred_points_are_never_more_than_four_hundred(found, expected):
    assert resolution_for(found, 100, 400) is expected


@pytest.mark.parametrize(
    ("samples", "span", "expected"),
    [
        (600, 10 * MINUTES, Resolution.RAW),
        (3600, HOURS, Resolution.RAW),
        (4001, 12 * HOURS, Resolution.MINUTE),
        (4001, DAYS, Resolution.MINUTE),
        (2880, 2 * DAYS, Resolution.RAW),
        (4001, 7 * DAYS, Resolution.HOUR),
        (4001, 30 * DAYS, Resolution.HOUR),
        (4001, 50 * DAYS, Resolution.HOUR),
    ],
)
def test_a_chart_of_a_thousand_points_has_them_wherever_it_can(samples, span, expected):
    assert resolution_for(extent(samples, span), 1000, 4000) is expected


def test_of_two_that_give_enough_the_coarser_is_taken():
    assert resolution_for(extent(380, 120 * MINUTES), 100, 400) is Resolution.MINUTE


def test_a_bound_at_the_number_itself_leaves_the_finest_within_it():
    assert resolution_for(extent(101, 50 * MINUTES), 100, 100) is Resolution.MINUTE
    assert resolution_for(extent(101, 100 * MINUTES), 100, 100) is Resolution.HOUR
