"""Files of telemetry, made while they are sent: CSV, NDJSON, Parquet and Arrow.

Nothing is read before the first byte is asked for, and then in that same thread: a PostgreSQL
connection belongs to one.
"""

from collections.abc import Callable, Iterable, Iterator

from django.http import StreamingHttpResponse

from apps.gateway.rest.formats import MEDIA_TYPES, Format
from apps.telemetry.queries import Export

CHUNK_BYTES = 64 * 1024


def file_response(export: Export, format_: Format, name: str) -> StreamingHttpResponse:
    """The export as a file of this name, to which the form's ending is added."""
    chunks = _MAKERS[format_](export)
    response = StreamingHttpResponse(chunks, content_type=_content_type(format_))
    response["Content-Disposition"] = f'attachment; filename="{name}.{format_}"'
    response["Vary"] = "Accept"
    return response


def _content_type(format_: Format) -> str:
    media = MEDIA_TYPES[format_]
    return f"{media}; charset=utf-8; header=present" if format_ is Format.CSV else media


def _csv(export: Export) -> Iterator[bytes]:
    yield ",".join(column.name for column in export.columns).encode() + b"\r\n"
    yield from _joined(export.table(escape_formulas=True))


def _ndjson(export: Export) -> Iterator[bytes]:
    yield from _joined(export.lines())


def _parquet(export: Export) -> Iterator[bytes]:
    from apps.gateway.rest.arrow_files import parquet_chunks  # noqa: PLC0415, 60 MB of memory

    yield from parquet_chunks(export)


def _arrow(export: Export) -> Iterator[bytes]:
    from apps.gateway.rest.arrow_files import arrow_chunks  # noqa: PLC0415, 60 MB of memory

    yield from arrow_chunks(export)


_MAKERS: dict[Format, Callable[[Export], Iterator[bytes]]] = {
    Format.CSV: _csv,
    Format.NDJSON: _ndjson,
    Format.PARQUET: _parquet,
    Format.ARROW: _arrow,
}


def _joined(rows: Iterable[bytes]) -> Iterator[bytes]:
    """Rows in chunks that are worth sending."""
    waiting: list[bytes] = []
    size = 0
    for row in rows:
        waiting.append(row)
        size += len(row)
        if size >= CHUNK_BYTES:
            yield b"".join(waiting)
            waiting, size = [], 0
    yield b"".join(waiting)
