"""A connection that died while nobody used it costs no answer."""

import psycopg
import pytest
from django.db import OperationalError, connection, transaction

from apps.telemetry.queries.prepared import fetch_one

PID = "SELECT pg_backend_pid()"

pytestmark = pytest.mark.django_db(transaction=True)


def backend():
    row = fetch_one(PID, {})
    assert row is not None
    return row[0]


def end(pid):
    """As a restart of PostgreSQL does."""
    with psycopg.connect(**connection.get_connection_params()) as other:
        other.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])


def test_a_read_on_a_connection_that_has_died_is_answered_by_another():
    before = backend()
    end(before)
    assert backend() != before


def read_twice_in_a_transaction():
    with transaction.atomic():
        end(backend())
        backend()


def test_within_a_transaction_it_is_an_error_for_what_came_before_is_lost():
    with pytest.raises(OperationalError):
        read_twice_in_a_transaction()
    connection.close()


def test_an_error_of_a_connection_that_lives_is_told():
    fetch_one("SELECT set_config('statement_timeout', '10', false)", {})
    with pytest.raises(OperationalError):
        fetch_one("SELECT pg_sleep(5)", {})
    connection.close()
