"""States out of the database: the rule in SQL, in Django's expressions and in Python is one."""

import json
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apps.telemetry import queries
from apps.telemetry.ingest import store
from apps.telemetry.models import Gpu, LatestSample
from apps.telemetry.queries import Presence
from apps.telemetry.queries.slices import Listing, Selection, Span, slices
from apps.telemetry.status import RULE, State, host_state
from tests.fleet_rows import make_gpu, make_samples
from tests.integration.records import record

AGES_S = (0, 20, 60, 200, 800, 3000, 4000, 8000, 20_000)
INTERVALS_S = (None, 0.1, 1.0, 30.0, 300.0)


@pytest.mark.django_db
def test_every_way_to_ask_for_a_state_gives_the_same():
    now = timezone.now()
    expected = {}
    for place, interval_s in enumerate(INTERVALS_S):
        for index, age_s in enumerate(AGES_S):
            gpu = make_gpu(f"host-{place}", index)
            seen_at = now - timedelta(seconds=age_s)
            make_samples(gpu, 1, seen_at)
            LatestSample.objects.filter(gpu=gpu).update(interval_s=interval_s)
            expected[gpu.uuid] = RULE.state(now, seen_at, interval_s)
    never = make_gpu("host-never", 0)
    assert set(expected.values()) == set(State) - {State.NEVER_SEEN}
    latest = json.loads(queries.latest_json(columns=[]).results)
    assert {row["uuid"]: row["state"] for row in latest} == expected
    listed = {gpu.uuid: getattr(gpu, "state", None) for gpu in queries.gpus()}
    assert listed == expected | {never.uuid: State.NEVER_SEEN}
    stats = json.loads(queries.stats_json().body)
    for state in State:
        assert stats[state] == list(listed.values()).count(state)
        if state is not State.NEVER_SEEN:
            assert queries.latest_json(state=state).count == stats[state]
    assert {row["uuid"]: row["state"] for row in sliced(Listing.GPUS)} == listed
    hosts: list[Any] = list(queries.hosts())  # with the annotations, which the stubs do not know
    for host, row in zip(hosts, sliced(Listing.HOSTS), strict=True):
        assert (row["state"], row["reporting_count"]) == (host.state, host.reporting_count)
        states = [listed[uuid] for uuid in host.gpus.values_list("uuid", flat=True)]
        assert host.state == host_state(states)
        assert host.reporting_count == states.count(State.REPORTING)


def sliced(listing):
    return slices(Selection(listing), Span(limit=1000))[0]


def interval_s(uuid="GPU-0001"):
    return LatestSample.objects.get(gpu__uuid=uuid).interval_s


@pytest.mark.django_db(transaction=True)
def test_the_interval_is_learned_from_batches_and_survives_a_silence():
    store("lab", [record(1, 0, power_draw=1)])
    assert interval_s() is None
    for start in range(1, 100, 10):
        store("lab", [record(1, start + n, power_draw=1) for n in range(10)])
    assert interval_s() == pytest.approx(1, abs=0.01)
    store("lab", [record(1, start, power_draw=2)])  # a repeat tells nothing
    assert interval_s() == pytest.approx(1, abs=0.01)
    store("lab", [record(1, 100_000, power_draw=1)])  # back after a day
    assert interval_s() < 3
    for n in range(1, 40):
        store("lab", [record(1, 100_000 + 60 * n, power_draw=1)])
    assert interval_s() == pytest.approx(60, rel=0.05)


@pytest.mark.django_db(transaction=True)
def test_a_metric_is_measured_blank_or_unsupported_and_never_a_false_zero():
    store("lab", [record(1, n, power_draw=1, temperature=40) for n in range(150)])
    store("lab", [record(1, 150, power_draw=0)])
    presence = queries.presence("GPU-0001")
    assert presence["power_draw"] is Presence.MEASURED  # a measured zero is a value
    assert presence["temperature"] is Presence.BLANK
    assert presence["memory_temperature"] is Presence.UNSUPPORTED
    store("lab", [record(1, n, power_draw=1) for n in range(151, 260)])
    assert queries.presence("GPU-0001")["temperature"] is Presence.UNSUPPORTED
    assert queries.presence("GPU-none") == {}
    assert Gpu.objects.count() == 1
