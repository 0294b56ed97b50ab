"""The envelope of every list: `count`, `next`, `previous` and `results`."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import msgspec
from django.db.models import QuerySet
from django.http import HttpResponse
from django.utils.encoding import iri_to_uri
from rest_framework.exceptions import NotFound
from rest_framework.request import Request

from apps.gateway.rest.kept import Answer
from apps.gateway.times import format_time

# A field's name in the API, and where the query has it.
Fields = Mapping[str, str]


def list_body(
    count: int | None, next_url: str | None, previous_url: str | None, results: str | bytes
) -> bytes:
    """A list whose `results` are JSON already; they are copied in, never parsed."""
    head = msgspec.json.encode({"count": count, "next": next_url, "previous": previous_url})
    rows = results.encode() if isinstance(results, str) else results
    return b"".join((head[:-1], b',"results":', rows, b"}"))


def list_response(
    count: int | None, next_url: str | None, previous_url: str | None, results: str | bytes
) -> HttpResponse:
    """A list as a response."""
    body = list_body(count, next_url, previous_url, results)
    return HttpResponse(body, content_type="application/json")


def offset_answer(
    request: Request, found: QuerySet[Any], fields: Fields, limit: int, offset: int
) -> Answer:
    """One page of an ordered query, for lists short enough to be counted."""
    count = found.count()
    rows = found.values_list(*fields.values())[offset : offset + limit]
    follows, precedes = offset + limit < count, offset > 0
    body = list_body(
        count,
        page_url(request, offset=offset + limit) if follows else None,
        page_url(request, offset=max(0, offset - limit)) if precedes else None,
        msgspec.json.encode([_as_object(row, fields) for row in rows]),
    )
    return Answer(body)


def object_answer(found: QuerySet[Any], fields: Fields, unknown: str) -> Answer:
    """The first row of a query as a JSON object. Raises NotFound with this text."""
    row = found.values_list(*fields.values()).first()
    if row is None:
        raise NotFound(unknown)
    return Answer(msgspec.json.encode(_as_object(row, fields)))


def _as_object(row: Iterable[Any], fields: Fields) -> dict[str, Any]:
    return {
        name: format_time(value) if isinstance(value, datetime) else value
        for name, value in zip(fields, row, strict=True)
    }


def page_url(request: Request, **changes: object) -> str:
    """The address of this request with some parameters changed."""
    query = request.query_params.dict() | changes
    # As build_absolute_uri does it, which first takes the path apart to see whether it is one.
    here = f"{request.scheme}://{request.get_host()}{request.path}"
    return f"{iri_to_uri(here)}?{urlencode(query)}"
