"""Compares what a file holds with what the API gives back. Pure."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from tests.acceptance.expected import FIELDS, Key

EXAMPLES = 10
# Columns of single precision keep 6 significant digits; power and counters are exact.
SINGLE_PRECISION = 1e-6


@dataclass
class Difference:
    """What is wrong: records not found with all their values, samples nobody sent or sent twice."""

    lost: int = 0
    duplicated: int = 0
    stored: int = 0
    examples: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Keep the first few for the person who looks."""
        if len(self.examples) < EXAMPLES:
            self.examples.append(text)


def compare(
    expected: Mapping[Key, Mapping[str, Any]], found: Iterable[tuple[Key, Mapping[str, Any]]]
) -> Difference:
    """Every expected record against every sample found."""
    difference = Difference()
    seen: set[Key] = set()
    for key, sample in found:
        difference.stored += 1
        if key in seen or key not in expected:
            difference.duplicated += 1
            difference.note(f"{key} was stored {'twice' if key in seen else 'but never sent'}")
        elif wrong := wrong_values(expected[key], sample):
            difference.lost += 1
            difference.note(f"{key}: {wrong}")
        seen.add(key)
    for key in expected:
        if key not in seen:
            difference.lost += 1
            difference.note(f"{key} was not found")
    return difference


def wrong_values(expected: Mapping[str, Any], sample: Mapping[str, Any]) -> dict[str, Any]:
    """(expected, found) of every field that differs, and of metrics that nobody reported."""
    found = {name: sample[name] for name in FIELDS if sample[name] is not None}
    found |= sample["extra"] or {}
    return {
        name: (expected.get(name), found.get(name))
        for name in expected.keys() | found.keys()
        if not same(expected.get(name), found.get(name), name)
    }


def same(expected: Any, found: Any, name: str) -> bool:
    """Whether a stored value is the one of the file, as exactly as its column keeps it."""
    if expected is None or found is None:
        return False
    if isinstance(expected, str) and not isinstance(found, str):
        expected = float(expected)
    if isinstance(expected, str) or name == "power_draw" or name not in FIELDS:
        return bool(expected == found)
    return math.isclose(expected, found, rel_tol=SINGLE_PRECISION)
