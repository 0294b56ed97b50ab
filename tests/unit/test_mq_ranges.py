"""Key ranges with others taken out, and spans of foreign messages while they are in hand."""

from apps.mq.keys import Keys, after
from apps.mq.ranges import batches_from, ranges_without, spans_of
from apps.mq.spans import Spans

KEYS = Keys("lab")
STAMPS = [1_700_000_000_000_000_000 + number for number in range(10)]


def test_what_is_left_of_a_range_is_exactly_what_is_in_no_hole():
    assert ranges_without(b"a", b"z", []) == [(b"a", b"z")]
    holes = [(b"b", b"d"), (b"c", b"c2"), (b"d", b"e"), (b"g", b"h"), (b"zz", b"zzz")]
    assert ranges_without(b"a", b"z", holes) == [(b"a", b"b"), (b"e", b"g"), (b"h", b"z")]
    assert ranges_without(b"c", b"g2", holes) == [(b"e", b"g")]
    assert ranges_without(b"a", after(b"a"), [(b"a", after(b"a"))]) == []


def test_batches_are_found_from_any_key_on_and_the_next_one_is_named():
    first = KEYS.message_prefix(STAMPS[0]), KEYS.message_end(STAMPS[0])
    third = KEYS.message_prefix(STAMPS[2]), KEYS.message_end(STAMPS[2])
    assert batches_from(KEYS, [], KEYS.queue, 5) == ([], None)
    assert batches_from(KEYS, STAMPS[:1], KEYS.queue, 5) == ([first], None)
    assert batches_from(KEYS, STAMPS, KEYS.queue, 1) == ([first], KEYS.message_prefix(STAMPS[1]))
    ranges, behind = batches_from(KEYS, STAMPS, KEYS.message_end(STAMPS[1]), 1)
    assert (ranges, behind) == ([third], KEYS.message_prefix(STAMPS[3]))


def test_foreign_spans_end_at_a_key_that_is_not_foreign():
    found = [(b"a", True), (b"b", True), (b"c", False), (b"d", True)]
    assert spans_of(found) == [(b"a", after(b"b")), (b"d", after(b"d"))]


def test_a_span_is_in_hand_until_it_is_released_or_for_too_long():
    key = KEYS.message_prefix(STAMPS[0]) + b"h_0_0"
    spans = Spans(KEYS, grace_s=10.0)
    spans.add([(key, after(key)), (b"other", b"others")])
    assert spans.in_hand(now=0.0) == []
    assert spans.take(1, now=0.0) == [(key, after(key))]
    assert len(spans) == 1
    assert spans.in_hand(now=10.0) == [(key, after(key))]
    spans.release([STAMPS[0]])
    assert spans.in_hand(now=10.0) == []
    assert spans.take(5, now=0.0) == [(b"other", b"others")]
    assert spans.in_hand(now=11.0) == []
