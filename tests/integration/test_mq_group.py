"""A group that shares named work: one does each piece, progress outlives everybody."""

import time
from collections.abc import Callable, Iterator

import pytest

from apps.mq import Group, QueueConfig

PATIENCE_S = 20.0
PIECES = [f"file-{number}" for number in range(200)]


@pytest.fixture
def start(queue_config: QueueConfig) -> Iterator[Callable[..., Group]]:
    started: list[Group] = []

    def start_one(name: str, instance: str) -> Group:
        started.append(Group(queue_config, "streamer", name, instance))
        started[-1].start()
        started[-1].wait_joined()
        return started[-1]

    yield start_one
    for one in started:
        one.close()


def shares(groups: list[Group]) -> list[set[str]]:
    return [{piece for piece in PIECES if one.is_mine(piece)} for one in groups]


def settled(groups: list[Group]) -> list[set[str]]:
    """Their shares, once each piece is exactly one's."""
    deadline = time.monotonic() + PATIENCE_S
    while sum(map(len, found := shares(groups))) != len(PIECES) or set().union(*found) != {*PIECES}:
        assert time.monotonic() < deadline
        time.sleep(0.05)
    return found


def test_each_piece_is_one_members_and_everybody_has_some(start):
    assert all(len(share) > 20 for share in settled([start("g", name) for name in "abc"]))


def test_pieces_of_a_member_that_leaves_go_to_the_others(start):
    one, two = start("g", "a"), start("g", "b")
    settled([one, two])
    two.close()
    assert settled([one]) == [set(PIECES)]


def test_groups_share_nothing_with_each_other(start):
    one, other = start("g", "a"), start("h", "b")
    assert shares([one, other]) == [set(PIECES), set(PIECES)]
    one.set_offset("file-1", 5)
    assert other.offsets() == {}


def test_offsets_outlive_the_member_that_set_them(start):
    one = start("g", "a")
    one.set_offset("file-1", 5)
    one.set_offset("file-1", 7)
    one.close()
    assert start("g", "b").offsets() == {"file-1": 7}


def test_a_group_with_a_name_that_is_no_key_is_refused(queue_config):
    with pytest.raises(ValueError, match="letters"):
        Group(queue_config, "streamer", "a/b", "x")
