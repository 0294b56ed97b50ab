"""What the archive alone has is answered as it was before, byte for byte."""

from datetime import timedelta
from functools import partial
from typing import Any
from unittest.mock import patch

import pytest
from django.db import transaction

from apps.telemetry import queries
from apps.telemetry.archive.day import archive_day
from apps.telemetry.archive.restore import bring_back
from apps.telemetry.ingest import store
from apps.telemetry.partitions import partition_name
from apps.telemetry.queries import (
    COLUMNS,
    EVERY_GPU,
    GpuChoice,
    Order,
    archived_count,
    export_samples,
    extent,
    fleet_archived,
    fleet_telemetry_json,
    gpu_telemetry_json,
    latest_archived,
    sample_export,
    summaries,
)
from apps.telemetry.queries.batched import Excerpt, telemetry_of
from apps.telemetry.retention import apply_retention
from apps.telemetry.rollups import roll_up
from tests.integration.archiving import DAY, NEXT, at, fill
from tests.integration.records import record

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.usefixtures("fresh_process", "no_history"),
]
THIRD = NEXT + timedelta(days=1)
GPU = "GPU-0001"

WINDOWS: list[dict[str, Any]] = [
    {},
    {"start": at(3)},
    {"end": at(4)},
    {"start": at(2), "end": at(5)},
    {"start": at(4), "end": at(2, NEXT)},
    {"start": at(-99999), "end": at(0) - timedelta.resolution},
    {"start": at(3), "end": at(3)},
    {"start": at(1, THIRD)},
]


@pytest.fixture
def three_days():
    """Two GPUs with eight samples on each of three days, with values that are awkward to print."""
    for day in (DAY, NEXT, THIRD):
        fill(2, 8, day)
    odd = [
        record(1, 0, timestamp=at(0.123457), power_draw=65.12345678901234, temperature=33.3333,
               energy_consumption_mj=9_007_199_254_740_993, extra={"ü": [1.0, None, "a\"b"]}),
        record(1, 0, timestamp=at(7.000001)),
    ]  # fmt: skip
    store("lab", odd)


def move_to_archive(*days):
    for day in days:
        archive_day(day)
    outcomes = apply_retention(margin=timedelta(0), is_complete=lambda day: day in days)
    gone = {outcome.partition for outcome in outcomes if not outcome.kept}
    assert gone >= {partition_name(day) for day in days}


CHOICES = [EVERY_GPU, GpuChoice(uuid=GPU), GpuChoice(hostname="host-0", clusters=["lab"])]
UUIDS = ["GPU-0000", GPU, "GPU-none"]


def pages(read):
    """Every page there is, forth and then back, where `read(cursor)` is one."""
    found, cursor = [], None
    while True:
        page = read(cursor)
        found.append((page.results, page.count))
        if page.next is None:
            break
        cursor = page.next
    while page.previous is not None:
        page = read(page.previous)
        found.append((page.results, page.count))
    return found


def pages_of_a_gpu(windows=WINDOWS):
    return [
        pages(lambda cursor, asked=asked: gpu_telemetry_json(GPU, cursor=cursor, **asked))
        for window in windows for limit in (5, 100) for order in Order
        for asked in [{**window, "limit": limit, "order": order}]
    ]  # fmt: skip


def pages_of_the_fleet():
    return [
        pages(lambda cursor, asked=asked: fleet_telemetry_json(cursor=cursor, **asked))
        for number, window in enumerate(WINDOWS) for limit in (7, 100) for order in Order
        for asked in [{**window, "choice": CHOICES[number % 3], "limit": limit, "order": order}]
    ]  # fmt: skip


def telemetry_of_many():
    return [
        telemetry_of(UUIDS, Excerpt(**window, limit=limit, order=order, after=after))
        for window in WINDOWS for limit in (9, 100) for order in Order
        for after in (None, at(3))
    ]  # fmt: skip


def files(batch_rows=250_000, windows=WINDOWS):
    """Exports as JSON and as CSV: every window, order and choice, and some first rows."""
    with patch.object(sample_export, "BATCH_ROWS", batch_rows):
        return [
            b"".join(made)
            for number, window in enumerate(windows)
            for export in (
                export_samples(
                    CHOICES[number % len(CHOICES)], **({"start": None, "end": None} | window),
                    order=order, limit=limit, columns=COLUMNS,
                )
                for order, limit in zip(Order, (None, (11, None)[number % 2]), strict=True)
            )
            for made in (export.lines(), export.table(escape_formulas=True))
        ]  # fmt: skip


def all_summaries():
    return [
        summaries(UUIDS, **window, clusters=clusters)
        for window in WINDOWS for clusters in (None, ["lab"], ["other"])
    ]  # fmt: skip


def extents():
    return [
        extent(choice, **({"start": None, "end": None} | window), at_most=at_most)
        for choice in CHOICES for window in WINDOWS for at_most in (5, 1000)
    ]  # fmt: skip


QUESTIONS = {
    "pages of a GPU": pages_of_a_gpu,
    "pages of the fleet": pages_of_the_fleet,
    "telemetry of many GPUs": telemetry_of_many,
    "summaries": all_summaries,
    "the extent of a window": extents,
    "files": files,
    "files made of batches of 12": partial(files, 12, WINDOWS[::2]),
    "files made of single rows": partial(files, 1, WINDOWS[1::2]),
}


@pytest.mark.parametrize("ask", QUESTIONS.values(), ids=QUESTIONS)
def test_the_answer_is_the_same_before_and_after(three_days, ask):
    before = ask()
    move_to_archive(DAY)
    assert ask() == before
    move_to_archive(NEXT, THIRD)
    assert ask() == before
    bring_back(DAY)
    assert ask() == before


def test_metrics_are_chosen_from_the_archive_too(three_days):
    move_to_archive(DAY, NEXT)
    chosen = telemetry_of([GPU], Excerpt(limit=3), columns=["power_draw"])
    assert list(chosen[GPU][0]) == ["timestamp", "power_draw"]
    counted = summaries([GPU], metrics=["power_draw"], end=at(4))[GPU]
    assert counted["power_draw"]["count"] == 6


def test_a_transaction_reads_the_same_from_the_archive(three_days):
    before = all_summaries()
    move_to_archive(DAY, NEXT)
    with transaction.atomic():
        assert all_summaries() == before


def test_a_day_too_large_to_look_into_counts_as_the_most(three_days, monkeypatch):
    move_to_archive(DAY)
    monkeypatch.setattr(archived_count, "MAX_READ", 10)
    found = extent(EVERY_GPU, start=at(3), end=at(4), at_most=1000)
    assert (found.samples, found.first_at, found.last_at) == (1000, at(3), at(4))


def test_more_of_a_day_than_can_be_put_in_order_is_refused_with_what_to_do(
    three_days, client, settings, monkeypatch
):
    settings.PUBLIC_READ = True
    move_to_archive(DAY)
    monkeypatch.setattr(fleet_archived, "MAX_READ", 10)
    refused = client.get("/api/v1/telemetry")
    assert refused.status_code == 400
    assert refused.json()["parameter"] == "start_time"
    assert "choose fewer GPUs" in refused.json()["detail"]
    assert client.get("/api/v1/telemetry", {"gpu": GPU}).status_code == 200
    later = client.get("/api/v1/telemetry", {"order": "desc", "limit": 5})
    assert len(later.json()["results"]) == 5


def test_late_data_show_at_once_and_join_what_is_archived(three_days):
    store("lab", [record(1, 0, timestamp=at(20), power_draw=1)])
    complete = [record(1, 0, timestamp=at(2), memory_temperature=70, extra={"job": 7})]
    move_to_archive(DAY)
    store("lab", complete)
    early = gpu_telemetry_json(GPU, end=at(99)).results
    bring_back(DAY)
    assert gpu_telemetry_json(GPU, end=at(99)).results == early
    assert '"memory_temperature":70' in early
    assert '"extra":{"job": 7, "pod": "p-1"}' in early


def test_a_sample_that_is_archived_and_came_again_is_counted_once(three_days):
    before, spans = [pages_of_a_gpu(WINDOWS[:1]), files()], extents()
    move_to_archive(DAY, NEXT)
    again = [record(1, 0, timestamp=at(2), temperature=42), record(0, 0, timestamp=at(5))]
    store("lab", again)
    assert [
        page.count for page in (gpu_telemetry_json(GPU), gpu_telemetry_json(GPU, end=at(4)))
    ] == [26, 6]
    assert extents() == spans
    assert [pages_of_a_gpu(WINDOWS[:1]), files()] == before


def bodies(client):
    """What the API answers about the three days, in every form."""
    asked = [
        f"{path}{form}"
        for path in (f"/api/v1/gpus/{GPU}/telemetry?", "/api/v1/telemetry?hostname=host-0&")
        for form in ("", "format=csv", "format=ndjson", "format=parquet", "format=arrow",
                     "resolution=auto&limit=500", "resolution=auto&limit=3")
    ]  # fmt: skip
    asked += [f"/api/v1/gpus/{GPU}/telemetry/summary"]
    answers = [client.get(path) for path in asked]
    assert {answer.status_code for answer in answers} == {200}
    return [b"".join(a.streaming_content) if a.streaming else a.content for a in answers]


def test_every_form_of_answer_is_the_same_before_and_after(three_days, client, settings):
    settings.PUBLIC_READ = True
    settings.RETENTION_1M = settings.RETENTION_1H = timedelta(days=36_500)
    roll_up()
    before = bodies(client)
    move_to_archive(DAY, NEXT)
    assert bodies(client) == before


def test_minutes_that_are_not_kept_so_long_are_refused_rather_than_left_out(
    three_days, client, settings
):
    settings.PUBLIC_READ = True
    roll_up()
    path = f"/api/v1/gpus/{GPU}/telemetry"
    before = client.get(path, {"resolution": "1h"}).content
    settings.RETENTION_1H = timedelta(days=36_500)
    move_to_archive(DAY)
    refused = client.get(path, {"resolution": "1m"})
    assert (refused.status_code, refused.json()["parameter"]) == (400, "resolution")
    assert "raw" in refused.json()["detail"]
    assert client.get(path, {"resolution": "1h"}).content == before
    query = f'{{ gpu(uuid: "{GPU}") {{ telemetry(resolution: MINUTE) {{ timestamp }} }} }}'
    told = client.post("/graphql", {"query": query}, content_type="application/json").json()
    assert told["errors"][0]["extensions"]["parameter"] == "resolution"


def test_auto_gives_samples_where_nothing_else_is_kept(three_days, client, settings, monkeypatch):
    settings.PUBLIC_READ = True
    monkeypatch.setattr(queries, "resolution_for", lambda *_: queries.Resolution.MINUTE)
    roll_up()
    move_to_archive(DAY)
    answer = client.get(f"/api/v1/gpus/{GPU}/telemetry", {"resolution": "auto"}).json()
    assert (answer["resolution"], answer["count"]) == ("raw", 26)


def test_the_api_answers_the_same_and_says_when_a_file_is_missing(
    three_days, client, settings, no_history
):
    settings.PUBLIC_READ = True
    path = f"/api/v1/gpus/{GPU}/telemetry"
    before = client.get(path, {"resolution": "raw"})
    assert before.status_code == 200
    move_to_archive(DAY)
    assert client.get(path, {"resolution": "raw"}).content == before.content
    (no_history / f"cluster=lab/date={DAY}/part-0.parquet").unlink()
    away = client.get(path, {"resolution": "raw"})
    assert away.status_code == 503
    assert "archive" in away.json()["detail"]


MOMENTS = [at(-1), at(0), at(3.5), at(9), at(607), at(2, NEXT), at(-43_195, NEXT), at(1, THIRD)]


def fleet_then():
    """The fleet at moments of archived days and others, in every form."""
    found: list[Any] = []
    for moment in MOMENTS:
        for choice in CHOICES:
            latest = queries.latest_json(choice, at=moment, columns=["power_draw", "extra"])
            export = queries.export_latest(choice, state=None, columns=COLUMNS, at=moment)
            found += [latest, list(export.lines()), list(export.table(escape_formulas=True))]
    return found


def test_the_fleet_at_a_moment_is_the_same_before_and_after(three_days):
    midnight = at(-43_200, NEXT)
    store("lab", [record(0, 0, timestamp=midnight - timedelta(seconds=2), power_draw=7.5)])
    before = fleet_then()
    move_to_archive(DAY, NEXT)
    assert fleet_then() == before
    # Late data of an archived moment: what it tells is newer, the rest is as it was.
    assert '"power_draw":88' not in before[0].results
    store("lab", [record(0, 0, timestamp=at(3), power_draw=88.0)])
    late = queries.latest_json(GpuChoice(uuid="GPU-0000"), at=at(3))
    assert '"power_draw":88' in late.results
    assert '"temperature":43' in late.results


def test_a_moment_of_too_many_archived_samples_says_what_to_do(three_days, monkeypatch):
    monkeypatch.setattr(latest_archived, "MAX_LOOKED_AT", 15)
    move_to_archive(DAY)
    with pytest.raises(queries.TooManyArchived, match="choose fewer GPUs"):
        queries.latest_json(at=at(3))
    assert queries.latest_json(GpuChoice(uuid=GPU), at=at(3)).count == 1
