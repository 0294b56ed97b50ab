"""The streamer's steps, with sources and a publisher that are lists."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest

from apps.mq import Message
from apps.telemetry.records import Record, decode
from workers.restamp import Restamp
from workers.sources.draft import draft_of
from workers.sources.source import Chunk, Rejection, SourceError
from workers.streamer.progress import Lines
from workers.streamer.report import LOGGED_PER_SOURCE, SHOWN, Report
from workers.streamer.streamer import Streamer, Timing
from workers.streamer.summary import Summary
from workers.streamer.work import Task

FIRST = datetime(2025, 1, 1, tzinfo=UTC)


@dataclass
class ListPublisher:
    batches: list[Sequence[Message]] = field(default_factory=list)
    after: Callable[[], None] | None = None
    flushed: int = 0

    @property
    def acknowledged(self):
        return sum(map(len, self.batches[: self.flushed]))

    def publish(self, messages):
        self.batches.append(messages)
        if self.after:
            self.after()

    def flush(self):
        self.flushed = len(self.batches)

    def close(self):
        pass

    @property
    def records(self):
        return [decode(message.value) for batch in self.batches for message in batch]


@dataclass
class ListSource:
    pieces: list[list[Record]]
    name: str = "list"
    error: SourceError | None = None
    total_bytes = 100

    def chunks(self):
        for piece in self.pieces:
            yield Chunk(len(piece), 10, list(map(draft_of, piece)), resume_at=10)
        if self.error:
            raise self.error


class ListWork:
    """Work that is found by a function, once or for ever."""

    def __init__(self, find, loop=False, lasting=False):
        self._find, self._loop, self.lasting = find, loop, lasting
        self.over = False
        self.settled = []
        self.given_up = []

    def look(self):
        if self.settled or self.given_up:
            self.over = not self._loop
        return [] if self.over else [Task(s.name, s, limit=100) for s in self._find()]

    def settle(self, task, offset):
        self.settled.append((task.name, offset))

    def give_up(self, task):
        self.given_up.append(task.name)


class Steps:
    """A progress that keeps what it is told."""

    def __init__(self):
        self.totals, self.done = [], []

    def begin_pass(self, total_bytes):
        self.totals.append(total_bytes)

    def update(self, bytes_done):
        self.done.append(bytes_done)


def records(count, start=0):
    return [
        Record(timestamp=FIRST + timedelta(seconds=n), gpu_id=n % 8, hostname="h", uuid=f"GPU-{n}")
        for n in range(start, start + count)
    ]


@pytest.fixture
def publisher():
    return ListPublisher()


@pytest.fixture
def make(publisher):
    def build(**options):
        stop = options.pop("stop", threading.Event())
        options = {"batch_size": 10, **options}
        return Streamer(publisher, Report(), options.pop("progress", Steps()), stop, **options)

    return build


def test_every_record_is_published_once_in_order_and_flushed(make, publisher):
    sources = [ListSource([records(7), records(8, 7)]), ListSource([records(4, 15)])]
    assert make().run(ListWork(lambda: sources))
    assert publisher.records == records(19)
    assert publisher.acknowledged == 19


def test_batches_are_full_across_chunks_and_sources(make, publisher):
    sources = [ListSource([records(7), records(18, 7)]), ListSource([records(4, 25)])]
    make().run(ListWork(lambda: sources))
    assert [len(batch) for batch in publisher.batches] == [10, 10, 9]


def test_a_message_names_the_host_and_the_index_of_its_gpu(make, publisher):
    make().run(ListWork(lambda: [ListSource([records(3)])]))
    assert [(m.hostname, m.gpu_id) for m in publisher.batches[0]] == [
        ("h", "0"),
        ("h", "1"),
        ("h", "2"),
    ]


def test_a_source_that_fails_is_reported_and_the_others_go_on(make, publisher):
    streamer = make()
    sources = [
        ListSource([records(3)], error=SourceError("a: broken")),
        ListSource([records(2, 3)]),
    ]
    assert streamer.run(ListWork(lambda: sources))
    assert publisher.records == records(5)
    assert streamer._report.failures == ["a: broken"]


def test_a_stop_ends_the_reading_and_what_was_read_is_published(make, publisher):
    stop = threading.Event()
    publisher.after = stop.set
    sources = [ListSource([records(25), records(25, 25)]), ListSource([records(5, 50)])]
    assert not make(stop=stop).run(ListWork(lambda: sources))
    assert publisher.records == records(25)
    assert publisher.acknowledged == 25


def test_a_stop_at_the_very_end_is_no_interruption(make, publisher):
    stop = threading.Event()
    publisher.after = stop.set
    assert make(stop=stop).run(ListWork(lambda: [ListSource([records(25)])]))
    assert publisher.records == records(25)


def test_under_a_rate_a_stop_leaves_what_waits_for_its_turn(make, publisher):
    stop = threading.Event()
    publisher.after = stop.set
    streamer = make(stop=stop, timing=Timing(rate=100.0))
    assert not streamer.run(ListWork(lambda: [ListSource([records(50)])]))
    assert len(publisher.records) == 5


def test_a_loop_repeats_until_told_to_stop_and_looks_for_sources_again(make, publisher):
    stop = threading.Event()
    looks = []

    def find():
        looks.append(1)
        if len(looks) == 3:
            publisher.after = stop.set
        return [ListSource([records(4)])]

    streamer = make(stop=stop, timing=Timing(restamp=Restamp()))
    streamer.run(ListWork(find, loop=True))
    assert len(looks) == 3
    assert len({record.timestamp for record in publisher.records}) == 12


def test_a_loop_without_anything_to_read_waits_for_the_stop(make):
    stop = threading.Event()
    looks = []

    def find():
        looks.append(1)
        if len(looks) == 2:
            stop.set()
        return []

    make(stop=stop).run(ListWork(find, loop=True))
    assert len(looks) == 2


def test_what_is_read_is_settled_once_it_is_acknowledged(make, publisher):
    work = ListWork(lambda: [ListSource([records(15)], "a"), ListSource([records(4, 15)], "b")])
    work.lasting = True
    settled_after = []
    settle = work.settle

    def noting(task, offset):
        settled_after.append(publisher.acknowledged)
        settle(task, offset)

    work.settle = noting  # type: ignore[method-assign]
    assert make().run(work)
    assert work.settled == [("a", 100), ("b", 100)]
    assert settled_after == [15, 19]


def test_what_was_read_before_a_stop_is_settled_up_to_there(make, publisher):
    stop = threading.Event()
    publisher.after = stop.set
    work = ListWork(lambda: [ListSource([records(25), records(25, 25)])], lasting=True)
    assert not make(stop=stop).run(work)
    assert work.settled == [("list", 10)]
    assert publisher.acknowledged == 25


def test_what_waits_for_its_turn_under_a_rate_is_not_settled(make, publisher):
    stop = threading.Event()
    publisher.after = stop.set
    work = ListWork(lambda: [ListSource([records(50)])], lasting=True)
    assert not make(stop=stop, timing=Timing(rate=100.0)).run(work)
    assert work.settled == []


def test_a_source_that_fails_is_given_up_and_not_settled(make):
    work = ListWork(
        lambda: [ListSource([records(3)], error=SourceError("a: broken"))], lasting=True
    )
    assert make().run(work)
    assert (work.given_up, work.settled) == (["list"], [])


def test_restamped_records_of_one_instant_stay_together(make, publisher):
    same = [Record(timestamp=FIRST, gpu_id=n, hostname="h", uuid=f"GPU-{n}") for n in range(25)]
    before = datetime.now(UTC)
    make(timing=Timing(restamp=Restamp())).run(ListWork(lambda: [ListSource([same])]))
    (timestamp,) = {record.timestamp for record in publisher.records}
    assert before <= timestamp <= datetime.now(UTC)


def test_progress_counts_the_bytes_of_a_pass_over_all_sources(make):
    steps = Steps()
    sources = [ListSource([records(15)]), ListSource([records(15)])]
    make(progress=steps).run(ListWork(lambda: sources))
    assert steps.totals == [200]
    assert steps.done == sorted(steps.done)
    assert steps.done[-1] == 20


def test_progress_lines_come_every_few_seconds_and_later_every_minute(monkeypatch, caplog):
    now = 0.0
    monkeypatch.setattr("workers.streamer.progress.time.monotonic", lambda: now)
    caplog.set_level("INFO")
    lines = Lines(Report(rows_read=10, records=8))
    lines.begin_pass(200)
    said_at: list[float] = []
    while now < 600:
        now += 1.0
        lines.update(100)
        if len(caplog.records) > len(said_at):
            said_at.append(now)
    assert caplog.records[0].getMessage() == (
        "10 rows read (50 %), 0 rejected, 8 records, 2 records/s"
    )
    gaps = [after - before for before, after in pairwise([0.0, *said_at])]
    assert gaps == sorted(gaps)
    assert (gaps[0], gaps[-1]) == (5.0, 60.0)


def rejecting(count, source="a.csv"):
    return Chunk(rows=count, rejections=[Rejection(source, n + 2, "bad") for n in range(count)])


def test_a_report_logs_the_first_rejections_of_each_source_and_counts_the_rest(caplog):
    report = Report()
    for _ in range(3):
        report.add(rejecting(LOGGED_PER_SOURCE - 5))
    report.add(rejecting(1, "b.csv"))
    assert report.rows_rejected == 3 * (LOGGED_PER_SOURCE - 5) + 1
    messages = [record.getMessage() for record in caplog.records]
    assert messages[0] == "rejected a.csv:2: bad"
    assert sum(message.startswith("rejected a.csv") for message in messages) == LOGGED_PER_SOURCE
    assert sum("further rejected rows" in message for message in messages) == 1
    assert messages[-1] == "rejected b.csv:2: bad"


def test_a_failure_is_told_once_however_often_it_happens(caplog):
    report = Report()
    for _ in range(3):
        report.source_failed(SourceError("a.csv: is empty"))
    assert report.failures == ["a.csv: is empty"]
    assert len(caplog.records) == 1


def test_the_summary_shows_the_first_rejections_and_counts_the_further_ones():
    report = Report()
    report.add(rejecting(SHOWN + 7))
    report.source_failed(SourceError("b.csv: is empty"))
    text = Summary(report, records_published=0, seconds=2.0).text()
    assert f"rows read          {SHOWN + 7}\n" in text
    assert "  a.csv:2: bad\n" in text
    assert "  and 7 more\n" in text
    assert text.endswith("not read:\n  b.csv: is empty")


def test_the_summary_in_json_is_one_line():
    report = Report(rows_read=5, rows_rejected=1, records=4)
    assert Summary(report, 4, 1.23456).json() == (
        '{"rows_read": 5, "rows_rejected": 1, "records_published": 4, "seconds": 1.235}'
    )
