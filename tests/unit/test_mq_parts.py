"""The pure parts of the queue: keys, back-pressure, groups, ownership, the book."""

from collections import Counter

import pytest

from apps.mq import Message, MessageTooLarge
from apps.mq.backpressure import Fill, fullness
from apps.mq.book import Book
from apps.mq.keys import Keys
from apps.mq.ownership import owner
from apps.mq.publisher import MAX_MESSAGE_BYTES, _groups

KEYS = Keys("lab")
TEN = [f"collector-{number}" for number in range(10)]
STAMPS = [1_700_000_000_000_000_000 + number for number in range(5000)]


@pytest.mark.parametrize(
    ("tail", "stamp"),
    [
        (b"1700000000000000000_host_0_12", 1_700_000_000_000_000_000),
        (b"1700000000000000000_ho_st_name_0_12", 1_700_000_000_000_000_000),
        (b"1700000000000000000_host_0", None),
        (b"17000000000_host_0_1", None),
        (b"1700000000000000000_ho/st_0_1", None),
        (b"notes", None),
    ],
)
def test_a_message_key_is_read_from_both_ends(tail, stamp):
    assert KEYS.message_timestamp(KEYS.queue + tail) == stamp


def test_the_range_of_a_batch_holds_its_messages_and_no_others():
    start, end = KEYS.message_prefix(STAMPS[0]), KEYS.message_end(STAMPS[0])
    assert start < start + b"host_0_0" < end
    assert not start < KEYS.message_prefix(STAMPS[1]) < end


@pytest.mark.parametrize(
    ("depth", "used", "expected"),
    [(0, 0, 0.0), (500, 0, 0.0), (750, 0, 0.5), (1000, 0, 1.0), (0, 60, 0.5), (0, 99, 1.0)],
)
def test_publishers_slow_down_from_half_and_stop_when_full(depth, used, expected):
    assert fullness(Fill(depth, used), max_depth=1000, quota_bytes=100) == pytest.approx(expected)


def test_groups_keep_order_and_stay_within_number_and_size():
    messages = [Message("h", "0", bytes(size)) for size in (600_000, 600_000, 10, 10, 10)]
    groups = list(_groups(messages, 3))
    assert [len(group) for group in groups] == [1, 2, 2]
    assert [message for group in groups for message in group] == messages
    with pytest.raises(MessageTooLarge):
        list(_groups([Message("h", "0", bytes(MAX_MESSAGE_BYTES + 1))], 3))


def test_ten_members_get_even_shares_and_one_that_leaves_moves_only_its_own():
    shares = Counter(owner(stamp, TEN) for stamp in STAMPS)
    assert all(400 <= shares[member] <= 600 for member in TEN)
    for stamp in STAMPS:
        before, now = owner(stamp, TEN), owner(stamp, TEN[1:])
        assert now == before or before == TEN[0]


def of(member: str, count: int = 1) -> list[int]:
    return [stamp for stamp in STAMPS if owner(stamp, ["me", "other"]) == member][:count]


def book() -> Book:
    book = Book("me", grace_s=10.0)
    book.set_members({"other"}, now=0.0)
    return book


def test_a_member_takes_its_own_oldest_first_and_each_once():
    mine = of("me", 3)
    waiting = book()
    waiting.add([*reversed(mine), *of("other", 3)], now=1.0)
    assert waiting.take(2) == mine[:2]
    assert waiting.take(5) == mine[2:]
    waiting.release(mine[:1])
    assert waiting.take(5) == mine[:1]


def test_the_batches_of_a_member_that_is_gone_are_taken_over():
    waiting = book()
    waiting.add(of("other", 3), now=1.0)
    assert waiting.take(5) == []
    waiting.set_members(set(), now=2.0)
    assert waiting.take(5) == of("other", 3)


def test_a_member_without_progress_loses_its_batches_after_the_grace_period():
    theirs = of("other", 3)
    waiting = book()
    waiting.add(theirs, now=1.0)
    waiting.remove(theirs[0], now=8.0)
    assert waiting.adopt_abandoned(now=17.0) == 0
    assert waiting.adopt_abandoned(now=18.5) == 2
    assert waiting.take(5) == theirs[1:]


def test_a_read_forgets_what_it_did_not_show_but_nothing_newer_or_in_hand():
    first, second, third = of("me", 3)
    waiting = book()
    waiting.add([first, second], now=1.0)
    assert waiting.take(1) == [first]
    waiting.add([third], now=5.0)
    waiting.forget_missing(set(), last=third, read_at=4.0)
    assert waiting.known() == [first, third]
