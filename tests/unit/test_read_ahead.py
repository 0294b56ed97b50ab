"""What is read ahead is the same, in the same order, and stops where its reader stops."""

import threading
from collections.abc import Iterator

import pytest

from workers.sources.read_ahead import read_ahead


def test_all_items_come_in_their_order() -> None:
    assert list(read_ahead(iter(range(1, 1000)))) == list(range(1, 1000))


def test_the_next_item_is_made_while_one_is_used() -> None:
    made = threading.Event()

    def items() -> Iterator[int]:
        yield 1
        made.set()
        yield 2

    ahead = read_ahead(items())
    assert next(ahead) == 1
    assert made.wait(30)
    assert list(ahead) == [2]


def test_what_is_raised_comes_after_the_items_before_it() -> None:
    def items() -> Iterator[int]:
        yield 1
        raise OSError("the disk is gone")

    ahead = read_ahead(items())
    assert next(ahead) == 1
    with pytest.raises(OSError, match="the disk is gone"):
        next(ahead)


def test_whoever_closes_it_may_use_the_source_at_once() -> None:
    def items() -> Iterator[int]:
        yield from iter(source.pop, None)

    source = list(range(1, 100))
    ahead = read_ahead(items())
    next(ahead)
    ahead.close()  # type: ignore[attr-defined] # a generator
    assert len(source) in (97, 98)
    assert not [one for one in threading.enumerate() if one.name.startswith("read-ahead")]
