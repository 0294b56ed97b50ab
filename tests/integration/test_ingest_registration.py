"""Registration: a GPU is its UUID, and what is known of it comes from its newest record."""

from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from apps.telemetry.ingest import store
from apps.telemetry.ingest.store import registry
from apps.telemetry.models import Cluster, Gpu, Host, LatestSample
from tests.integration.records import START, record, stored

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("fresh_process")]


def gpu(number=0):
    return Gpu.objects.select_related("host__cluster").get(uuid=f"GPU-{number:04d}")


def sequence_value():
    with connection.cursor() as cursor:
        cursor.execute("SELECT last_value FROM telemetry_gpu_id_seq")
        return cursor.fetchone()[0]


@pytest.fixture(params=["remembered", "looked up"])
def process(request):
    """Called between batches: the process goes on, or another one takes over."""
    return registry.forget if request.param == "looked up" else lambda: None


def test_a_gpu_that_moves_is_updated_not_duplicated(process):
    store("lab", [record(0, 0)])
    before = gpu()
    process()
    moved = record(0, 10, hostname="host-9", gpu_id=5, device="nvidia5")
    assert store("lab", [moved]).registered == 1
    after = gpu()
    assert (after.pk, after.first_seen_at) == (before.pk, before.first_seen_at)
    assert (after.host.hostname, after.gpu_index, after.device) == ("host-9", 5, "nvidia5")
    assert after.described_at == START + timedelta(seconds=10)
    assert len(stored()) == 2


def test_a_gpu_may_move_to_another_cluster_and_back(process):
    store("lab", [record(0, 0)])
    process()
    store("annex", [record(0, 1)])
    assert gpu().host.cluster.slug == "annex"
    process()
    store("lab", [record(0, 2)])
    assert gpu().host.cluster.slug == "lab"
    assert (Gpu.objects.count(), Host.objects.count(), Cluster.objects.count()) == (1, 2, 2)


def test_two_gpus_may_trade_places(process):
    store("lab", [record(0, 0), record(1, 0)])
    process()
    store("lab", [record(0, 1, gpu_id=1), record(1, 1, gpu_id=0)])
    assert [gpu(0).gpu_index, gpu(1).gpu_index] == [1, 0]


def test_the_same_index_on_two_hosts_is_two_gpus():
    store("lab", [record(0), record(8)])
    assert gpu(0).gpu_index == gpu(8).gpu_index == 0
    assert Gpu.objects.count() == Host.objects.count() == 2


def test_the_same_hostname_in_two_clusters_is_two_hosts():
    store("lab", [record(0)])
    store("annex", [record(1)])
    assert Host.objects.filter(hostname="host-0").count() == 2


def test_a_replayed_record_from_before_a_move_does_not_move_the_gpu_back(process):
    store("lab", [record(0, 0)])
    store("lab", [record(0, 10, hostname="host-9")])
    process()
    assert store("lab", [record(0, 5)]).registered == 0
    assert gpu().host.hostname == "host-9"
    assert len(stored()) == 3


def test_a_late_record_does_not_move_a_gpu_that_has_reported_since(process):
    store("lab", [record(0, 0)])
    store("lab", [record(0, 10)])
    process()
    store("lab", [record(0, 5, hostname="host-9")])
    assert gpu().host.hostname == "host-0"


def test_a_late_record_does_not_hide_a_later_move_to_the_same_place():
    store("lab", [record(0, 0)])
    store("lab", [record(0, 10)])
    store("lab", [record(0, 5, hostname="host-9")])
    store("lab", [record(0, 20, hostname="host-9")])
    assert gpu().host.hostname == "host-9"


def test_the_newest_record_of_a_batch_tells_where_a_gpu_is():
    store("lab", [record(0, 2, hostname="host-2"), record(0, 1, hostname="host-1")])
    assert gpu().host.hostname == "host-2"


def test_what_a_record_leaves_out_stays_known(process):
    store("lab", [record(driver_version="535.129.03", pci_bus_id="00000000:1B:00.0")])
    process()
    store("lab", [record(0, 1, device="", model_name="")])
    known = gpu()
    assert (known.device, known.model_name) == ("nvidia0", "NVIDIA H100 80GB HBM3")
    assert (known.driver_version, known.pci_bus_id) == ("535.129.03", "00000000:1B:00.0")


def test_what_a_later_record_adds_becomes_known(process):
    store("lab", [record(device="", model_name="")])
    process()
    store("lab", [record(0, 1, driver_version="535.129.03")])
    assert (gpu().device, gpu().driver_version) == ("nvidia0", "535.129.03")


def test_partial_records_of_a_batch_complete_each_other():
    store("lab", [record(driver_version="535.129.03"), record(device="", pci_bus_id="0:1B:0.0")])
    known = gpu()
    assert (known.device, known.driver_version) == ("nvidia0", "535.129.03")
    assert known.pci_bus_id == "0:1B:0.0"


def test_a_driver_upgrade_is_noticed(process):
    store("lab", [record(driver_version="535.129.03")])
    process()
    store("lab", [record(0, 1, driver_version="550.54.15")])
    assert gpu().driver_version == "550.54.15"


def test_a_known_gpu_costs_no_look_at_the_inventory():
    store("lab", [record(0, 0), record(0, 1, device="")])
    with CaptureQueriesContext(connection) as captured:
        store("lab", [record(0, 2), record(0, 3, device=""), record(0, 4)])
    assert len(captured) == 4, captured.captured_queries  # BEGIN, COPY, latest samples, COMMIT


def test_looking_up_known_gpus_spends_no_sequence_number():
    store("lab", [record(number) for number in range(5)])
    before = sequence_value()
    for second in range(1, 4):
        registry.forget()
        store("lab", [record(number, second) for number in range(5)])
    assert sequence_value() == before


@pytest.mark.parametrize(
    "delete",
    [
        lambda: Gpu.objects.filter(uuid="GPU-0000").delete(),
        lambda: Host.objects.all().delete(),
        lambda: Cluster.objects.all().delete(),
    ],
    ids=["gpu", "host", "cluster"],
)
def test_what_an_operator_deletes_is_registered_anew_when_it_reports(delete):
    store("lab", [record(0), record(1)])
    delete()
    store("lab", [record(0, 1), record(1, 1)])
    store("lab", [record(0, 2), record(1, 2)])
    assert Gpu.objects.count() == 2
    assert LatestSample.objects.get(gpu=gpu()).sample_count == len(stored())
    assert stored()[-1].timestamp == START + timedelta(seconds=2)


def test_what_another_process_changed_is_noticed_after_a_while(monkeypatch):
    store("lab", [record(0, 0)])
    Gpu.objects.update(device="changed elsewhere")
    monkeypatch.setattr(registry, "_refresh_at", 0)
    store("lab", [record(0, 1)])
    assert gpu().device == "nvidia0"
