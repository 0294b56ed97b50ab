"""/graphql: GET with `query`, or POST of JSON. Only reads are possible."""

from http import HTTPStatus
from typing import Any

import msgspec
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.views.decorators.csrf import csrf_exempt
from rest_framework.exceptions import APIException, MethodNotAllowed

from apps.gateway.access.principal import Role, require
from apps.gateway.graphql.execution import Refused, run
from apps.gateway.graphql.graphiql import graphiql_page, wants_page
from apps.gateway.graphql.peers import Reader
from apps.gateway.graphql.request import read_request
from apps.gateway.problems import exception_handler

METHODS = ("GET", "OPTIONS", "POST")


@csrf_exempt  # whoever finds out who asks also checks the token of a session
def graphql_view(request: HttpRequest) -> HttpResponseBase:
    """The answer: 200 if the query was executed, 400 if it was refused, otherwise a problem."""
    if request.method == "OPTIONS":
        return HttpResponse(status=HTTPStatus.NO_CONTENT, headers={"Allow": ", ".join(METHODS)})
    if settings.GRAPHIQL and wants_page(request):
        return graphiql_page(request)
    try:
        return _answer(request)
    except APIException as error:
        return _problem(error, request)


def _answer(request: HttpRequest) -> HttpResponse:
    if request.method not in METHODS:
        raise MethodNotAllowed(str(request.method))
    reader = Reader(require(request, Role.VIEWER))
    given = read_request(request)
    try:
        result = run(given.query, given.variables or {}, given.operation_name, reader)
    except Refused as refused:
        return _json({"errors": refused.errors}, HTTPStatus.BAD_REQUEST)
    if reader.failure is not None:
        return _problem(reader.failure, request)
    return _json(result, HTTPStatus.OK)


def _json(result: dict[str, Any], status: HTTPStatus) -> HttpResponse:
    body = msgspec.json.encode(result)
    return HttpResponse(body, content_type="application/json", status=status)


def _problem(error: Exception, request: HttpRequest) -> HttpResponse:
    response = exception_handler(error, {"request": request})
    assert response is not None, "these errors have a problem document"
    if isinstance(error, MethodNotAllowed):
        response["Allow"] = ", ".join(METHODS)
    return response
