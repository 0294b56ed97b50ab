"""Which resolution a window is answered with."""

from datetime import UTC, datetime, timedelta

import pytest

from apps.telemetry.queries import Extent, Resolution, finest

START = datetime(2025, 7, 18, tzinfo=UTC)


def extent(samples, span, gpus=1):
    return Extent(gpus, samples, START, START + span)


@pytest.mark.parametrize(
    ("found", "points", "expected"),
    [
        (extent(100, timedelta(hours=9)), 100, Resolution.RAW),
        (extent(101, timedelta(minutes=50)), 100, Resolution.MINUTE),
        (extent(5000, timedelta(minutes=98)), 100, Resolution.MINUTE),
        (extent(5000, timedelta(minutes=99)), 100, Resolution.HOUR),
        (extent(5000, timedelta(minutes=50), gpus=3), 100, Resolution.HOUR),
        (extent(5000, timedelta(days=365)), 100, Resolution.HOUR),
        (Extent(1, 0, None, None), 100, Resolution.RAW),
    ],
)
def test_auto_is_the_finest_that_gives_no_more_points_than_asked(found, points, expected):
    assert finest(found, points) is expected
