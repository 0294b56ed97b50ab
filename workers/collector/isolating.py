"""Finds the few items that cannot be written, by halves. Pure but for the writing it is given."""

from collections.abc import Callable, Sequence
from typing import TypeVar

T = TypeVar("T")


def isolate(
    items: Sequence[T], write: Callable[[Sequence[T]], Exception | None]
) -> list[tuple[T, Exception]]:
    """Write all items that can be written, in their order; the others, each with its error.

    `write` writes all it is given and returns None, or returns the error; it is safe to repeat. The
    whole is tried first: what was wrong may have passed. With k bad items of n there are about
    2 k log2(n / k) writes.
    """
    error = write(items)
    if error is None:
        return []
    if len(items) == 1:
        return [(items[0], error)]
    middle = len(items) // 2
    return isolate(items[:middle], write) + isolate(items[middle:], write)
