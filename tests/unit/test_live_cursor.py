"""Cursors of live clients, and what was read since one."""

import pytest

from apps.gateway.live.cursor import Cursor
from apps.gateway.live.picture import KEPT_ROWS, KEPT_S, Picture
from apps.telemetry.queries.changes import Change


def row(uuid, changed_in, cluster="default"):
    return Change(uuid, cluster, "host-1", changed_in, f'{{"uuid":"{uuid}"}}')


def at(text):
    return Cursor.read(text)


def since(picture, cursor):
    changes = picture.since(cursor)
    assert changes is not None
    return changes


@pytest.mark.parametrize(
    "text", ["", "1:2", "a:b:c", "1:2:3,", "1:2:,3", "-1:2:", "1:2:3\n", "9" * 30 + ":1:"]
)
def test_a_text_that_is_no_cursor_is_refused(text):
    with pytest.raises(ValueError, match="no cursor"):
        at(text)


def test_a_cursor_sees_what_was_committed_and_not_what_was_still_running():
    cursor = at("10:20:12,15")
    assert [number for number in range(9, 22) if not cursor.sees(number)] == [12, 15, 20, 21]


def test_a_cursor_covers_another_only_if_it_sees_all_that_the_other_sees():
    assert at("20:20:").covers(at("10:20:12"))
    assert at("10:20:12").covers(at("10:20:12"))
    assert at("12:21:12").covers(at("10:12:"))
    assert not at("10:20:12").covers(at("20:20:"))
    assert not at("20:20:").covers(at("20:21:20"))


def test_a_transaction_that_commits_late_is_found_after_a_newer_one():
    picture = Picture()
    picture.begin([], at("5:5:"))
    picture.add([row("b", 6)], at("5:7:5"), 0.0)  # 5 began before 6 and still runs
    seen = picture.cursor
    picture.add([row("a", 5)], at("7:7:"), 0.1)
    assert [one.uuid for one in since(picture, seen)] == ["a"]


def test_every_change_since_a_cursor_is_kept_in_order_also_of_one_gpu():
    picture = Picture()
    picture.begin([row("a", 1)], at("2:2:"))
    start = picture.cursor
    for number in (2, 3, 4):
        picture.add([row("a", number)], at(f"{number + 1}:{number + 1}:"), number / 10)
    assert [one.changed_in for one in since(picture, start)] == [2, 3, 4]
    assert [one.changed_in for one in since(picture, at("3:3:"))] == [3, 4]
    assert picture.since(picture.cursor) == []


def test_a_cursor_between_two_reads_of_this_process_gets_what_it_has_not_seen():
    """Another worker has read at another moment."""
    picture = Picture()
    picture.begin([], at("2:2:"))
    picture.add([row("a", 2), row("b", 3)], at("4:4:"), 0.0)
    assert [one.uuid for one in since(picture, at("3:3:"))] == ["b"]


def test_nothing_can_be_said_about_what_was_before_the_first_read_or_comes_from_elsewhere():
    picture = Picture()
    assert picture.since(at("1:1:")) is None
    picture.begin([], at("5:5:"))
    assert picture.since(at("4:4:")) is None
    assert picture.since(at("900:900:")) is None
    assert picture.since(at("5:5:")) == []


def test_changes_are_kept_for_a_minute_and_never_more_than_so_many():
    picture = Picture()
    picture.begin([], at("2:2:"))
    start = picture.cursor
    picture.add([row("a", 2)], at("3:3:"), 0.0)
    picture.add([row("b", 3)], at("4:4:"), KEPT_S + 1)
    assert picture.since(start) is None
    assert [one.uuid for one in since(picture, at("3:3:"))] == ["b"]
    many = [row(f"GPU-{number}", 4) for number in range(KEPT_ROWS + 1)]
    picture.add(many, at("5:5:"), KEPT_S + 2)
    assert picture.since(at("4:4:")) is None
    assert picture.since(at("5:5:")) == []


def test_a_read_of_everything_leaves_out_gpus_that_are_gone_and_tells_what_is_new():
    picture = Picture()
    picture.begin([row("gone", 1), row("same", 1)], at("2:2:"))
    new = picture.replace([row("same", 1), row("new", 2), row("restored", 999)], at("3:3:"), 0.0)
    assert [one.uuid for one in new] == ["new"]
    assert set(picture.newest) == {"same", "new", "restored"}
