"""What of a GPU was refused is told beside what was measured."""

from datetime import timedelta

import pytest

from apps.telemetry import queries
from apps.telemetry.dead_letters import Unstorable, bury
from apps.telemetry.ingest import store
from apps.telemetry.models import DeadLetter
from apps.telemetry.queries import Presence
from apps.telemetry.records import InvalidRecord, decode
from tests.integration.records import START, record

pytestmark = pytest.mark.django_db(transaction=True)
REFUSED = (
    b'{"timestamp": "%s", "gpu_id": 1, "hostname": "host-0", "GPU_UUID": "GPU-0001", "%s": %s}'
)


def refuse(second, name, value, cluster="lab"):
    """What a collector does with a record that has a value which cannot be."""
    at = (START + timedelta(seconds=second)).isoformat().encode()
    message = REFUSED % (at, name.encode(), value.encode())
    with pytest.raises(InvalidRecord) as refusal:
        decode(message)
    bury(cluster, [Unstorable(b"key", message, str(refusal.value))])


def test_a_value_that_was_refused_is_quarantined_until_a_newer_one_is_measured():
    store("lab", [record(1, n, power_draw=1, temperature=40) for n in range(3)])
    assert queries.quarantined(["GPU-0001"]) == {
        "GPU-0001": {"count": 0, "last_at": None, "last_reason": None}
    }
    refuse(1, "temperature", "-300")
    assert queries.presence("GPU-0001")["temperature"] is Presence.MEASURED  # since
    refuse(5, "temperature", "4000")
    refuse(6, "DCGM_FI_DEV_POWER_USAGE", '"a lot"')
    presence = queries.presence("GPU-0001")
    assert presence["temperature"] is Presence.QUARANTINED
    assert presence["power_draw"] is Presence.QUARANTINED
    assert presence["gpu_utilization"] is Presence.UNSUPPORTED
    refused = queries.quarantined(["GPU-0001"], clusters=["lab"])["GPU-0001"]
    assert (refused["count"], refused["last_at"]) == (3, "2025-07-18T20:42:40.000000Z")
    assert refused["last_reason"].startswith("power_draw: ")
    store("lab", [record(1, 7, power_draw=2)])
    presence = queries.presence("GPU-0001")
    assert presence["power_draw"] is Presence.MEASURED
    assert presence["temperature"] is Presence.BLANK  # never a false 0
    DeadLetter.objects.all().delete()
    assert queries.quarantined(["GPU-0001"])["GPU-0001"]["count"] == 0


def test_what_another_cluster_publishes_about_a_gpu_is_not_believed():
    store("lab", [record(1, 0, temperature=40)])
    refuse(5, "temperature", "4000", cluster="other")
    assert queries.quarantined(["GPU-0001"])["GPU-0001"]["count"] == 0
    assert queries.presence("GPU-0001")["temperature"] is Presence.MEASURED
    assert queries.quarantined(["GPU-0001"], clusters=["other"]) == {}


def test_a_message_that_says_nothing_of_its_gpu_is_buried_all_the_same():
    values = [
        b"", b"[]", b"\xff", b'{"uuid": 7}', b'{"uuid": "a b"}', b'{"uuid": "' + b"x" * 300 + b'"}',
        b'{"uuid": "GPU-0001", "timestamp": "0001-01-01T00:00:00+14:00"}', b"[" * 100_000,
        b'{"uuid": "GPU-0001", "timestamp": 1e300}', b'{"u\\u0000": 1, "uuid": "GPU-0001"}',
    ]  # fmt: skip
    bury("lab", [Unstorable(b"%d" % n, value, "why") for n, value in enumerate(values)])
    found = DeadLetter.objects.order_by("pk").values_list("uuid", "timestamp")
    assert set(found[:6]) == {("", None)}
    assert list(found[6:]) == [("GPU-0001", None), ("", None), ("GPU-0001", None), ("", None)]
