"""Bad items among good ones are found by halves, and the good ones written in their order."""

import random
from collections.abc import Sequence

import pytest

from workers.collector.isolating import isolate


class Table:
    """Takes whole numbers, all that it is given or, if one of them is bad, none."""

    def __init__(self, bad: set[int]) -> None:
        self.bad = bad
        self.rows: list[int] = []
        self.writes = 0

    def write(self, items: Sequence[int]) -> Exception | None:
        self.writes += 1
        if wrong := sorted(self.bad.intersection(items)):
            return ValueError(f"{wrong[0]} is bad")
        self.rows += items
        return None


@pytest.mark.parametrize("seed", range(20))
def test_exactly_the_bad_are_left_out_and_the_order_is_kept(seed):
    random.seed(seed)
    items = list(range(random.randint(1, 200)))
    table = Table(set(random.sample(items, random.randint(0, min(9, len(items))))))
    left_out = isolate(items, table.write)
    assert table.rows == [item for item in items if item not in table.bad]
    assert [(item, str(error)) for item, error in left_out] == [
        (item, f"{item} is bad") for item in sorted(table.bad)
    ]


def test_one_bad_item_of_8000_costs_a_few_writes():
    table = Table({4321})
    isolate(list(range(8000)), table.write)
    assert table.writes <= 27


def test_what_has_passed_meanwhile_leaves_nobody_out():
    table = Table({5})
    assert table.write(list(range(8))) is not None
    table.bad.clear()
    assert isolate(list(range(8)), table.write) == []
    assert table.rows == list(range(8))
