"""Whose fault a failed write is, and what its log line and its dead letter say."""

import django.db
import pytest
from django.db.transaction import TransactionManagementError
from psycopg import errors

from workers.collector.failures import Fault, fault_of, reason, trouble


def raised(name: str, cause: type[Exception]) -> Exception:
    """Django's error of that name, as psycopg's `cause` makes it."""
    error: Exception = getattr(django.db, name)("words")
    error.__cause__ = cause("words")
    return error


@pytest.mark.parametrize(
    ("name", "cause"),
    [
        ("OperationalError", errors.OperationalError),
        ("OperationalError", errors.DiskFull),
        ("OperationalError", errors.DeadlockDetected),
        ("OperationalError", errors.ProgramLimitExceeded),
        ("InterfaceError", errors.InterfaceError),
        ("InternalError", errors.ReadOnlySqlTransaction),
        ("NotSupportedError", errors.FeatureNotSupported),
        ("ProgrammingError", errors.UndefinedTable),
        ("ProgrammingError", errors.InsufficientPrivilege),
    ],
)
def test_what_is_wrong_with_the_server_is_never_blamed_on_the_records(name, cause):
    assert fault_of(raised(name, cause)) is Fault.SERVER


@pytest.mark.parametrize(
    "error",
    [
        raised("DataError", errors.UntranslatableCharacter),
        raised("IntegrityError", errors.CheckViolation),
        raised("OperationalError", errors.StatementTooComplex),
        raised("ProgrammingError", errors.RaiseException),
        ValueError(), OverflowError(), TypeError(), RecursionError(),
    ],
    ids=repr,
)  # fmt: skip
def test_what_is_wrong_with_the_records_is_blamed_on_them(error):
    assert fault_of(error) is Fault.DATA


@pytest.mark.parametrize(
    "error",
    [
        KeyError("x"), MemoryError(), RuntimeError(), TransactionManagementError(),
        raised("ProgrammingError", errors.ProgrammingError),
    ],
    ids=repr,
)  # fmt: skip
def test_what_nobody_foresaw_is_a_bug(error):
    assert fault_of(error) is Fault.BUG


def test_trouble_with_the_server_says_what_to_do():
    assert "manage.py migrate" in trouble(raised("ProgrammingError", errors.UndefinedTable))
    assert "disk" in trouble(raised("OperationalError", errors.DiskFull))
    assert "DATABASE_URL" in trouble(raised("OperationalError", errors.OperationalError))
    rejected = django.db.OperationalError(
        "connection failed: FATAL: password authentication failed"
    )
    assert trouble(rejected).endswith("; DATABASE_URL says where and who")


def test_trouble_is_one_line():
    error = django.db.OperationalError("connection failed:\n\tIs the server running?\n")
    assert trouble(error).startswith("connection failed: Is the server running?; ")


def test_a_dead_letter_says_whether_it_was_refused_or_met_a_bug():
    assert reason(ValueError("no")) == "refused when stored: no"
    assert reason(KeyError("x")) == "unexpected error: KeyError: 'x'"
