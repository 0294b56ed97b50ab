"""RFC 9457 problem documents: the one form of every error that the gateway answers."""

import logging
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import msgspec
from django.db import InterfaceError, OperationalError
from django.http import Http404, HttpRequest, HttpResponse
from psycopg.errors import QueryCanceled
from rest_framework import exceptions, status
from rest_framework.views import set_rollback

from apps.telemetry.archive.failures import ArchiveFailed

CONTENT_TYPE = "application/problem+json"
INVALID_PARAMETER = "urn:problem-type:invalid-parameter"
UNAVAILABLE_RETRY_S = 5

log = logging.getLogger(__name__)


class InvalidParameter(exceptions.APIException):
    """A query parameter is unknown or cannot be read; answers 400 and names it."""

    status_code = status.HTTP_400_BAD_REQUEST

    def __init__(self, parameter: str, detail: str) -> None:
        super().__init__(f"{parameter}: {detail}")
        self.parameter = parameter


class DatabaseUnavailable(exceptions.APIException):
    """PostgreSQL cannot be reached; answers 503."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = "PostgreSQL does not answer; try again soon."
    wait = UNAVAILABLE_RETRY_S


class HistoryUnavailable(exceptions.APIException):
    """Samples that only the archive has cannot be read there; answers 503."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = (
        "The archive does not give the samples of that time; its files or its storage are away,"
        " and the gateway's log names them."
    )


class TooSlow(exceptions.APIException):
    """The statement was ended after STATEMENT_TIMEOUT_S; answers 503."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_detail = (
        "This takes PostgreSQL longer than STATEMENT_TIMEOUT_S; ask for less, such as a shorter"
        " window or fewer GPUs."
    )


def problem(request: HttpRequest, status_code: int, detail: str, **extensions: Any) -> HttpResponse:
    """A problem response; `type` is `about:blank` unless `extensions` says otherwise."""
    title = HTTPStatus(status_code).phrase
    body = {
        "type": "about:blank",
        "title": title,
        "status": status_code,
        "detail": detail or title,
        "instance": request.get_full_path(),
    } | extensions
    return HttpResponse(msgspec.json.encode(body), content_type=CONTENT_TYPE, status=status_code)


def exception_handler(error: Exception, context: Mapping[str, Any]) -> HttpResponse | None:
    """Django REST framework's EXCEPTION_HANDLER; None leaves the error to Django (500)."""
    problem_error = _as_api_exception(error)
    if problem_error is None:
        return None
    set_rollback()
    detail, extensions = _describe(problem_error)
    response = problem(context["request"], problem_error.status_code, detail, **extensions)
    if header := getattr(problem_error, "auth_header", None):
        response["WWW-Authenticate"] = header
    if wait := getattr(problem_error, "wait", None):
        response["Retry-After"] = str(max(1, round(wait)))
    return response


def _as_api_exception(error: Exception) -> exceptions.APIException | None:
    match error:
        case exceptions.APIException():
            return error
        case Http404():
            return exceptions.NotFound(str(error) or None)
        case OperationalError() if isinstance(error.__cause__, QueryCanceled):
            return TooSlow()
        case ArchiveFailed():
            log.error("%s", error)
            return HistoryUnavailable()
        case OperationalError() | InterfaceError():
            return DatabaseUnavailable()
    return None


def _describe(error: exceptions.APIException) -> tuple[str, dict[str, Any]]:
    """The detail text and the extension members."""
    if isinstance(error, InvalidParameter):
        return str(error.detail), {"type": INVALID_PARAMETER, "parameter": error.parameter}
    if isinstance(error, exceptions.ValidationError):
        return "The request body is not valid.", {"errors": error.detail}
    return str(error.detail), {}
