"""Answers of Django that are whole, sent at once and not chunk by chunk."""

from collections.abc import Iterable
from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

from django.http import HttpResponse


def whole(django: WSGIApplication) -> WSGIApplication:
    """Django's application, with a response that is whole answered as a list.

    A list is sent at once with its length; anything else piece by piece, each when the client has
    taken the one before, which costs an empty view more than twice as much.
    """

    def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        response = django(environ, start_response)
        if not isinstance(response, HttpResponse):
            return response
        try:
            return [response.content]
        finally:
            response.close()

    return application
