"""One take is stored, whatever it holds: bad messages become dead letters and stop nobody."""

import threading
from datetime import UTC, datetime

import pytest
from django.db import OperationalError, connection

from apps.mq import Batch, Received
from apps.telemetry.dead_letters import bury
from apps.telemetry.ingest import store
from apps.telemetry.models import DeadLetter, Sample
from apps.telemetry.records import InvalidRecord, decode, encode
from tests.integration.records import record, stored
from workers.collector.decoding import decode_batches
from workers.collector.patience import StoringStopped
from workers.collector.storing import Storing

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.usefixtures("fresh_process")]

EARLIEST = datetime(2015, 1, 1, tzinfo=UTC)
GOOD = encode(record(7, 0))
PREFIX = b"/telemetry/queue/default/1700000000000000000_h_0_"


def take(*values: bytes, key: bytes = PREFIX):
    """A take of messages with these values, decoded."""
    messages = [Received(key + b"%d" % number, value) for number, value in enumerate(values)]
    return decode_batches([Batch(1, [], messages=messages)], EARLIEST, datetime.now(UTC))


def records(count: int, **fields):
    return [encode(record(second=second, **fields)) for second in range(count)]


def with_field(text: str) -> bytes:
    return GOOD[:-1] + b"," + text.encode() + b"}"


@pytest.fixture
def over():
    return threading.Event()


@pytest.fixture
def storing(over):
    return Storing("default", over)


POISON = {
    "no JSON": b"not json",
    "nothing": b"",
    "cut off": GOOD[:-5],
    "another type": b"[1, 2]",
    "NUL": GOOD + b"\0",
    "escaped NUL": with_field(r'"x": ["\u0000"]'),
    "lone surrogate": with_field(r'"x": "\ud800"'),
    "invalid UTF-8": with_field('"x": "?"').replace(b"?", b"\xff\xfe"),
    "1 MiB of text": with_field(f'"device": "{"x" * (1 << 20)}"'),
    "1 MiB of NUL": b"\0" * (1 << 20),
    "deep nesting": with_field('"x": ' + "[" * 100_000 + "]" * 100_000),
    "nesting that can be read and not written": with_field('"x": ' + "[" * 980 + "]" * 980),
    "huge number": with_field('"x": 1' + "0" * 10_000),
    "number over the range": with_field('"power_draw": 1e300'),
    "text for a number": with_field('"power_draw": "much"'),
    "object for a number": with_field('"power_draw": {}'),
    "no such time": GOOD.replace(b"2025-07-18", b"2025-07-99"),
    "time before DCGM": GOOD.replace(b"2025-07-18", b"1970-01-01"),
    "no UUID": GOOD.replace(b"uuid", b"xuid"),
}


@pytest.mark.parametrize("name", POISON)
def test_poison_among_good_messages_is_a_dead_letter_and_the_good_are_stored(storing, name):
    poison = POISON[name]
    good = records(5)
    assert storing.store(take(*good[:3], poison, *good[3:])) == 1
    letter = DeadLetter.objects.get()
    assert bytes(letter.value) == poison
    assert letter.key == f"{PREFIX.decode()}3"
    assert letter.reason
    assert Sample.objects.count() == 5


def test_all_poison_in_one_take_leaves_the_good_and_one_letter_each(storing):
    good = records(len(POISON))
    mixed = [value for pair in zip(POISON.values(), good, strict=True) for value in pair]
    assert storing.store(take(*mixed)) == len(POISON)
    assert DeadLetter.objects.count() == len(POISON)
    assert Sample.objects.count() == len(good)


def test_a_key_of_any_bytes_can_be_a_dead_letter(storing):
    storing.store(take(b"x", key=PREFIX.replace(b"_h_", b"_\xff\0\xfe_")))
    assert r"_\xff\x00\xfe_" in DeadLetter.objects.get().key


def test_many_large_dead_letters_are_all_kept(storing):
    values = [b"%d" % number + b"\xff" * (1 << 20) for number in range(20)]
    assert storing.store(take(*values)) == 20
    assert sorted(len(letter.value) for letter in DeadLetter.objects.all())[0] > 1 << 20


def test_the_same_take_again_changes_nothing(storing):
    for _ in range(2):
        assert storing.store(take(*records(3), b"bad", POISON["no UUID"])) == 2
    assert (Sample.objects.count(), DeadLetter.objects.count()) == (3, 2)


@pytest.fixture
def refuses_99_degrees():
    """The database takes no record of so hot a GPU."""
    constraint = "CONSTRAINT cold CHECK (temperature IS DISTINCT FROM 99)"
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE telemetry_latestsample ADD {constraint}")
    yield
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE telemetry_latestsample DROP CONSTRAINT cold")


@pytest.mark.usefixtures("refuses_99_degrees")
def test_records_that_the_database_refuses_are_the_only_ones_left_out(storing):
    hot = [encode(record(gpu, 900, temperature=99)) for gpu in (1, 4)]
    assert storing.store(take(*records(20), hot[0], *records(9, gpu=2), hot[1])) == 2
    assert {bytes(letter.value) for letter in DeadLetter.objects.all()} == set(hot)
    assert all("refused when stored" in letter.reason for letter in DeadLetter.objects.all())
    assert Sample.objects.count() == 29


@pytest.mark.usefixtures("refuses_99_degrees")
@pytest.mark.parametrize("good", [0, 200])
def test_however_many_records_the_database_refuses_they_are_found_in_one_go(
    storing, monkeypatch, good
):
    writes = []

    def counting(cluster, some):
        writes.append(len(some))
        return store(cluster, some)

    monkeypatch.setattr("workers.collector.storing.store", counting)
    hot = records(300, gpu=1, temperature=99)
    assert storing.store(take(*hot[:150], *records(good), *hot[150:])) == 300
    assert writes == [300 + good, good]
    assert [bytes(letter.value) for letter in DeadLetter.objects.order_by("pk")] == hot
    assert all("cold" in letter.reason for letter in DeadLetter.objects.all())
    assert Sample.objects.count() == good


@pytest.mark.usefixtures("refuses_99_degrees")
def test_of_two_reports_of_one_instant_only_the_one_that_is_refused_is_left_out(storing):
    values = [encode(record(power_draw=1.0)), encode(record(temperature=99))]
    assert storing.store(take(*values)) == 1
    assert [(sample.power_draw, sample.temperature) for sample in stored()] == [(1.0, None)]


def test_of_two_reports_of_one_instant_the_later_wins_also_when_a_bad_one_is_among_them(
    storing, monkeypatch
):
    raise_for(monkeypatch, KeyError("bug"), power_draw=13.0)
    values = [encode(record(power_draw=power)) for power in (1.0, 2.0, 13.0, 3.0)]
    storing.store(take(*values))
    assert [sample.power_draw for sample in stored()] == [3.0]


def raise_for(monkeypatch, error: Exception, times: int = 1_000_000, **fields) -> None:
    """Storing a record with these values raises `error`, so many times."""
    left = [times]

    def buggy(cluster, some):
        bad = any(getattr(r, name) == value for r in some for name, value in fields.items())
        if bad and left[0] > 0:
            left[0] -= 1
            raise error
        return store(cluster, some)

    monkeypatch.setattr("workers.collector.storing.store", buggy)


def test_a_record_that_triggers_a_bug_is_a_dead_letter_and_the_rest_is_stored(
    storing, monkeypatch, caplog
):
    raise_for(monkeypatch, KeyError("of the bug"), power_draw=13.0)
    bad = encode(record(3, power_draw=13.0))
    assert storing.store(take(*records(50), bad, *records(50, gpu=1))) == 1
    letter = DeadLetter.objects.get()
    assert bytes(letter.value) == bad
    assert letter.reason == "unexpected error: KeyError: 'of the bug'"
    assert Sample.objects.count() == 100
    assert any(entry.exc_info for entry in caplog.records)


def test_a_bug_that_passes_makes_no_dead_letter(storing, monkeypatch):
    raise_for(monkeypatch, KeyError("now and then"), times=2, power_draw=13.0)
    assert storing.store(take(encode(record(power_draw=13.0)))) == 0
    assert (Sample.objects.count(), DeadLetter.objects.count()) == (1, 0)


def test_a_message_that_triggers_a_bug_in_decoding_is_a_dead_letter(storing, monkeypatch):
    def buggy(value):
        if value == b"trigger":
            raise KeyError("of the bug")
        return decode(value)

    monkeypatch.setattr("workers.collector.decoding.decode", buggy)
    assert storing.store(take(GOOD, b"trigger")) == 1
    assert DeadLetter.objects.get().reason == "unexpected error: KeyError: 'of the bug'"
    assert Sample.objects.count() == 1


def test_when_told_to_stop_while_postgresql_is_away_only_that_is_said(
    storing, over, monkeypatch, caplog
):
    raise_for(monkeypatch, OperationalError("away"), power_draw=13.0)
    over.set()
    with pytest.raises(StoringStopped, match="away; is it running"):
        storing.store(take(encode(record(power_draw=13.0))))
    assert not any(entry.exc_info for entry in caplog.records)


def test_when_told_to_stop_a_bug_is_not_tried_again(storing, over, monkeypatch):
    raise_for(monkeypatch, KeyError("bug"), power_draw=13.0)
    over.set()
    with pytest.raises(StoringStopped):
        storing.store(take(encode(record(power_draw=13.0))))
    assert not DeadLetter.objects.exists()


def test_a_connection_that_was_cut_is_made_anew(storing):
    storing.store(take(*records(1)))
    with pytest.raises(OperationalError), connection.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
    assert storing.store(take(*records(3), b"bad")) == 1
    assert (Sample.objects.count(), DeadLetter.objects.count()) == (3, 1)


def test_missing_tables_are_waited_for_and_said_once_with_what_to_do(storing, caplog):
    """The tables come back as soon as the collector has said what is missing."""
    missing = threading.Event()
    rename = "ALTER TABLE telemetry_{} RENAME TO telemetry_{}"
    with connection.cursor() as cursor:
        cursor.execute(rename.format("latestsample", "hidden"))
    worker = threading.Thread(
        target=lambda: (storing.store(take(*records(3), b"bad")), storing.close())
    )
    worker.start()
    try:
        for _ in range(300):
            if any("manage.py migrate" in entry.getMessage() for entry in caplog.records):
                missing.set()
                break
            worker.join(0.1)
    finally:
        with connection.cursor() as cursor:
            cursor.execute(rename.format("hidden", "latestsample"))
        worker.join(60)
    assert missing.is_set()
    assert not worker.is_alive()
    assert (Sample.objects.count(), DeadLetter.objects.count()) == (3, 1)
    said = [entry for entry in caplog.records if "manage.py migrate" in entry.getMessage()]
    assert len(said) == 1


def test_a_letter_that_cannot_be_kept_is_written_to_the_log_and_stops_nothing(
    storing, monkeypatch, caplog
):
    def choosy(cluster, letters):
        if any(letter.value == b"unburiable" for letter in letters):
            raise InvalidRecord("no")
        bury(cluster, letters)

    monkeypatch.setattr("workers.collector.storing.bury", choosy)
    storing.store(take(GOOD, b"unburiable", b"bad"))
    assert [bytes(letter.value) for letter in DeadLetter.objects.all()] == [b"bad"]
    assert "dW5idXJpYWJsZQ==" in caplog.text
    assert Sample.objects.count() == 1
