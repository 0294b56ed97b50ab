"""Statements through libpq give what psycopg's cursor gives, errors included."""

import threading
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from django.db import ProgrammingError, connection

from apps.telemetry.queries import wire
from apps.telemetry.queries.prepared import fetch_one
from apps.telemetry.queries.wire import fetch_row

pytestmark = pytest.mark.django_db(transaction=True)
AT = datetime(2026, 1, 5, 12, 30, 15, 123456, tzinfo=UTC)
EVERYTHING = """
SELECT %(text)s::text, %(nothing)s::timestamptz, %(number)s::bigint, %(yes)s::boolean,
       %(at)s::timestamptz, %(day)s::date, %(step)s::interval, %(names)s::text[],
       %(ids)s::integer[], 1.5::real, 'a%%b', %(text)s::text
"""
PARAMETERS = {
    "text": "é'\"\\%s {}", "nothing": None, "number": -(2**62), "yes": True, "at": AT,
    "day": AT.date(), "step": timedelta(days=-3, seconds=5, microseconds=7),
    "names": ["a,b", 'c"d', "e\\f", "NULL", "", "{}"], "ids": [3, 1, 2],
}  # fmt: skip


@pytest.fixture
def own():
    with psycopg.connect(**connection.get_connection_params(), autocommit=True) as one:
        one.execute("SET timezone = 'UTC'")
        yield one


def test_every_type_comes_back_as_psycopg_gives_it(own):
    row = fetch_row(own, EVERYTHING, PARAMETERS)
    assert row == own.execute(EVERYTHING, PARAMETERS).fetchone()
    assert row == (*PARAMETERS.values(), 1.5, "a%b", PARAMETERS["text"])


def test_no_row_is_none(own):
    assert fetch_row(own, "SELECT 1 WHERE %(no)s::boolean", {"no": False}) is None


def test_an_error_is_psycopgs_and_the_connection_goes_on(own):
    with pytest.raises(psycopg.errors.DivisionByZero):
        fetch_row(own, "SELECT 1 / %(n)s::integer", {"n": 0})
    with pytest.raises(psycopg.errors.UndefinedTable):
        fetch_row(own, "SELECT * FROM nowhere", {})
    assert fetch_row(own, "SELECT 1 / %(n)s::integer", {"n": 1}) == (1,)


def test_django_sees_its_own_errors():
    with pytest.raises(ProgrammingError):
        fetch_one("SELECT * FROM nowhere", {})


def test_the_server_keeps_no_more_statements_than_it_should(own, monkeypatch):
    monkeypatch.setattr(wire, "MAX_PREPARED", 3)
    for turn in range(2):
        for number in range(5):
            assert fetch_row(own, f"SELECT {number}, %(n)s::integer", {"n": turn}) == (number, turn)
    (count,) = own.execute("SELECT count(*) FROM pg_prepared_statements").fetchone()
    assert count == 3


def test_a_statement_that_the_server_was_told_to_forget_is_prepared_again(own):
    assert fetch_row(own, "SELECT 1", {}) == (1,)
    own.execute("DEALLOCATE ALL")
    assert fetch_row(own, "SELECT 1", {}) == (1,)


def test_other_threads_go_on_while_one_waits(own):
    done = threading.Event()

    def wait():
        fetch_row(own, "SELECT pg_sleep(1)::text", {})
        done.set()

    waiting = threading.Thread(target=wait)
    waiting.start()
    turns = 0
    while not done.is_set():
        turns += 1
    waiting.join()
    assert turns > 1000
