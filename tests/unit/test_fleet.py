"""The simulated fleet: deterministic, well-formed, and with the troubles that the demo shows."""

import csv
from datetime import UTC, datetime

import pytest

from workers.demo.csv_layouts import HEADERS, Layout, blocks, count_instants, instants
from workers.demo.fleet import build_fleet

START = datetime(2025, 1, 1, tzinfo=UTC)


def csv_text(layout, hosts=8, gpus_per_host=8, seconds=60.0, seed=1):
    fleet = build_fleet(hosts, gpus_per_host, seconds, seed)
    return "".join(blocks(fleet, instants(START, seconds, 1.0), 1.0, layout))


def readings_of(hosts=8, seconds=200, seed=1):
    fleet = build_fleet(hosts, 8, seconds, seed)
    return [
        (gpu, [gpu.read(float(at_s), 1.0) for at_s in range(seconds)])
        for host in fleet
        for gpu in host
    ]


@pytest.mark.parametrize("layout", list(Layout))
def test_the_same_arguments_write_the_same_bytes(layout):
    assert csv_text(layout) == csv_text(layout)


def test_another_seed_writes_other_gpus():
    assert csv_text(Layout.WIDE) != csv_text(Layout.WIDE, seed=2)


def test_a_larger_fleet_starts_with_the_gpus_of_the_smaller_one():
    small, large = build_fleet(2, 8, 60.0, 1), build_fleet(5, 8, 60.0, 1)
    assert [[g.identity for g in h] for h in small] == [[g.identity for g in h] for h in large[:2]]


def test_uuids_and_hostnames_are_unique_and_indices_repeat():
    fleet = build_fleet(31, 8, 60.0, 1)
    assert len({gpu.identity.uuid for host in fleet for gpu in host}) == 248
    assert len({host[0].identity.hostname for host in fleet}) == 31
    assert all([gpu.identity.gpu_id for gpu in host] == list(range(8)) for host in fleet)


def test_used_and_free_memory_add_up_to_the_models_memory():
    for gpu, readings in readings_of():
        assert {r.memory_used_mib + r.memory_free_mib for r in readings} == {gpu.model.memory_mib}


def test_the_fleet_has_the_troubles_that_an_operator_looks_for():
    last = [(gpu, readings[150]) for gpu, readings in readings_of()]
    assert any(r.temperature >= 85 and r.clock_event_reasons & 0x20 for _, r in last)
    assert any(r.gpu_utilization == 0 and r.memory_used_mib > 5000 for _, r in last)
    assert any(r.gpu_utilization > 90 and r.power_draw < 0.3 * gpu.model.limit_w for gpu, r in last)
    assert sum(r.xid_error == 31 for _, r in last) == 1


def test_an_xid_stays_set_and_its_job_restarts():
    readings = readings_of()[0][1]
    assert readings[79].xid_error == 0
    assert readings[85].xid_error == readings[199].xid_error == 31
    assert readings[85].gpu_utilization == 0 < readings[199].gpu_utilization


def test_energy_only_grows():
    for _, readings in readings_of(hosts=2):
        counts = [r.energy_consumption_mj for r in readings]
        assert counts == sorted(counts)


@pytest.mark.parametrize("layout", list(Layout))
def test_every_line_has_the_fields_of_the_header(layout):
    rows = list(csv.reader(csv_text(layout, hosts=1, gpus_per_host=2, seconds=2).splitlines()))
    assert {len(row) for row in rows} == {len(HEADERS[layout].split(","))}


@pytest.mark.parametrize(
    ("seconds", "interval_s"), [(1.0, 1.0), (10.0, 3.0), (1.0, 0.1), (0.5, 1.0), (600.0, 0.7)]
)
def test_instants_are_counted_as_they_are_written(seconds, interval_s):
    times = list(instants(START, seconds, interval_s))
    assert len(times) == count_instants(seconds, interval_s)
    assert len(set(times)) == len(times)


def test_one_gpu_alone_is_a_fleet():
    assert csv_text(Layout.WIDE, hosts=1, gpus_per_host=1, seconds=2).count("\n") == 2
