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


def positive(text: str) -> float:
    """An argument type: a finite number above 0."""
    value = float(text)
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text} is not above 0")
    return value
