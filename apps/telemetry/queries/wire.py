"""Prepared statements straight through libpq: psycopg's cursor costs a page of telemetry 90 µs of
Python and 300 µs of waiting more, for features that a read of one row does not use."""

import re
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from functools import lru_cache
from itertools import count
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from psycopg import errors
from psycopg.adapt import Transformer
from psycopg.pq import ExecStatus

_PLACE = re.compile(r"%\((\w+)\)s|%%")
# As psycopg's own: which metrics are asked for makes a statement of its own.
MAX_PREPARED = 100
_number = count()


class _Own:
    """What is kept of a connection: the names of what it has prepared, and how values are read.

    By psycopg's own loaders, of which that of times is in C. Django has one in Python, for zones
    that are not used here: two times cost a page a twentieth of what it takes.
    """

    def __init__(self) -> None:
        self.names: OrderedDict[bytes, bytes] = OrderedDict()
        self.loader = Transformer()


_kept: WeakKeyDictionary["psycopg.Connection[Any]", _Own] = WeakKeyDictionary()


def fetch_row(
    connection: "psycopg.Connection[Any]", statement: str, parameters: Mapping[str, Any]
) -> tuple[Any, ...] | None:
    """The first row, in the types that psycopg gives. Raises psycopg's errors.

    The connection is in autocommit, in UTF-8 and UTC, and used by this thread alone. Parameters are
    None, str, int, bool, date, datetime, timedelta or lists of str and int; each has a cast to its
    type in the statement.
    """
    query, names = _numbered(statement)
    values = [_text(parameters[name]) for name in names]
    if (own := _kept.get(connection)) is None:
        own = _kept[connection] = _Own()
    try:
        result = _execute(connection, own, query, values)
    except errors.InvalidSqlStatementName:
        # psycopg has everything forgotten (DEALLOCATE ALL) when a cursor drops or alters something.
        own.names.clear()
        result = _execute(connection, own, query, values)
    if not result.ntuples:
        return None
    own.loader.set_pgresult(result)
    row: tuple[Any, ...] = own.loader.load_row(0, tuple)
    own.loader.set_pgresult(None)  # a page is not kept until the next one
    return row


def _execute(
    connection: "psycopg.Connection[Any]", own: _Own, query: bytes, values: list[bytes | None]
) -> Any:
    name = _name_of(connection, own.names, query)
    result = connection.pgconn.exec_prepared(name, values)  # type: ignore[arg-type] # None is NULL
    _check(connection, result)
    return result


@lru_cache(maxsize=512)
def _numbered(statement: str) -> tuple[bytes, tuple[str, ...]]:
    """With `$1` for its first parameter, and their names in order."""
    names: dict[str, int] = {}

    def number(match: re.Match[str]) -> str:
        if match[0] == "%%":
            return "%"
        return f"${names.setdefault(match[1], len(names) + 1)}"

    return _PLACE.sub(number, statement).encode(), tuple(names)


def _name_of(
    connection: "psycopg.Connection[Any]", known: OrderedDict[bytes, bytes], query: bytes
) -> bytes:
    """What the server knows the statement by; it is told at the first time."""
    name = known.get(query)
    if name is not None:
        known.move_to_end(query)
        return name
    if len(known) >= MAX_PREPARED:
        _, oldest = known.popitem(last=False)
        _check(connection, connection.pgconn.exec_(b"DEALLOCATE " + oldest))
    name = b"_wire_%d" % next(_number)
    _check(connection, connection.pgconn.prepare(name, query))
    known[query] = name
    return name


def _check(connection: "psycopg.Connection[Any]", result: Any) -> None:
    if result.status in (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK):
        return
    if connection.closed:
        raise psycopg.OperationalError(result.error_message.decode(errors="replace").strip())
    raise errors.error_from_result(result, encoding=connection.info.encoding)


def _text(value: Any) -> bytes | None:
    match value:
        case None:
            return None
        case str():
            return value.encode()
        case bool() | int():
            return str(value).lower().encode()
        case date():
            return value.isoformat().encode()
        case timedelta():
            return b"%d day %d s %d us" % (value.days, value.seconds, value.microseconds)
        case list():
            return _array(value).encode()
    raise TypeError(f"a parameter is {type(value).__name__}")


def _array(values: Sequence[str | int]) -> str:
    """PostgreSQL's text form of an array."""
    quoted = (
        str(value) if isinstance(value, int) else '"' + re.sub(r'(["\\])', r"\\\1", value) + '"'
        for value in values
    )
    return "{" + ",".join(quoted) + "}"
