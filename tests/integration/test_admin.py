"""The admin: what it shows, and that no page's cost grows with the rows behind it."""

import json
import os
from datetime import timedelta
from pathlib import Path

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from apps.telemetry.models import (
    Cluster,
    Gpu,
    Host,
    LatestSample,
    QueueSnapshot,
    Sample,
    TaskRun,
)
from tests.fleet_rows import make_gpu, make_samples

BASELINE = Path(__file__).parents[1] / "baselines" / "admin_statements.json"

pytestmark = pytest.mark.django_db


@pytest.fixture
def admin(client):
    client.force_login(User.objects.create_superuser("admin"))
    return client


@pytest.fixture
def fleet():
    """Two hosts of 4 GPUs with 30 samples each, one GPU that reports, one that never did."""
    for hostname in ("host-1", "host-2"):
        for index in range(4):
            make_samples(make_gpu(hostname, index), 30, gpu_utilization=50.0)
    make_samples(make_gpu("host-3", 0), 1, timezone.now(), temperature=61.0)
    make_gpu("host-3", 1)


def page(client, name, key=None, **query):
    """The text of an admin page and the statements that it took."""
    action, args = ("changelist", []) if key is None else ("change", [key])
    address = reverse(f"admin:telemetry_{name}_{action}", args=args)
    with CaptureQueriesContext(connection) as captured:
        response = client.get(address, query, follow=True)
    assert response.status_code == 200
    return response.content.decode(), [query["sql"] for query in captured.captured_queries]


def pages(client):
    """Every page of the fleet in the admin, by name."""
    newest = LatestSample.objects.latest("timestamp").gpu.uuid
    return {
        "clusters": page(client, "cluster"),
        "cluster": page(client, "cluster", Cluster.objects.earliest("pk").pk),
        "hosts": page(client, "host"),
        "host": page(client, "host", Host.objects.earliest("pk").pk),
        "GPUs": page(client, "gpu"),
        "GPUs searched": page(client, "gpu", q="host-1"),
        "GPUs filtered": page(client, "gpu", state="lost"),
        "GPU": page(client, "gpu", Gpu.objects.earliest("pk").pk),
        "latest samples": page(client, "latestsample"),
        "samples": page(client, "samplerow", gpu=newest),
    }


def test_the_statements_of_a_page_are_those_of_the_baseline_however_many_rows(admin, fleet):
    """With OVERWRITE_BASELINES=1 the baseline is written anew; its diff is the review."""
    pages(admin)  # Django looks content types up once per process
    before = {name: len(statements) for name, (_, statements) in pages(admin).items()}
    for index in range(4, 40):
        make_samples(make_gpu("host-1", index), 5)
        make_samples(make_gpu(f"other-{index}", 0), 5)
    after = {name: len(statements) for name, (_, statements) in pages(admin).items()}
    assert after == before
    if os.environ.get("OVERWRITE_BASELINES"):
        BASELINE.write_text(json.dumps(after, indent=2) + "\n")
    assert after == json.loads(BASELINE.read_text())


def test_samples_are_never_counted_and_read_one_page_at_a_time_by_their_key(admin, fleet):
    for statement in _sample_statements(admin):
        assert "COUNT(" not in statement.upper()
        assert 'WHERE "telemetry_sample"."gpu_id" = ' in statement
        assert 'ORDER BY "telemetry_sample"."timestamp" DESC' in statement
        assert "LIMIT 101" in statement


def test_a_request_for_counts_beside_the_filters_of_samples_counts_nothing(admin, fleet):
    assert not [sql for sql in _sample_statements(admin, _facets="True") if "COUNT" in sql.upper()]


def test_the_samples_of_a_gpu_are_found_through_the_index(admin, fleet):
    (statement,) = _sample_statements(admin)
    with connection.cursor() as cursor:
        # So few rows would be sorted whatever index there is.
        cursor.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        cursor.execute(f"EXPLAIN {statement}")
        plan = "\n".join(line for (line,) in cursor.fetchall())
    assert "Index Scan Backward" in plan
    assert "Sort" not in plan


def _sample_statements(client, **query):
    _, statements = page(client, "samplerow", gpu="GPU-host-1-0", **query)
    found = [statement for statement in statements if '"telemetry_sample"' in statement]
    assert found
    return found


def test_samples_without_a_chosen_gpu_are_those_of_the_gpu_that_reported_last(admin, fleet):
    text, _ = page(admin, "samplerow")
    assert "Samples of GPU-host-3-0" in text


def test_samples_of_an_unknown_gpu_are_none(admin, fleet):
    text, statements = page(admin, "samplerow", gpu="GPU-unknown")
    assert "Page 1" in text
    assert not [statement for statement in statements if '"telemetry_sample"' in statement]


def test_samples_are_paged_from_the_newest_to_the_oldest(admin):
    make_samples(make_gpu(), 150)
    first, _ = page(admin, "samplerow", gpu="GPU-host-1-0")
    second, _ = page(admin, "samplerow", gpu="GPU-host-1-0", p=2)
    assert "20:45:03.000Z" in first
    assert "20:42:34.000Z" not in first
    assert ("Older" in first, "Newer" in first) == (True, False)
    assert "20:42:34.000Z" in second
    assert ("Older" in second, "Newer" in second) == (False, True)


def test_samples_of_a_day_are_chosen_among_the_days_that_there_are(admin):
    make_samples(make_gpu(), 3)
    day = Sample.objects.earliest("timestamp").timestamp.date()
    chosen, statements = page(admin, "samplerow", gpu="GPU-host-1-0", day=f"{day}")
    other, _ = page(admin, "samplerow", gpu="GPU-host-1-0", day=f"{day + timedelta(days=1)}")
    nonsense, _ = page(admin, "samplerow", gpu="GPU-host-1-0", day="yesterday")
    assert f"{day:%a %Y-%m-%d}" in chosen
    assert ("20:42:34.000Z" in chosen, "20:42:34.000Z" in other) == (True, False)
    assert "20:42:34.000Z" in nonsense
    assert not [one for one in statements if "DISTINCT" in one or "date_trunc" in one.lower()]


def test_an_empty_database_has_pages_too(admin):
    for name in ("cluster", "host", "gpu", "latestsample", "samplerow"):
        page(admin, name)


def test_gpus_show_whether_they_report(admin, fleet):
    reporting, _ = page(admin, "gpu", state="reporting")
    lost, _ = page(admin, "gpu", state="lost")
    never_seen, _ = page(admin, "gpu", state="never_seen")
    assert "GPU-host-3-0" in reporting
    assert "GPU-host-1-0" not in reporting
    assert "GPU-host-1-0" in lost
    assert "<b>lost</b> for" in lost
    assert "GPU-host-3-1" in never_seen
    assert "GPU-host-1-0" not in never_seen
    assert "reporting, 1 of 2 GPUs" in page(admin, "host")[0]


def test_a_gpu_shows_the_values_of_its_latest_sample_with_their_units(admin, fleet):
    text, _ = page(admin, "gpu", Gpu.objects.get(uuid="GPU-host-3-0").pk)
    assert "<th>temperature (°C)</th><td>61</td>" in text


def test_counts_link_to_the_rows_they_count(admin, fleet):
    host = Host.objects.get(hostname="host-1")
    text, _ = page(admin, "host")
    assert f'href="/admin/telemetry/gpu/?host__id__exact={host.pk}">4</a>' in text
    listed, _ = page(admin, "gpu", host__id__exact=host.pk)
    assert "GPU-host-1-3" in listed
    assert "GPU-host-2-3" not in listed


def test_hosts_and_gpus_link_to_their_charts(admin, fleet):
    hosts, gpus = page(admin, "host")[0], page(admin, "gpu")[0]
    assert 'href="/hosts/host-1?cluster=default">charts</a>' in hosts
    assert 'href="/gpus/GPU-host-1-0?">charts</a>' in gpus
    assert admin.get("/gpus/GPU-host-1-0").status_code == 200


@pytest.mark.parametrize("name", ["host", "gpu", "cluster"])
def test_what_the_pipeline_writes_cannot_be_added_by_hand(admin, name):
    assert admin.get(reverse(f"admin:telemetry_{name}_add")).status_code == 403


@pytest.mark.parametrize("name", ["samplerow", "latestsample"])
def test_one_sample_has_no_page(admin, fleet, name):
    for key in ("1", Sample.objects.earliest("timestamp").timestamp.isoformat(), "add"):
        assert admin.get(f"/admin/telemetry/{name}/{key}/change/").status_code == 404


def test_only_the_name_of_a_cluster_can_be_changed(admin, fleet):
    cluster = Cluster.objects.get()
    address = reverse("admin:telemetry_cluster_change", args=[cluster.pk])
    admin.post(address, {"name": "Room 1", "slug": "other"})
    cluster.refresh_from_db()
    assert (cluster.name, cluster.slug) == ("Room 1", "default")


def test_a_gpu_that_was_retired_can_be_deleted(admin, fleet):
    gpu = Gpu.objects.get(uuid="GPU-host-1-0")
    address = reverse("admin:telemetry_gpu_delete", args=[gpu.pk])
    assert admin.get(address).status_code == 200
    admin.post(address, {"post": "yes"})
    assert not Gpu.objects.filter(pk=gpu.pk).exists()


def test_only_staff_see_the_admin(client, fleet):
    client.force_login(User.objects.create_user("reader"))
    response = client.get(reverse("admin:telemetry_gpu_changelist"))
    assert response.status_code == 302
    assert "/admin/login/" in response.headers["Location"]


def test_tasks_and_the_past_of_the_queue_are_shown_and_cannot_be_edited(admin):
    TaskRun.objects.create(
        name="telemetry.test", host="node-1", started_at=timezone.now(),
        finished_at=timezone.now(), failed_at=timezone.now(), error="OSError: no space left",
    )  # fmt: skip
    QueueSnapshot.objects.create(
        cluster="site-1", messages=4711, oldest_age_s=1.5, collectors=2, streamers=3
    )
    tasks, _ = page(admin, "taskrun")
    assert "telemetry.test" in tasks
    assert "failed" in tasks
    assert "no space left" in page(admin, "taskrun", "telemetry.test")[0]
    assert "4711" in page(admin, "queuesnapshot")[0]
    assert admin.post(reverse("admin:telemetry_taskrun_add")).status_code == 403
