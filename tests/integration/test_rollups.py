"""Roll-ups are what the samples amount to, whatever order they came in and whatever died."""

import os
import random
import signal
import threading
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from django.core.management import call_command
from django.db import connection, connections

from apps.telemetry.ingest import store
from apps.telemetry.models import (
    Gpu,
    HourRollup,
    MinuteRollup,
    RollupWatermark,
    SealedDay,
    TaskRun,
    TouchedHour,
    TouchedMinute,
)
from apps.telemetry.rollups import HOUR, MINUTE, RolledUp, is_complete, mark_day, roll_up
from apps.telemetry.rollups.columns import COLUMNS
from tests.integration import rollup_reference as reference
from tests.integration.records import START, record

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("fresh_process")]

METRICS = (
    "power_draw", "temperature", "energy_consumption_mj", "pcie_replay_total", "xid_error",
    "clock_event_reasons", "row_remap_pending",
)  # fmt: skip
LATER = START + timedelta(days=2)


class Crash(Exception):
    """The process dies here."""


def assert_exact():
    for level, step in ((MINUTE, reference.MINUTE), (HOUR, reference.HOUR)):
        wanted = reference.expected(step, METRICS)
        kept = reference.kept(level.table, METRICS)
        assert kept.keys() == wanted.keys()
        for key, row in wanted.items():
            assert kept[key] == {name: nearly(value) for name, value in row.items()}, key


def nearly(value):
    """An average may differ in digits that its column does not keep; nothing else may differ."""
    return pytest.approx(value, rel=1e-5) if isinstance(value, float) else value


def some_records(rng):
    """Samples of five GPUs over three hours: silences, resets, holes, and instants repeated."""
    records = []
    for gpu in range(5):
        second, energy, replays = rng.uniform(0, 600), rng.randrange(10**6), 5
        while second < 3 * 3600:
            second += rng.choice([1, 10, 30, 90, 400, 1500])
            energy = rng.randrange(1000) if rng.random() < 0.05 else energy + rng.randrange(10**6)
            replays += rng.random() < 0.1
            fields = {
                "power_draw": rng.uniform(50, 700), "temperature": float(rng.randrange(30, 90)),
                "energy_consumption_mj": energy, "pcie_replay_total": replays,
                "xid_error": rng.choice([0, 0, 13, 79]), "clock_event_reasons": rng.randrange(16),
                "row_remap_pending": rng.randrange(2),
            }  # fmt: skip
            some = {name: value for name, value in fields.items() if rng.random() < 0.8}
            rest = {name: value for name, value in fields.items() if name not in some}
            records.append(record(gpu, second, **some))
            if rng.random() < 0.3:
                records.append(record(gpu, second, **rest))
    return records


def crashing(at):
    """A wrapper of statements under which the `at`-th from now does not return."""
    left = [at]

    def execute(run, sql, params, many, context):
        left[0] -= 1
        if left[0] == 0:
            run(sql, params, many, context)
            raise Crash
        return run(sql, params, many, context)

    return execute


@pytest.mark.parametrize("seed", range(4))
def test_late_repeated_and_shuffled_data_with_crashes_give_what_a_fresh_start_gives(seed):
    rng = random.Random(seed)
    records = some_records(rng)
    rng.shuffle(records)
    while records:
        size = rng.randrange(1, 120)
        batch, records = records[:size], records[size:]
        store("lab", batch)
        records += rng.sample(batch, len(batch) // 10)  # arrives again
        if len(records) % 10 == 0 and records:
            records.pop()
        try:
            with connection.execute_wrapper(crashing(rng.randrange(1, 12))):
                roll_up(START + timedelta(seconds=rng.uniform(0, 4 * 3600)))
        except Crash:
            pass
    roll_up(LATER)
    assert_exact()
    assert not TouchedMinute.objects.exists()
    assert not TouchedHour.objects.exists()


def test_a_minute_waits_until_it_is_over():
    store("lab", [record(0, 0, power_draw=1.0)])
    over = datetime(2025, 7, 18, 20, 43, tzinfo=UTC)
    assert roll_up(over + timedelta(seconds=4)).minutes == 0
    assert roll_up(over + timedelta(seconds=5)).minutes == 1


def test_what_is_not_touched_is_not_made_again():
    store("lab", [record(gpu, second) for gpu in range(3) for second in (0, 60, 3600)])
    assert roll_up(LATER) == RolledUp(minutes=9, hours=6)
    assert roll_up(LATER) == RolledUp(0, 0)
    store("lab", [record(1, 61)])
    assert roll_up(LATER) == RolledUp(1, 1)
    store("lab", [record(1, 61)])  # the same again
    roll_up(LATER)
    assert_exact()


def test_a_counter_that_was_reset_counts_from_zero():
    values = [100, 150, 20, 30, 5]
    store("lab", [record(0, 5 * n, pcie_replay_total=value) for n, value in enumerate(values)])
    roll_up(LATER)
    row = reference.kept(MINUTE.table, METRICS).popitem()[1]
    assert row["pcie_replay_total_increase"] == 50 + 20 + 10 + 5
    assert (row["pcie_replay_total_first"], row["pcie_replay_total_last"]) == (100, 5)


def test_increases_within_and_between_buckets_add_up_to_what_the_counter_grew_by():
    store("lab", [record(0, 50 * n, energy_consumption_mj=1000 * n * n) for n in range(200)])
    roll_up(LATER)
    for level in (MINUTE, HOUR):
        rows = [row for _, row in sorted(reference.kept(level.table, METRICS).items())]
        total = rows[0]["energy_consumption_mj_increase"]
        for before, row in pairwise(rows):
            total += row["energy_consumption_mj_first"] - before["energy_consumption_mj_last"]
            total += row["energy_consumption_mj_increase"]
        assert total == 1000 * 199 * 199


def test_a_commit_that_lands_while_minutes_are_rolled_up_is_not_missed():
    store("lab", [record(0, 0, power_draw=1.0)])

    def late(run, sql, params, many, context):
        result = run(sql, params, many, context)
        if "DELETE FROM telemetry_touched_1m" in sql and not committed:
            committed.append(True)
            writer = threading.Thread(target=_store_apart, args=[record(0, 1, power_draw=9.0)])
            writer.start()
            writer.join()
        return result

    committed: list[bool] = []
    with connection.execute_wrapper(late):
        roll_up(LATER)
    assert committed
    roll_up(LATER)
    assert_exact()


def _store_apart(*records):
    store("lab", records)
    connections["default"].close()


def test_two_that_roll_up_at_once_do_not_undo_each_other():
    rng = random.Random(9)
    records = some_records(rng)

    def worker():
        for _ in range(8):
            roll_up(LATER)
        connections["default"].close()

    workers = [threading.Thread(target=worker) for _ in range(3)]
    for each in workers:
        each.start()
    for first in range(0, len(records), 100):
        store("lab", records[first : first + 100])
    for each in workers:
        each.join()
    roll_up(LATER)
    assert_exact()


def test_a_worker_that_is_killed_at_any_statement_loses_and_doubles_nothing():
    records = some_records(random.Random(3))
    killed = 0
    for statement in range(1, 200):
        store("lab", records[: 10 * statement])
        if not _rolls_up_until_killed(statement):
            break
        killed += 1
    assert killed > 10, "it was killed at too few places"
    store("lab", records)
    roll_up(LATER)
    assert_exact()


def _rolls_up_until_killed(statement):
    """Whether a process of its own was killed after so many statements of `roll_up`."""
    child = os.fork()
    if child == 0:
        connection.connection = None  # the parent's, not to be closed
        try:
            with connection.execute_wrapper(_killing(statement)):
                roll_up(LATER)
        finally:
            os._exit(0)
    _, status = os.waitpid(child, 0)
    return os.WIFSIGNALED(status)


def _killing(statement):
    left = [statement]

    def execute(run, sql, params, many, context):
        result = run(sql, params, many, context)
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    return execute


def test_the_watermark_says_up_to_when_roll_ups_are_complete_and_never_goes_back():
    roll_up(datetime(2025, 7, 18, 20, 43, 30, tzinfo=UTC))
    roll_up(datetime(2025, 7, 18, 12, tzinfo=UTC))
    until = dict(RollupWatermark.objects.values_list("resolution", "complete_until"))
    assert until == {
        "1m": datetime(2025, 7, 18, 20, 43, tzinfo=UTC),
        "1h": datetime(2025, 7, 18, 20, tzinfo=UTC),
    }


def test_roll_ups_of_a_day_whose_samples_are_gone_stay_as_they_are():
    store("lab", [record(0, second, power_draw=100.0) for second in range(120)])
    roll_up(LATER)
    before = reference.kept(MINUTE.table, METRICS)
    SealedDay.objects.create(day=START.date())
    store("lab", [record(0, 1.5, power_draw=1.0), record(0, 600, power_draw=7.0)])
    roll_up(LATER)
    after = reference.kept(MINUTE.table, METRICS)
    assert {key: after[key] for key in before} == before
    assert len(after) == len(before) + 1
    assert HourRollup.objects.get().count == 120


def test_ten_marks_of_one_minute_make_one_row():
    for second in range(10):
        store("lab", [record(0, second)])
    assert TouchedMinute.objects.count() == 10
    assert roll_up(LATER) == RolledUp(1, 1)
    assert MinuteRollup.objects.get().count == 10
    assert Gpu.objects.count() == 1


def test_the_tables_have_the_columns_of_the_registry():
    for level in (MINUTE, HOUR):
        with connection.cursor() as cursor:
            cursor.execute(f"SELECT * FROM {level.table} LIMIT 0")
            assert {column.name for column in cursor.description} == set(COLUMNS)


def test_a_day_is_complete_once_it_is_over_and_nothing_of_it_waits():
    day = START.date()
    assert not is_complete(day)
    store("lab", [record(0, 0)])
    roll_up(LATER)
    assert is_complete(day)
    store("lab", [record(0, 1)])
    assert not is_complete(day)
    roll_up(START)
    assert not is_complete(day)
    roll_up(LATER)
    assert is_complete(day)


def test_a_day_that_is_marked_is_made_anew():
    store("lab", [record(gpu, second) for gpu in (0, 1) for second in (0, 60)])
    roll_up(LATER)
    MinuteRollup.objects.all().delete()
    HourRollup.objects.all().delete()
    mark_day(START.date())
    assert roll_up(LATER) == RolledUp(4, 2)
    assert_exact()


def test_the_command_does_what_the_task_does():
    store("lab", [record(0, 0)])
    call_command("rollup")
    assert MinuteRollup.objects.count() == HourRollup.objects.count() == 1
    assert TaskRun.objects.get(name="telemetry.roll_up").succeeded_at
