"""Runs of live sources, with sources and a publisher that do what a test wants."""

import logging
import threading
import time
from datetime import UTC, datetime

import pytest

from apps.telemetry.records import decode
from workers.live import metrics
from workers.live.run import run_live
from workers.live.ticks import first_tick
from workers.sources.draft import Draft
from workers.sources.source import Chunk, SourceError
from workers.streamer.report import Report

WAIT_S = 20


class Kept:
    """A publisher that keeps what it is given."""

    acknowledged = 0

    def __init__(self):
        self.values = []
        self.flushed = 0

    def publish(self, messages):
        self.values += [message.value for message in messages]

    def flush(self):
        self.flushed = len(self.values)

    def close(self):
        pass

    def hosts(self):
        return [decode(value).hostname for value in self.values]


class Source:
    """A source that gives one record a time, or raises what it is told to."""

    def __init__(self, name="a", *, shared=True):
        self.name = name
        self.shared = shared
        self.error = None
        self.samples = 0
        self.is_closed = False
        self.hold = threading.Event()
        self.hold.set()
        self.at_once = self.most_at_once = 0

    def sample(self):
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        self.hold.wait(WAIT_S)
        self.samples += 1
        self.at_once -= 1
        if self.error:
            raise self.error
        body = f',"gpu_id":0,"hostname":"{self.name}","uuid":"GPU-{self.name}"}}'.encode()
        return Chunk(1, 1, [Draft(datetime.now(UTC), self.name, "0", body)], [])

    def close(self):
        self.is_closed = True


class Run:
    """A run in a thread."""

    def __init__(self, sources, is_mine=lambda name: True, interval_s=0.02):
        self.sources = sources
        self.publisher = Kept()
        self.report = Report()
        self.stop = threading.Event()
        self.published = None
        self._thread = threading.Thread(target=self._run, args=(is_mine, interval_s))
        self._thread.start()

    def _run(self, is_mine, interval_s):
        self.published = run_live(
            lambda: list(self.sources), self.publisher, self.report, self.stop, interval_s, is_mine
        )

    def end(self):
        self.stop.set()
        self._thread.join(WAIT_S)
        assert not self._thread.is_alive()


@pytest.fixture
def start():
    """A function that begins a run, which is ended."""
    runs = []

    def begin(*arguments, **options):
        runs.append(Run(*arguments, **options))
        return runs[-1]

    yield begin
    for run in runs:
        run.end()


def until(is_so):
    deadline = time.monotonic() + WAIT_S
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_every_source_is_sampled_again_and_again_and_all_is_acknowledged(start):
    sources = [Source(name) for name in "abc"]
    run = start(sources)
    until(lambda: min(run.publisher.hosts().count(name) for name in "abc") >= 3)
    run.end()
    assert run.publisher.flushed == len(run.publisher.values) == run.published
    assert run.report.records >= run.published
    assert all(source.is_closed for source in sources)


def test_what_was_sampled_is_published_before_the_next_sample(start):
    source = Source(first_tick_soon(interval_s=600.0))
    run = start([source], interval_s=600.0)
    until(lambda: run.publisher.flushed == 1)
    assert source.samples == 1


def first_tick_soon(interval_s):
    """A name whose first tick comes within a second."""
    now = time.monotonic()
    names = (f"n{number}" for number in range(100_000))
    return next(name for name in names if first_tick(name, interval_s, now + 0.2) - now < 1)


def test_a_source_that_is_slow_is_never_asked_twice_at_once_and_its_ticks_are_counted(start):
    slow, quick = Source("slow"), Source("quick")
    slow.hold.clear()
    before = metrics.MISSED._value.get()
    start([slow, quick])
    until(lambda: quick.samples > 10)
    assert (slow.samples, slow.most_at_once) == (0, 1)
    slow.hold.set()
    until(lambda: slow.samples > 1)
    assert slow.most_at_once == 1
    assert metrics.MISSED._value.get() > before


def test_a_source_that_is_down_is_reported_once_and_once_when_it_is_back(start, caplog):
    caplog.set_level(logging.WARNING)
    source, other = Source(), Source("b")
    source.error = SourceError("a: cannot be reached")
    run = start([source, other])
    until(lambda: source.samples >= 3 and other.samples >= 3)
    source.error = None
    until(lambda: "a" in run.publisher.hosts())
    run.end()
    assert [record.message[:40] for record in caplog.records] == [
        "a: cannot be reached; its GPUs are not seen until it answers"[:40],
        caplog.records[-1].message[:40],
    ]
    assert caplog.records[-1].message.startswith("a: answers again after ")


def test_nothing_is_sent_for_a_source_that_is_down(start):
    source = Source()
    source.error = SourceError("down")
    before = metrics.FAILURES._value.get()
    run = start([source])
    until(lambda: metrics.FAILURES._value.get() >= before + 3)
    assert run.publisher.values == []


def test_a_bug_that_one_source_meets_does_not_end_the_others(start, caplog):
    broken, other = Source("broken"), Source("b")
    broken.error = KeyError("bug")
    run = start([broken, other])
    until(lambda: broken.samples >= 2 and "b" in run.publisher.hosts())
    run.end()
    assert "KeyError" in caplog.text


def test_sources_come_and_go(start):
    first, second = Source("a"), Source("b")
    run = start([first])
    until(lambda: first.samples)
    run.sources[:] = [second]
    until(lambda: "b" in run.publisher.hosts())
    assert first.is_closed
    assert not second.is_closed


def test_another_source_under_the_same_name_takes_its_place(start):
    first, second = Source("a"), Source("a")
    run = start([first])
    until(lambda: first.samples)
    run.sources[:] = [second]
    until(lambda: second.samples)
    assert first.is_closed


def test_a_streamer_samples_what_is_its_own_and_what_belongs_to_its_host(start):
    mine, theirs, local = Source("mine"), Source("theirs"), Source("local", shared=False)
    start([mine, theirs, local], is_mine=lambda name: name == "mine")
    until(lambda: mine.samples > 2 and local.samples > 2)
    assert theirs.samples == 0


def test_a_source_moves_when_its_owner_changes(start):
    source, owned = Source(), threading.Event()
    run = start([source], is_mine=lambda name: owned.is_set())
    other = Source("b", shared=False)
    run.sources.append(other)
    until(lambda: other.samples)
    assert source.samples == 0
    owned.set()
    until(lambda: source.samples)


def test_many_sources_are_sampled_by_a_bounded_number_of_threads(start):
    sources = [Source(f"n{number}") for number in range(300)]
    for source in sources:
        source.hold.clear()
    before = threading.active_count()
    start(sources, interval_s=0.1)
    until(lambda: sum(source.at_once for source in sources) >= 60)
    assert threading.active_count() - before <= 66
    for source in sources:
        source.hold.set()
    until(lambda: all(source.samples for source in sources))


def test_what_the_publisher_raises_ends_the_run():
    class Refusing(Kept):
        def publish(self, messages):
            raise RuntimeError("refused")

    source = Source()
    with pytest.raises(RuntimeError, match="refused"):
        run_live(lambda: [source], Refusing(), Report(), threading.Event(), 0.02)
    assert source.is_closed
