"""What a request to /graphql carries: a query, its variables and the name of an operation."""

from typing import Any

import msgspec
from django.http import HttpRequest
from rest_framework.exceptions import ParseError, UnsupportedMediaType

from apps.gateway.problems import InvalidParameter
from apps.gateway.rest.body import Body

MAX_BYTES = 65_536


class GraphqlRequest(msgspec.Struct, rename="camel"):
    """The members of the JSON body, or the parameters of a GET; others are ignored."""

    query: str
    variables: dict[str, Any] | None = None
    operation_name: str | None = None


def read_request(request: HttpRequest) -> GraphqlRequest:
    """The body of a POST or the parameters of a GET.

    Raises TooLarge, UnsupportedMediaType, ParseError and InvalidParameter.
    """
    if request.method == "GET":
        return _from_query(request)
    if request.content_type != "application/json":
        raise UnsupportedMediaType(
            request.content_type or "none", "Send JSON, with Content-Type: application/json."
        )
    body = Body(
        request, MAX_BYTES, f"A request to GraphQL may have {MAX_BYTES:,} bytes."
    ).read_all()
    return _decode(body)


def _decode(body: bytes) -> GraphqlRequest:
    try:
        return msgspec.json.decode(body, type=GraphqlRequest)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        hint = " Send one query in a request." if body.lstrip().startswith(b"[") else ""
        example = '{"query": "{ hosts { totalCount } }"}'
        raise ParseError(f"The body must be JSON like {example}: {error}.{hint}") from error


def _from_query(request: HttpRequest) -> GraphqlRequest:
    query = request.GET.get("query", "")
    if not query:
        raise InvalidParameter("query", "give a query, or POST one as JSON.")
    if len(request.META.get("QUERY_STRING", "")) > MAX_BYTES:
        raise InvalidParameter("query", f"it may have {MAX_BYTES:,} bytes.")
    return GraphqlRequest(
        query, _variables(request.GET.get("variables", "")), request.GET.get("operationName")
    )


def _variables(text: str) -> dict[str, Any] | None:
    try:
        return msgspec.json.decode(text, type=dict[str, Any] | None) if text else None
    except (msgspec.MsgspecError, RecursionError) as error:
        raise InvalidParameter("variables", f"it must be a JSON object: {error}.") from error
