"""Batches of the queue become records, and what is none is set aside."""

from datetime import UTC, datetime, timedelta

from apps.mq import Batch, Received
from workers.collector.decoding import decode_batches

NOW = datetime(2026, 1, 1, tzinfo=UTC)
EARLIEST = datetime(2015, 1, 1, tzinfo=UTC)
GOOD = b'{"timestamp":"2025-07-18T20:42:34Z","gpu_id":0,"hostname":"h","uuid":"GPU-1"}'


def decoded(*values: bytes):
    messages = [Received(b"key-%d" % number, value) for number, value in enumerate(values)]
    return decode_batches([Batch(1, [], messages=messages)], EARLIEST, NOW)


def test_a_bad_message_is_set_aside_with_its_key_bytes_and_reason_and_the_others_stay():
    result = decoded(GOOD, b"not json", GOOD)
    assert [message.key for message in result.messages] == [b"key-0", b"key-2"]
    assert len(result.records) == 2
    (letter,) = result.unstorable
    assert (letter.key, letter.value) == (b"key-1", b"not json")
    assert "not JSON" in letter.reason


def test_a_time_outside_the_allowed_range_is_set_aside():
    early = GOOD.replace(b"2025", b"1970")
    late = GOOD.replace(b"2025-07-18T20:42:34Z", (NOW + timedelta(hours=2)).isoformat().encode())
    result = decoded(early, late)
    assert not result.records
    assert ["before" in result.unstorable[0].reason, "future" in result.unstorable[1].reason] == [
        True,
        True,
    ]


def test_a_batch_without_messages_gives_nothing():
    result = decoded()
    assert (result.records, result.messages, result.unstorable) == ([], [], [])
