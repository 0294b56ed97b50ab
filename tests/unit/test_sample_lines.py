"""A page is cut from the lines of one sample more than it has."""

from datetime import UTC, datetime

import pytest

from apps.telemetry.queries.sample_lines import NO_LINES, SEPARATOR, SampleLines, cut


def line(second, rest=""):
    return f'{{"timestamp":"2025-07-18T20:42:{second:02}.000000Z"{rest}}}'


def lines(*seconds):
    return SEPARATOR.join(line(second) for second in seconds)


def at(second):
    return datetime(2025, 7, 18, 20, 42, second, tzinfo=UTC)


@pytest.mark.parametrize("backwards", [False, True])
def test_a_page_that_is_not_full_is_left_whole(backwards):
    assert cut(lines(1, 2), 2, 2, backwards=backwards) == SampleLines(
        lines(1, 2), more=False, first=at(1), last=at(2)
    )


def test_one_sample_more_is_cut_off_where_reading_ended():
    text = lines(1, 2, 3)
    assert cut(text, 3, 2, backwards=False) == SampleLines(lines(1, 2), True, at(1), at(2))
    assert cut(text, 3, 2, backwards=True) == SampleLines(lines(2, 3), True, at(2), at(3))


def test_a_page_of_one_begins_and_ends_with_it():
    assert cut(lines(1, 2), 2, 1, backwards=False) == SampleLines(lines(1), True, at(1), at(1))
    assert cut(lines(1, 2), 2, 1, backwards=True) == SampleLines(lines(2), True, at(2), at(2))


def test_no_samples_have_no_times():
    assert cut("", 0, 100, backwards=False) == NO_LINES


def test_what_a_sample_holds_is_not_taken_for_the_end_of_one():
    hostile = line(1, r',"extra":{"a": "},\n{\"timestamp\":\"", "timestamp": "x"}')
    assert cut(SEPARATOR.join([hostile, line(2)]), 2, 1, backwards=False).text == hostile
