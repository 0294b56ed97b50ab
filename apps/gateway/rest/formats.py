"""The forms in which telemetry is answered, by the parameter `format` or the header Accept."""

from collections.abc import Iterable
from enum import StrEnum
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal

from msgspec import Meta
from rest_framework.exceptions import NotAcceptable
from rest_framework.negotiation import DefaultContentNegotiation
from rest_framework.request import Request


class Format(StrEnum):
    """The answers' forms; all but JSON are files of a whole window."""

    JSON = "json"
    CSV = "csv"
    NDJSON = "ndjson"
    PARQUET = "parquet"
    ARROW = "arrow"


MEDIA_TYPES = {
    Format.JSON: "application/json",
    Format.CSV: "text/csv",
    Format.NDJSON: "application/x-ndjson",
    Format.PARQUET: "application/vnd.apache.parquet",
    Format.ARROW: "application/vnd.apache.arrow.stream",
}
FormatName = Annotated[
    Literal["json", "csv", "ndjson", "parquet", "arrow"],
    Meta(
        description=(
            "`json` answers a page; the others a file of the whole window, of one page's `limit` "
            "if that is given. Without it the header Accept decides."
        )
    ),
]

# Reading a header of thousands of types takes a second, before anybody has signed in.
MAX_ACCEPT = 1000


class JsonNegotiation(DefaultContentNegotiation):
    """As usual, but callers who take anything, the usual ones, get the first form at once."""

    def select_renderer(
        self, request: Request, renderers: Iterable[Any], format_suffix: str | None = None
    ) -> tuple[Any, str]:
        """The renderer and its media type. Raises NotAcceptable."""
        if request.META.get("HTTP_ACCEPT", "*/*") == "*/*":
            first = next(iter(renderers))
            return first, first.media_type
        chosen: tuple[Any, str] = super().select_renderer(request, renderers, format_suffix)
        return chosen


class FormatNegotiation(JsonNegotiation):
    """Takes the media type of any of the forms; errors are problems in JSON all the same."""

    def select_renderer(
        self, request: Request, renderers: Iterable[Any], format_suffix: str | None = None
    ) -> tuple[Any, str]:
        """The renderer and the media type of the form. Raises NotAcceptable."""
        del format_suffix
        if "format" in request.query_params or request.META.get("HTTP_ACCEPT", "*/*") == "*/*":
            return next(iter(renderers)), MEDIA_TYPES[Format.JSON]
        return next(iter(renderers)), _preferred(request)


def _preferred(request: Request) -> str:
    """The accepted media type, whatever its parameters say. Raises NotAcceptable."""
    if len(request.META["HTTP_ACCEPT"]) <= MAX_ACCEPT:
        for accepted in request._request.accepted_types:
            for media in MEDIA_TYPES.values():
                if fnmatchcase(media, f"{accepted.main_type}/{accepted.sub_type}"):
                    return media
    raise NotAcceptable(
        f"There are {', '.join(MEDIA_TYPES.values())}; send a short Accept of them."
    )


def format_of(request: Request, name: str | None) -> Format:
    """The form that was asked for by parameter, or else by header."""
    if name is not None:
        return Format(name)
    accepted = request.accepted_media_type
    return next(format_ for format_, media in MEDIA_TYPES.items() if media == accepted)
