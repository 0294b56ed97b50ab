"""Dead letters on paper: how they are shown, and what of their key goes into a new one."""

import pytest

from apps.mq import Message
from apps.mq.keys import Keys
from apps.telemetry.dead_letters import readable
from apps.telemetry.models import DeadLetter
from workers.dead_letters import NO_ORIGIN, message_of

STAMP = 1_700_000_000_000_000_000


@pytest.mark.parametrize(
    ("data", "shown"),
    [
        (b'{"gpu_id": 0}\n', '{"gpu_id": 0}\n'),
        ("Größe 温度".encode(), "Größe 温度"),
        (b"\xff\xfe\0", "\\xff\\xfe\\x00"),
        (b"\x1b[2J\r\x9b\x7f", "\\x1b[2J\\x0d\\x9b\\x7f"),
        ("\u202e".encode(), "\\u202e"),
    ],
)
def test_bytes_are_shown_so_that_they_do_nothing_to_a_terminal(data, shown):
    assert readable(data) == shown


def test_a_letter_is_published_under_the_names_in_its_old_key():
    letter = DeadLetter(cluster="c", key=f"/telemetry/queue/c/{STAMP}_my_host_3_77", value=b"{")
    assert message_of(letter) == Message("my_host", "3", b"{")


@pytest.mark.parametrize(
    "key",
    [
        "", "notes", f"/telemetry/queue/other/{STAMP}_h_0_0",
        f"/telemetry/queue/c/{STAMP}_{'h' * 999}_0_0",
    ],
    ids=["empty", "short", "another cluster", "long hostname"],
)  # fmt: skip
def test_a_letter_with_a_key_that_says_nothing_useful_is_published_all_the_same(key):
    letter = DeadLetter(cluster="c", key=key, value=b"{")
    assert message_of(letter) == Message(*NO_ORIGIN, b"{")


def test_the_origin_in_a_key_is_read_from_both_ends():
    keys = Keys("c")
    assert keys.message_origin(keys.message_prefix(STAMP) + b"a_b_c_0_1") == ("a_b_c", "0")
    assert keys.message_origin(keys.queue + b"notes") is None
