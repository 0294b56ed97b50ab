"""Slices of the inventory lists, of many parents in one statement."""

from itertools import pairwise

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.telemetry.models import Cluster, Host
from apps.telemetry.queries.slices import Listing, Parent, Selection, Span, counts, key_of, slices
from tests.fleet_rows import START, make_gpu, make_samples

pytestmark = pytest.mark.django_db

EVERY_GPU = Selection(Listing.GPUS)
FLEET = 0


@pytest.fixture
def fleet():
    """Two clusters; "lab" has three hosts with two GPUs each, "annex" one host with one GPU."""
    for number in range(3):
        for index in range(2):
            make_gpu(f"host-{number}", index, "lab")
    make_gpu("host-0", 0, "annex", uuid="GPU-annex")


def uuids(rows):
    return [row["uuid"] for row in rows]


def rest_of(chosen, limit, *, from_end=False):
    """The UUIDs of every slice, by going on from the last one."""
    found, place = [], None
    while True:
        side = {"before" if from_end else "after": place}
        rows = slices(chosen, Span(limit, from_end=from_end, **side))[FLEET]
        page = rows[-limit:] if from_end else rows[:limit]
        found.append(uuids(page))
        if len(rows) <= limit:
            return found
        place = key_of(chosen.listing, page[0 if from_end else -1])


def test_gpus_come_by_cluster_host_and_index_with_all_their_facts(fleet):
    gpu = make_gpu("host-9", 3, "lab", uuid="GPU-9", device="nvidia3", driver_version="535.1")
    make_samples(gpu, 2)
    rows = slices(EVERY_GPU, Span(100))[FLEET]
    keys = [key_of(Listing.GPUS, row) for row in rows]
    assert keys == sorted(keys)
    row = {name: value for name, value in rows[-1].items() if not name.startswith("_")}
    assert row.pop("first_seen_at").endswith("Z")
    assert row == {
        "uuid": "GPU-9",
        "cluster": "lab",
        "hostname": "host-9",
        "gpu_id": 3,
        "device": "nvidia3",
        "model_name": "NVIDIA H100 80GB HBM3",
        "driver_version": "535.1",
        "pci_bus_id": "",
        "last_seen_at": "2025-07-18T20:42:35.000000Z",
        "state": "lost",
    }
    assert START.year == 2025


def test_hosts_and_clusters_say_how_many_they_have_and_when_last_seen(fleet):
    make_samples(make_gpu("host-9", 0, "lab"), 2)
    hosts = slices(Selection(Listing.HOSTS), Span(100))[FLEET]
    assert [(row["cluster"], row["hostname"], row["gpu_count"]) for row in hosts] == [
        ("annex", "host-0", 1),
        ("lab", "host-0", 2),
        ("lab", "host-1", 2),
        ("lab", "host-2", 2),
        ("lab", "host-9", 1),
    ]
    assert [row["last_seen_at"] for row in hosts] == [None] * 4 + ["2025-07-18T20:42:35.000000Z"]
    annex, lab = slices(Selection(Listing.CLUSTERS), Span(100))[FLEET]
    assert (annex["slug"], annex["host_count"], annex["gpu_count"]) == ("annex", 1, 1)
    assert (lab["slug"], lab["host_count"], lab["gpu_count"]) == ("lab", 4, 7)


@pytest.mark.parametrize("limit", [1, 2, 3, 6, 7, 8])
@pytest.mark.parametrize("from_end", [False, True])
def test_slices_that_follow_each_other_give_every_row_once(fleet, limit, from_end):
    everything = uuids(slices(EVERY_GPU, Span(100))[FLEET])
    assert len(everything) == 7
    pages = rest_of(EVERY_GPU, limit, from_end=from_end)
    in_order = reversed(pages) if from_end else pages
    assert [uuid for page in in_order for uuid in page] == everything


def test_a_row_that_registers_meanwhile_repeats_none(fleet):
    first = slices(EVERY_GPU, Span(2))[FLEET][:2]
    make_gpu("host-0", 1, "annex", uuid="GPU-new")
    make_gpu("a-host", 0, "annex", uuid="GPU-before")
    after = slices(EVERY_GPU, Span(100, after=key_of(Listing.GPUS, first[-1])))[FLEET]
    assert set(uuids(first)).isdisjoint(uuids(after))
    assert len(after) == 5


def test_both_places_bound_a_slice(fleet):
    rows = slices(EVERY_GPU, Span(100))[FLEET]
    places = [key_of(Listing.GPUS, row) for row in rows]
    between = slices(EVERY_GPU, Span(100, after=places[1], before=places[4]))[FLEET]
    assert uuids(between) == uuids(rows[2:4])


@pytest.mark.parametrize(
    ("filters", "expected"),
    [
        ({"cluster": "annex"}, 1),
        ({"hostname": "host-0"}, 3),
        ({"hostname": "host-0", "gpu_id": 1}, 1),
        ({"uuid": "GPU-host-1-0"}, 1),
        ({"model": "h100"}, 7),
        ({"model": "%"}, 0),
        ({"cluster": "' OR true --"}, 0),
    ],
)
def test_filters_must_all_match_and_count_alike(fleet, filters, expected):
    chosen = Selection(Listing.GPUS, filters=tuple(filters.items()))
    assert len(slices(chosen, Span(100))[FLEET]) == expected
    assert counts(chosen)[FLEET] == expected


@pytest.mark.parametrize("listing", Listing)
def test_other_clusters_are_neither_listed_nor_counted(fleet, listing):
    hidden = Selection(listing, clusters=frozenset({"annex"}))
    assert [row.get("cluster", row.get("slug")) for row in slices(hidden, Span(9))[FLEET]] == [
        "annex"
    ]
    assert counts(hidden) == {FLEET: 1}
    assert slices(Selection(listing, clusters=frozenset()), Span(9)) == {FLEET: []}


def test_rows_of_many_parents_take_one_statement_and_are_limited_each(fleet):
    hosts = [host.pk for host in Host.objects.order_by("cluster__slug", "hostname")]
    chosen = Selection(Listing.GPUS, Parent.HOST)
    with CaptureQueriesContext(connection) as captured:
        found = slices(chosen, Span(1), hosts)
        total = counts(chosen, hosts)
    assert len(captured) == 2
    assert [len(found[host]) for host in hosts] == [1, 2, 2, 2]
    assert [total[host] for host in hosts] == [1, 2, 2, 2]


def test_hosts_of_clusters_and_the_clusters_themselves(fleet):
    lab = Cluster.objects.get(slug="lab").pk
    hosts = slices(Selection(Listing.HOSTS, Parent.CLUSTER), Span(9), [lab])[lab]
    assert [row["hostname"] for row in hosts] == ["host-0", "host-1", "host-2"]
    assert {row["_cluster"] for row in hosts} == {lab}
    (itself,) = slices(Selection(Listing.CLUSTERS, Parent.CLUSTER), Span(1), [lab])[lab]
    assert itself["slug"] == "lab"
    assert slices(Selection(Listing.HOSTS, Parent.CLUSTER), Span(9), [-1]) == {-1: []}


def test_no_parents_have_nothing(fleet):
    assert slices(Selection(Listing.GPUS, Parent.HOST), Span(9), []) == {}


def test_keys_are_unique(fleet):
    keys = [key_of(Listing.GPUS, row) for row in slices(EVERY_GPU, Span(100))[FLEET]]
    assert all(one < other for one, other in pairwise(keys))
