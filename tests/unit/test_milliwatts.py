"""Power as decimals is the same power, bit for bit, or stays as it is."""

import numpy as np
import pyarrow as pa
import pytest

from apps.telemetry.archive.milliwatts import DECIMAL, are_whole, packed, packed_schema, unpacked

SCHEMA = pa.schema([pa.field("power_draw", pa.float64(), metadata={"unit": "W"})])


def table(*watts):
    return pa.table([pa.array(watts, pa.float64())], schema=SCHEMA)


def bits(found):
    return found["power_draw"].fill_null(-1).to_numpy().view(np.int64).tolist()


def test_every_milliwatt_comes_back_with_all_its_bits():
    counts = np.random.default_rng(1).integers(0, 100_000_001, 200_000)
    watts = table(*(counts / 1000), 0.0, 100_000.0, 68.427, None)
    assert are_whole(watts)
    there = packed(watts)
    assert there.schema == packed_schema(SCHEMA)
    assert there["power_draw"].type == DECIMAL
    back = unpacked(there)
    assert bits(back) == bits(watts)
    assert back.schema.field("power_draw").metadata == {b"unit": b"W"}
    assert back["power_draw"].null_count == 1


@pytest.mark.parametrize(
    "watts", [65.1234, -0.0, 0.1 + 0.2, 1e-9, 1_000_000.0, float("nan"), float("inf")]
)
def test_a_value_that_is_no_whole_milliwatts_is_not_packed(watts):
    assert not are_whole(table(1.5, watts, None))


def test_floats_stay_as_they_are_when_read():
    watts = table(65.1234, None)
    assert unpacked(watts) is watts
    assert unpacked(pa.table({"uuid": ["GPU-1"]})).column_names == ["uuid"]


def test_a_table_of_nulls_or_of_nothing_is_packed():
    for watts in (table(None, None), table()):
        assert are_whole(watts)
        assert unpacked(packed(watts))["power_draw"].to_pylist() == watts["power_draw"].to_pylist()
