"""What makes a record, what it becomes on the wire, and what is refused."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from apps.telemetry.metrics import METRICS
from apps.telemetry.records import (
    EPOCH,
    InvalidRecord,
    Record,
    check_time,
    decode,
    encode,
    from_fields,
    is_blank,
    microseconds,
    record_field,
)

AT = datetime(2025, 7, 18, 20, 42, 34, tzinfo=UTC)
IDENTITY = {
    "timestamp": "2025-07-18T20:42:34Z",
    "gpu_id": 3,
    "hostname": "mtv5-dgx1-hgpu-031",
    "uuid": "GPU-5fd4f087-86f3-7a43-b711-4771313afc50",
}


def message(**fields):
    return json.dumps(IDENTITY | fields).encode()


def raw(field):
    """A message with a field as it would be written in the JSON text."""
    return message()[:-1] + b", " + field.encode() + b"}"


def test_a_full_record_survives_the_wire():
    values: dict[str, Any] = {metric.name: metric.maximum for metric in METRICS}
    record = Record(
        timestamp=AT,
        gpu_id=32_767,
        hostname="a_b-c.d",
        uuid="GPU-1",
        device="nvidia0",
        model_name='H100 "80GB" ü',
        driver_version="535.129.03",
        pci_bus_id="00000000:1B:00.0",
        extra={"DCGM_FI_PROF_SM_ACTIVE": 0.25, "pod": "train-0"},
        **values,
    )
    assert decode(encode(record)) == record


def test_what_was_not_reported_is_not_sent():
    record = from_fields(IDENTITY | {"gpu_utilization": 0})
    assert json.loads(encode(record)) == IDENTITY | {"gpu_utilization": 0.0}


def test_zero_is_a_value():
    assert decode(message(gpu_utilization=0, xid_error=0)).gpu_utilization == 0
    assert from_fields(IDENTITY | {"xid_error": "0"}).xid_error == 0


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2025-07-18T20:42:34Z", AT),
        ("2025-07-18T20:42:34.123456Z", AT + timedelta(microseconds=123456)),
        ("2025-07-18T20:42:34.123456789Z", AT + timedelta(microseconds=123457)),
        ("2025-07-18T22:42:34+02:00", AT),
        ("2025-07-19T02:12:34+05:30", AT),
        ("2025-07-18 20:42:34Z", AT),
    ],
)
def test_a_time_is_kept_in_utc_with_microseconds(text, expected):
    for record in (decode(message(timestamp=text)), from_fields(IDENTITY | {"timestamp": text})):
        assert record.timestamp == expected
        assert record.timestamp.tzinfo is UTC


@pytest.mark.parametrize(
    "text", ["2025-07-18T20:42:34", "yesterday", "", "0001-01-01T00:00:00+01:00", "2025-13-01T00Z"]
)
def test_a_time_without_zone_or_sense_is_refused(text):
    with pytest.raises(InvalidRecord, match="timestamp"):
        decode(message(timestamp=text))
    with pytest.raises(InvalidRecord, match="timestamp"):
        from_fields(IDENTITY | {"timestamp": text})


@pytest.mark.parametrize("name", IDENTITY)
def test_each_identity_field_is_required(name):
    fields = {key: value for key, value in IDENTITY.items() if key != name}
    with pytest.raises(InvalidRecord, match=name):
        decode(json.dumps(fields).encode())
    with pytest.raises(InvalidRecord, match=name):
        from_fields(fields)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("hostname", "a/b"),
        ("hostname", "h" * 254),
        ("hostname", "-leading"),
        ("hostname", "a b"),
        ("hostname", "host\n"),
        ("uuid", ""),
        ("uuid", "GPU/1"),
        ("uuid", "u" * 129),
        ("gpu_id", -1),
        ("gpu_id", 32_768),
        ("gpu_id", "first"),
        ("gpu_id", 1.5),
        ("device", "d" * 1025),
        ("device", 5),
    ],
)
def test_an_identity_field_out_of_bounds_is_refused_by_name(name, value):
    with pytest.raises(InvalidRecord, match=name):
        decode(message(**{name: value}))
    with pytest.raises(InvalidRecord, match=name):
        from_fields(IDENTITY | {name: value})


@pytest.mark.parametrize("pair", ["[]", '{"a":}'], ids=["arrays", "objects"])
def test_values_may_be_nested_64_deep_the_record_s_extra_included(pair):
    opening, closing = pair[:-1], pair[-1]
    for depth, taken in ((63, True), (64, False)):
        nested = opening * depth + "1" + closing * depth
        value = message(x=1).replace(b'"x": 1', f'"x": {nested}'.encode())
        assert nested.encode() in value
        if taken:
            assert decode(value).extra
        else:
            with pytest.raises(InvalidRecord, match="nested more than 64 deep"):
                decode(value)


def test_many_values_side_by_side_are_not_deep():
    value = message(x=[[] for _ in range(1000)])
    assert decode(value).extra == {"x": [[] for _ in range(1000)]}


def test_a_name_with_other_characters_is_told_which_ones_it_may_have():
    for name in ("hostname", "uuid"):
        with pytest.raises(InvalidRecord, match=f"{name}: holds letters, digits.*, got 'a/😀'"):
            from_fields(IDENTITY | {name: "a/😀"})


@pytest.mark.parametrize("hostname", ["a_b_c", "1.2.3.4", "h" * 253, "UPPER-1"])
def test_hostnames_may_hold_underscores_dots_and_253_characters(hostname):
    assert decode(message(hostname=hostname)).hostname == hostname


@pytest.mark.parametrize(
    ("metric", "blanks"),
    [
        ("gpu_utilization", [0x7FFFFFF0 + suffix for suffix in range(4)]),
        ("temperature", [0x7FFFFFF0, "2147483632"]),
        ("xid_error", [0x7FFFFFF3, 0x7FFFFFFFFFFFFFF0]),
        ("clock_event_reasons", [0x7FFFFFF1, "9223372036854775793"]),
        ("energy_consumption_mj", [0x7FFFFFFFFFFFFFF0 + suffix for suffix in range(4)]),
        ("row_remap_failed", [0x7FFFFFF2, 0x7FFFFFFFFFFFFFF2]),
        ("power_draw", [140737488355328.0 + suffix for suffix in range(4)]),
        ("power_draw", ["140737488355328.000000", "1.40737488355328e14", "140737488355329"]),
        ("memory_used_mib", [None, "", " ", "N/A", "[N/A]", "<<<NULL>>>", "null"]),
    ],
)
def test_a_blank_of_dcgm_is_no_value_and_never_zero(metric, blanks):
    for blank in blanks:
        assert getattr(decode(message(**{metric: blank})), metric) is None
        assert getattr(from_fields(IDENTITY | {metric: blank}), metric) is None


def test_an_int32_blank_is_a_possible_value_of_a_counter():
    assert decode(message(energy_consumption_mj=0x7FFFFFF0)).energy_consumption_mj == 0x7FFFFFF0
    assert (
        from_fields(IDENTITY | {"pcie_replay_total": "2147483632"}).pcie_replay_total == 2**31 - 16
    )


def test_a_blank_label_is_an_empty_label():
    record = decode(message(device="<<<NULL>>>", model_name="N/A", driver_version=None))
    assert (record.device, record.model_name, record.driver_version) == ("", "", "")


def test_a_blank_of_an_unknown_field_is_dropped():
    assert decode(message(DCGM_FI_DEV_FAN_SPEED=0x7FFFFFF0, pod="")).extra is None


@pytest.mark.parametrize("value", ["12", "12.0", 12, 12.0, "1.2e1"])
def test_a_number_may_be_a_text(value):
    assert decode(message(gpu_utilization=value)).gpu_utilization == 12
    assert from_fields(IDENTITY | {"gpu_utilization": value}).gpu_utilization == 12


@pytest.mark.parametrize("value", ["12", "12.0", 12, 12.0])
def test_a_whole_number_may_be_written_as_a_decimal(value):
    assert decode(message(xid_error=value)).xid_error == 12


@pytest.mark.parametrize(
    "value", ["NaN", "nan", "inf", "-Infinity", "12%", "0x10", "1_0", "--", True, [], {}, 101, -1]
)
def test_a_percentage_that_is_no_number_or_out_of_bounds_is_refused(value):
    with pytest.raises(InvalidRecord, match="gpu_utilization"):
        decode(message(gpu_utilization=value))
    with pytest.raises(InvalidRecord, match="gpu_utilization"):
        from_fields(IDENTITY | {"gpu_utilization": value})


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_a_float_that_is_not_finite_is_called_so(value):
    with pytest.raises(InvalidRecord, match=r"gpu_utilization: .* is not a finite number"):
        from_fields(IDENTITY | {"gpu_utilization": value})


@pytest.mark.parametrize("value", [1.5, "1.5", -1, 2**63, True])
def test_a_counter_takes_whole_numbers_only(value):
    with pytest.raises(InvalidRecord, match="pcie_replay_total"):
        decode(message(pcie_replay_total=value))


def test_a_refusal_shows_the_value_but_not_a_megabyte_of_it():
    with pytest.raises(InvalidRecord) as caught:
        from_fields(IDENTITY | {"gpu_utilization": "x" * 1_000_000})
    assert "'xxx" in str(caught.value)
    assert len(str(caught.value)) < 300


def test_what_no_metric_knows_is_kept_under_its_name():
    record = decode(message(DCGM_FI_PROF_SM_ACTIVE="0.25", pod="train-0", nested={"a": [1, None]}))
    assert record.extra == {
        "DCGM_FI_PROF_SM_ACTIVE": 0.25,
        "pod": "train-0",
        "nested": {"a": [1, None]},
    }


def test_unknown_texts_become_numbers_only_if_they_are_finite_ones():
    extra = decode(message(a="12", b="1.5", c="nan", d="1e999", e="007", f="+3", g="1,5")).extra
    assert extra == {"a": 12, "b": 1.5, "c": "nan", "d": "1e999", "e": 7, "f": 3, "g": "1,5"}


def test_unknown_fields_join_an_extra_that_is_there():
    record = decode(message(extra={"a": 1}, b=2))
    assert record.extra == {"a": 1, "b": 2}


def test_an_extra_that_is_no_object_is_refused():
    with pytest.raises(InvalidRecord, match="extra"):
        decode(message(extra=5))


@pytest.mark.parametrize(
    ("name", "field"),
    [
        ("Hostname", "hostname"),
        ("modelName", "model_name"),
        ("UUID", "uuid"),
        ("GPU_UUID", "uuid"),
        ("gpu", "gpu_id"),
        ("index", "gpu_id"),
        ("DCGM_FI_DRIVER_VERSION", "driver_version"),
        ("DCGM_FI_SYSTEM_DRIVER_VERSION", "driver_version"),
        ("DCGM_FI_DEV_GPU_UTIL", "gpu_utilization"),
        ("DCGM_FI_DEV_GPU_UTIL_RATIO", "gpu_utilization"),
        ("dcgm_fi_dev_power_usage", "power_draw"),
        ("DCGM_FI_DEV_BOARD_POWER_WATTS", "power_draw"),
        ("memory_used_mb", "memory_used_mib"),
        ("pod", None),
        ("DCGM_FI_DEV_FB_TOTAL", None),
    ],
)
def test_names_of_both_generations_and_of_other_layouts_are_known(name, field):
    assert record_field(name) == field


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"nope",
        b"[]",
        b"5",
        b"\xff\xfe",
        b'{"timestamp":',
        b"\x00",
        raw('"x": 1e400'),
        raw('"device": "\\ud800"'),
        raw('"x": ' + "[" * 5000 + "]" * 5000),
        raw('"x": ' + "9" * 5000),
    ],
)
def test_a_message_that_cannot_be_read_is_refused_and_nothing_else(value):
    with pytest.raises(InvalidRecord):
        decode(value)


@pytest.mark.parametrize("name", ["device", "pod", "a\0b"])
def test_a_nul_character_is_refused(name):
    with pytest.raises(InvalidRecord, match="NUL"):
        decode(message(**{name: "a\0b"}))
    with pytest.raises(InvalidRecord, match="NUL"):
        from_fields(IDENTITY | {name: "a\0b"})


def test_is_blank_leaves_ordinary_values_alone():
    values: list[Any] = [0, 0.0, 2147483631, True, [], {}, "0", "text", "2147483636", "1e5"]
    for value in values:
        assert not is_blank(value)


def test_a_time_must_lie_between_the_earliest_and_an_hour_ahead():
    earliest = datetime(2015, 1, 1, tzinfo=UTC)
    for good in (earliest, AT, AT + timedelta(hours=1)):
        check_time(good, earliest, AT)
    with pytest.raises(InvalidRecord, match="SAMPLE_MIN_TIME"):
        check_time(EPOCH, earliest, AT)
    with pytest.raises(InvalidRecord, match="future"):
        check_time(AT + timedelta(hours=1, microseconds=1), earliest, AT)


def test_microseconds_are_exact():
    assert microseconds(EPOCH) == 0
    assert microseconds(datetime(2100, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC)) == 4133980799999999
    assert microseconds(EPOCH - timedelta(microseconds=1)) == -1
