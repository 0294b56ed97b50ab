"""The label parser against the one that Prometheus' own client has."""

import random

import pytest
from prometheus_client.parser import text_string_to_metric_families

from apps.telemetry.records import InvalidRecord
from workers.live.exposition import read_labels

ROUNDS = 3000
ALPHABET = [
    "a",
    "B",
    "7",
    " ",
    ",",
    "=",
    "{",
    "}",
    "\\\\",
    '\\"',
    "\\n",
    "é",
    "\u2028",
    "\x0b",
    "#",
]


def reference(labels):
    """What prometheus_client makes of these labels."""
    (family,) = text_string_to_metric_families(f"some_metric{{{labels}}} 1\n")
    return family.samples[0].labels


def some_labels(rng):
    """Well-formed labels with whatever may be in a value."""
    names = rng.sample(["gpu", "UUID", "_x", "pod", "Hostname", "a1"], rng.randrange(1, 6))
    values = ("".join(rng.choices(ALPHABET, k=rng.randrange(8))) for _ in names)
    text = ",".join(f'{name}="{value}"' for name, value in zip(names, values, strict=True))
    return text + rng.choice(["", ","])


def test_well_formed_labels_are_read_as_prometheus_reads_them():
    rng = random.Random(4)
    for _ in range(ROUNDS):
        text = some_labels(rng)
        assert read_labels(text) == reference(text), text


def test_damaged_labels_are_refused_or_read_as_prometheus_reads_them():
    rng = random.Random(5)
    refused = 0
    for _ in range(ROUNDS):
        text = some_labels(rng)
        at = rng.randrange(len(text))
        damaged = text[:at] + rng.choice(["", '"', "\\", ",", "=", "x"]) + text[at + 1 :]
        try:
            labels = read_labels(damaged)
        except InvalidRecord:
            refused += 1
            continue
        try:
            expected = reference(damaged)
        except ValueError:
            pytest.fail(f"{damaged!r} is read as {labels}")
        assert labels == expected, damaged
    assert 0 < refused < ROUNDS


@pytest.mark.parametrize("text", ['a="1" b="2"', 'a="1",,b="2"', "a=1", 'a="', '1a="x"', ',a="1"'])
def test_what_are_no_labels_is_refused(text):
    with pytest.raises(InvalidRecord):
        read_labels(text)
