"""Why something could not be stored: whose fault it is, in words, and what to do about it. Pure."""

from enum import Enum, auto

from django.db import (
    DataError,
    IntegrityError,
    InterfaceError,
    InternalError,
    NotSupportedError,
    OperationalError,
    ProgrammingError,
)
from psycopg import Error, errors


class Fault(Enum):
    """Whose fault a failure is, which decides what is done about it."""

    SERVER = auto()  # PostgreSQL is away, short of something or not ready: the data can wait
    DATA = auto()  # what was to be written is refused: repeating cannot help
    BUG = auto()  # ours, or unheard of: repeating may help


# Our statements are constants, so a wrong one (ProgrammingError) tells of missing tables or rights.
_SERVER = (OperationalError, InterfaceError, InternalError, NotSupportedError, ProgrammingError)
# RecursionError: a value that is nested too deeply to be written as JSON.
_DATA = (DataError, IntegrityError, ValueError, OverflowError, TypeError, RecursionError)
# Two that psycopg files under the server's although single rows cause them: jsonb nested deeper
# than PostgreSQL's stack, and a trigger of the operator's that raises.
_CAUSED_BY_ROWS = (errors.StatementTooComplex, errors.RaiseException)

_ADVICE = {
    errors.UndefinedTable: "its tables are not those of this version: run `manage.py migrate`",
    errors.UndefinedColumn: "its tables are not those of this version: run `manage.py migrate`",
    errors.InsufficientPrivilege: "grant the user of DATABASE_URL what is missing",
    errors.ReadOnlySqlTransaction: "DATABASE_URL must name the primary, which takes writes",
    errors.DiskFull: "make room on PostgreSQL's disk",
    errors.OutOfMemory: "give PostgreSQL more memory",
    errors.QueryCanceled: "is a statement_timeout set, or a lock held?",
}
_UNREACHABLE = "is it running? See DATABASE_URL"
# It runs, and said so: a password, a database, too many connections.
_REJECTED = "DATABASE_URL says where and who"


def fault_of(error: BaseException) -> Fault:
    """Whose fault it is that a write raised `error`."""
    cause = error.__cause__
    if isinstance(error, _DATA) or isinstance(cause, _CAUSED_BY_ROWS):
        return Fault.DATA
    if isinstance(error, ProgrammingError) and _sqlstate(cause) is None:
        return Fault.BUG  # PostgreSQL did not say so: the statement never reached it
    return Fault.SERVER if isinstance(error, _SERVER) else Fault.BUG


def trouble(error: BaseException) -> str:
    """What is the matter with the server, in a line, and what to do about it."""
    cause, line = error.__cause__, _line(error)
    advice = _ADVICE.get(type(cause)) if _sqlstate(cause) else _UNREACHABLE  # type: ignore[arg-type]
    if advice is _UNREACHABLE and "FATAL: " in line:
        advice = _REJECTED
    return f"{line}; {advice}" if advice else line


def reason(error: BaseException) -> str:
    """Why a message is a dead letter."""
    if fault_of(error) is Fault.DATA:
        return f"refused when stored: {error}"
    return unexpected(error)


def unexpected(error: BaseException) -> str:
    """A bug that a message triggers, as the reason of its dead letter."""
    return f"unexpected error: {type(error).__name__}: {error}"


def _line(error: BaseException) -> str:
    cause = error.__cause__
    primary = cause.diag.message_primary if isinstance(cause, Error) else None
    return primary or " ".join(str(error).split())


def _sqlstate(cause: BaseException | None) -> str | None:
    return cause.sqlstate if isinstance(cause, Error) else None
