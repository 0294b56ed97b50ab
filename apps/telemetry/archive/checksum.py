"""A checksum over values that PostgreSQL computes over its rows and we over an archive's columns.

Each row is hashed with PostgreSQL's own functions, one column's hash being the next one's seed, and
the hashes are added up, so that the order does not matter and a row lost, doubled or changed shows.
The functions (Bob Jenkins' lookup3, `src/common/hashfn.c`) are those of hash partitioning and do
not change between versions; here they are written for columns. They take 0 and NULL alike, so which
columns are NULL is hashed too.
"""

import hashlib
from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from apps.telemetry.archive.schema import DESCRIPTION
from apps.telemetry.metrics import METRICS, Storage

U32 = NDArray[np.uint32]
U64 = NDArray[np.uint64]

_SQL_HASHES = {
    Storage.REAL: "hashfloat4extended(coalesce({name}, 0), {seed})",
    Storage.DOUBLE: "hashfloat8extended(coalesce({name}, 0), {seed})",
    Storage.BIGINT: "hashint8extended(coalesce({name}, 0), {seed})",
    Storage.SMALLINT: "hashint8extended(coalesce({name}, 0)::bigint, {seed})",
}
_VALUES = (*(metric.name for metric in METRICS), "extra")
_OF_THE_ROW = ("uuid", "timestamp", *DESCRIPTION)
# PostgreSQL counts from 2000.
_EPOCH_US = 946_684_800_000_000


def uuid_seed(uuid: str) -> int:
    """Where the hash of a GPU's rows begins: 64 bits with a sign."""
    return int.from_bytes(
        hashlib.md5(uuid.encode(), usedforsecurity=False).digest()[:8], "big", signed=True
    )


def hash_sql(row: str, seed: str) -> str:
    """SQL for the hash of a sample `row`; `seed` is an expression for its GPU's uuid_seed."""
    text = f"timestamp_hash_extended({row}.timestamp AT TIME ZONE 'UTC', {seed})"
    for metric in METRICS:
        text = _SQL_HASHES[metric.storage].format(name=f"{row}.{metric.name}", seed=text)
    extra = f"('x' || left(md5({row}.extra::text), 16))::bit(64)::bigint"
    text = f"hashint8extended(coalesce({extra}, 0), {text})"
    nulls = " | ".join(
        f"(({row}.{name} IS NULL)::integer << {place})" for place, name in enumerate(_VALUES)
    )
    return f"hashint8extended(({nulls})::bigint, {text})"


def as_text(total: int) -> str:
    """A sum of hashes as it is stored: modulo 2⁶⁴, in 16 hexadecimal digits."""
    return f"{total % (1 << 64):016x}"


def sum_of(table: pa.Table) -> int:
    """The sum of the hashes of an archive's rows, over the columns that its file has.

    So the sum of an old file is what it was when a metric has been added since.
    """
    seeds = _by_value(table["uuid"], uuid_seed)
    micros = table["timestamp"].cast(pa.int64()).to_numpy() - _EPOCH_US
    hashes = _hash_int8(micros, seeds)
    nulls = np.zeros(table.num_rows, np.int64)
    values = [name for name in table.column_names if name not in _OF_THE_ROW]
    for place, name in enumerate(values):
        column = table[name]
        if column.null_count:
            nulls |= column.is_null().to_numpy().astype(np.int64) << place
        hashes = _hash_column(name, column, hashes)
    hashes = _hash_int8(nulls, hashes)
    return int(np.add.reduce(hashes, dtype=np.uint64)) if len(hashes) else 0


def _hash_column(name: str, column: pa.ChunkedArray, seeds: U64) -> U64:
    if name == "extra":
        return _hash_int8(_by_value(column, _text_bits).view(np.int64), seeds)
    filled = column.fill_null(0).to_numpy()
    if pa.types.is_floating(column.type):
        return _hash_float(filled.astype(np.float64), seeds)
    return _hash_int8(filled.astype(np.int64), seeds)


def _text_bits(text: str | None) -> int:
    return 0 if text is None else uuid_seed(text)


def _by_value(column: pa.ChunkedArray, number_of: Callable[[Any], int]) -> U64:
    """A number for each text, computed once per different text."""
    encoded = column.combine_chunks().dictionary_encode(null_encoding="encode")
    numbers = [number_of(value) for value in encoded.dictionary.to_pylist()]
    table = np.array(numbers, np.int64).view(np.uint64)
    chosen: U64 = table[encoded.indices.to_numpy(zero_copy_only=False)]
    return chosen


def _hash_int8(values: NDArray[np.int64], seeds: U64) -> U64:
    """hashint8extended: both halves folded into one word."""
    low = values.astype(np.uint32)
    high = (values >> 32).astype(np.uint32)
    return _hash_words([low ^ np.where(values >= 0, high, ~high)], seeds)


def _hash_float(values: NDArray[np.float64], seeds: U64) -> U64:
    """hashfloat8extended: a zero of either sign passes the seed on."""
    bits = values.view(np.uint64)
    hashes = _hash_words([bits.astype(np.uint32), (bits >> 32).astype(np.uint32)], seeds)
    return np.where(values == 0, seeds, hashes)


def _hash_words(words: list[U32], seeds: U64) -> U64:
    """hash_bytes_extended of one or two words per row."""
    start = np.uint32(0x9E3779B9 + 4 * len(words) + 3_923_095)
    a, b, c = (np.full(len(seeds), start, np.uint32) for _ in range(3))
    seeded = _mix(a + (seeds >> np.uint64(32)).astype(np.uint32), b + seeds.astype(np.uint32), c)
    without = seeds == 0
    if without.any():
        seeded = tuple(np.where(without, start, word) for word in seeded)  # type: ignore[assignment]
    a, b, c = seeded
    a = a + words[0]
    if len(words) > 1:
        b = b + words[1]
    b, c = _final(a, b, c)
    return (b.astype(np.uint64) << np.uint64(32)) | c.astype(np.uint64)


def _mix(a: U32, b: U32, c: U32) -> tuple[U32, U32, U32]:
    for first, second, third in ((4, 6, 8), (16, 19, 4)):
        a = (a - c) ^ _rotate(c, first)
        c = c + b
        b = (b - a) ^ _rotate(a, second)
        a = a + c
        c = (c - b) ^ _rotate(b, third)
        b = b + a
    return a, b, c


def _final(a: U32, b: U32, c: U32) -> tuple[U32, U32]:
    c = (c ^ b) - _rotate(b, 14)
    a = (a ^ c) - _rotate(c, 11)
    b = (b ^ a) - _rotate(a, 25)
    c = (c ^ b) - _rotate(b, 16)
    a = (a ^ c) - _rotate(c, 4)
    b = (b ^ a) - _rotate(a, 14)
    c = (c ^ b) - _rotate(b, 24)
    return b, c


def _rotate(words: U32, places: int) -> U32:
    return (words << np.uint32(places)) | (words >> np.uint32(32 - places))
