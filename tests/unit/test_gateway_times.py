"""The forms of time that callers may write."""

from datetime import UTC, datetime

import pytest

from apps.gateway.times import EndTime, StartTime, format_time, parse_time

NOW = datetime(2025, 7, 18, 12, 0, tzinfo=UTC)
EXPORT = datetime(2025, 7, 18, 20, 42, 34, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-07-18T20:42:34Z", EXPORT),
        ("2025-07-18t20:42:34z", EXPORT),
        ("2025-07-18T22:42:34+02:00", EXPORT),
        ("2025-07-18T22:42:34 02:00", EXPORT),  # an unescaped + in a URL
        ("2025-07-18T18:42:34-02:00", EXPORT),
        ("2025-07-18T20:42:34.123456789Z", EXPORT.replace(microsecond=123456)),
        ("2025-07-18", datetime(2025, 7, 18, tzinfo=UTC)),
        ("1752871354", EXPORT),
        ("1752871354.25", EXPORT.replace(microsecond=250000)),
        ("now", NOW),
        ("now-90s", datetime(2025, 7, 18, 11, 58, 30, tzinfo=UTC)),
        ("now-2d", datetime(2025, 7, 16, 12, 0, tzinfo=UTC)),
    ],
)
def test_every_documented_form_is_read(text, expected):
    assert parse_time(text, NOW) == expected


def test_a_date_as_an_end_includes_the_whole_day():
    end = parse_time("2025-07-18", NOW, is_end=True)
    assert end == datetime(2025, 7, 18, 23, 59, 59, 999999, tzinfo=UTC)


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2025-07-18T20:42:34", "20:42", "now+5m", "now-5", "2025-13-01", "1e9",
     "2025-07-18T25:00:00Z", "٢٠٢٥-07-18", "NaN"],
)  # fmt: skip
def test_anything_else_is_refused(text):
    with pytest.raises(ValueError, match=r"."):
        parse_time(text, NOW)


def test_a_time_without_zone_is_told_how_to_write_one():
    with pytest.raises(ValueError, match="2025-07-18T20:42:34Z"):
        parse_time("2025-07-18T20:42:34", NOW)


def test_milliseconds_are_told_that_unix_times_are_seconds():
    with pytest.raises(ValueError, match="in seconds"):
        parse_time("1752871354000", NOW)


@pytest.mark.parametrize("text", ["now-999999999w", "0001-01-01T00:00:00+05:00"])
def test_a_time_that_no_calendar_has_is_refused(text):
    with pytest.raises(ValueError, match="outside"):
        parse_time(text, NOW)


def test_a_relative_time_becomes_absolute_in_links_and_others_stay_as_written():
    assert StartTime("now-5m").absolute.endswith("Z")
    assert EndTime("2025-07-18").absolute == "2025-07-18"


def test_times_are_written_in_utc_so_that_they_sort_as_text():
    assert format_time(EXPORT) == "2025-07-18T20:42:34.000000Z"
    assert format_time(EXPORT.replace(microsecond=5)) == "2025-07-18T20:42:34.000005Z"
