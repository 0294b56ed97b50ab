"""How several supervisors share the group's target. Pure functions; all of them see the same.

One of them, elected like a batch's owner, decides for the group; each runs its own share.
"""

from collections.abc import Mapping

from apps.mq.ownership import owner, ranked

# The piece of work whose owner decides: any text does.
DECIDING = "supervisor"

Range = tuple[int, int]


def decider(supervisors: Mapping[str, object]) -> str:
    """Who decides; `supervisors` must not be empty."""
    return owner(DECIDING, supervisors.keys())


def total(ranges: Mapping[str, Range]) -> Range:
    """The limits of the group: what all machines together must and may run."""
    return sum(low for low, _ in ranges.values()), sum(high for _, high in ranges.values())


def shares(target: int, ranges: Mapping[str, Range]) -> dict[str, int]:
    """How many each runs: its fewest, and of the rest one each in turn while it may have more.

    The one that decides comes first in turn: it knows of a change before the others.
    """
    dealt = {name: low for name, (low, _) in ranges.items()}
    left = target - sum(dealt.values())
    order = ranked(DECIDING, ranges.keys())
    while left > 0:
        takers = [name for name in order if dealt[name] < ranges[name][1]][:left]
        if not takers:
            break
        for name in takers:
            dealt[name] += 1
        left -= len(takers)
    return dealt
