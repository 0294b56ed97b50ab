"""The comparison of what was acknowledged with what PostgreSQL holds, value by value."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import psycopg

from tests.faults.telemetry_file import METRICS, Key, Values

EXAMPLES = 5
STORED = f"""
SELECT g.uuid, s.timestamp, {", ".join(f"s.{name}" for name in METRICS)}
  FROM telemetry_sample s JOIN telemetry_gpu g ON g.id = s.gpu_id
"""
# What the product itself says that it stored, GPU by GPU.
MISCOUNTED = """
SELECT g.uuid, l.sample_count, count(s.gpu_id) FROM telemetry_gpu g
  LEFT JOIN telemetry_latestsample l ON l.gpu_id = g.id
  LEFT JOIN telemetry_sample s ON s.gpu_id = g.id
 GROUP BY g.uuid, l.sample_count HAVING coalesce(l.sample_count, 0) <> count(s.gpu_id)
"""


@dataclass
class Ledger:
    """How many records were acknowledged and stored, and what is wrong."""

    acknowledged: int = 0
    stored: int = 0
    lost: int = 0
    duplicated: int = 0
    invented: int = 0
    examples: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Keep the first few for the person who looks."""
        if len(self.examples) < EXAMPLES:
            self.examples.append(text)


def compare(
    acknowledged: Mapping[Key, Values], sent: Iterable[Key], rows: Iterable[tuple[Key, Values]]
) -> Ledger:
    """Acknowledged must be there with its values, once; what was never sent must not."""
    ledger = Ledger(acknowledged=len(acknowledged))
    maybe = set(sent)
    found: Counter[Key] = Counter()
    for key, values in rows:
        ledger.stored += 1
        found[key] += 1
        if found[key] > 1:
            ledger.duplicated += 1
            ledger.note(f"{key} is stored {found[key]} times")
        elif key in acknowledged and values != acknowledged[key]:
            ledger.lost += 1
            ledger.note(f"{key} is {values} instead of {acknowledged[key]}")
        elif key not in acknowledged and key not in maybe:
            ledger.invented += 1
            ledger.note(f"{key} was never sent")
    for key in acknowledged.keys() - found.keys():
        ledger.lost += 1
        ledger.note(f"{key} was acknowledged and is not stored")
    return ledger


def stored_rows(database: psycopg.Connection) -> list[tuple[Key, Values]]:
    """Every stored sample."""
    return [((row[0], row[1]), tuple(row[2:])) for row in database.execute(STORED)]


def miscounted(database: psycopg.Connection) -> list[str]:
    """GPUs whose number of samples the product has counted wrongly."""
    return [
        f"{uuid}: {counted} samples counted, {there} there"
        for uuid, counted, there in database.execute(MISCOUNTED)
    ]
