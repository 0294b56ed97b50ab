"""Argument types and the help layout that the commands share."""

import argparse
from collections.abc import Callable

from django.core.management.base import DjangoHelpFormatter


class HelpWithExitCodes(DjangoHelpFormatter, argparse.RawDescriptionHelpFormatter):
    """Django's order of arguments, and the exit codes as they are written."""


def whole_number(minimum: int, maximum: int | None = None) -> Callable[[str], int]:
    """An argument type: a whole number from `minimum` to `maximum`."""

    def number(text: str) -> int:
        value = int(text)
        if value < minimum or (maximum is not None and value > maximum):
            limits = f"below {minimum}" if maximum is None else f"outside {minimum} to {maximum}"
            raise argparse.ArgumentTypeError(f"{text} is {limits}")
        return value

    return number


def number_range(minimum: int, maximum: int) -> Callable[[str], tuple[int, int]]:
    """An argument type: `4` or `2..6`, both ends from `minimum` to `maximum`."""
    number = whole_number(minimum, maximum)

    def ends(text: str) -> tuple[int, int]:
        low, dots, high = text.partition("..")
        both = number(low), number(high if dots else low)
        if both[0] > both[1]:
            raise argparse.ArgumentTypeError(f"{text} ends before it begins")
        return both

    ends.__name__ = "range"  # argparse names it when a part is no number
    return ends


def positive(text: str) -> float:
    """An argument type: a finite number above 0."""
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value
