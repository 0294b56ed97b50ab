"""Half-open ranges of keys: what is left of one when others are taken out. Pure functions."""

from bisect import bisect_right
from collections.abc import Iterable, Sequence

from apps.mq.keys import Keys, after

Range = tuple[bytes, bytes]

KEYS_PER_SPAN = 500


def ranges_without(start: bytes, end: bytes, holes: Iterable[Range]) -> list[Range]:
    """`[start, end)` without `holes`, which are in order of their starts and may overlap."""
    left = []
    for hole_start, hole_end in holes:
        if hole_start >= end:
            break
        if start < hole_start:
            left.append((start, hole_start))
        start = max(start, hole_end)
    if start < end:
        left.append((start, end))
    return left


def batches_from(
    keys: Keys, known: Sequence[int], start: bytes, limit: int
) -> tuple[list[Range], bytes | None]:
    """The ranges of the first `limit` batches of `known` (in order) that end behind `start`.

    Also where the batch after these begins, None when there is none.
    """
    first = bisect_right(known, start, key=keys.message_end)
    ranges = [(keys.message_prefix(t), keys.message_end(t)) for t in known[first : first + limit]]
    rest = known[first + limit : first + limit + 1]
    return ranges, keys.message_prefix(rest[0]) if rest else None


def spans_of(found: Sequence[tuple[bytes, bool]]) -> list[Range]:
    """Ranges of at most KEYS_PER_SPAN consecutive foreign keys; `found` is (key, is foreign)."""
    spans: list[Range] = []
    run: list[bytes] = []
    for key, foreign in [*found, (b"", False)]:
        if foreign:
            run.append(key)
        if run and (not foreign or len(run) == KEYS_PER_SPAN):
            spans.append((run[0], after(run[-1])))
            run = []
    return spans
