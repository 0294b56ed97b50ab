"""What clients may send, typed and checked."""

import re
from typing import Annotated

import msgspec
from msgspec import Meta

from apps.gateway.live.choice import Choice, columns_of
from apps.gateway.live.cursor import Cursor
from apps.telemetry.queries import COLUMNS

DEFAULT_ID = "telemetry"
MAX_NAMED = 1000
MAX_INTERVAL_MS = 60_000

_Name = Annotated[str, Meta(max_length=253)]
_Names = Annotated[list[_Name], Meta(max_length=MAX_NAMED)]
_Id = Annotated[str, Meta(min_length=1, max_length=64)]
_WHERE = re.compile(r"(.*?)(?: - at `(?:key in )?`?\$\.?([^`]*)`)?", re.DOTALL)


class BadMessage(ValueError):
    """A message cannot be used; `parameter` is the member at fault, as a path."""

    def __init__(self, detail: str, parameter: str | None = None, id: str | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.parameter = parameter
        self.id = id


class Incoming(msgspec.Struct, tag_field="type", forbid_unknown_fields=True, kw_only=True):
    """Base of every message."""


class Filters(msgspec.Struct, forbid_unknown_fields=True, kw_only=True):
    """Which GPUs and which metrics; what is left out does not filter."""

    cluster: _Name | None = None
    host: _Name | None = None
    hostname: _Name | None = None
    gpu_uuid: _Name | _Names | None = None
    metrics: _Name | _Names | None = None


class Subscribe(Incoming, tag="subscribe"):
    """Have a snapshot and then updates; with `cursor`, all that changed since instead."""

    id: _Id = DEFAULT_ID
    filters: Filters = msgspec.field(default_factory=Filters)
    interval_ms: Annotated[int, Meta(ge=0, le=MAX_INTERVAL_MS)] = 0
    cursor: str | None = None


class Unsubscribe(Incoming, tag="unsubscribe"):
    """Have no more of a subscription."""

    id: _Id = DEFAULT_ID


class Ping(Incoming, tag="ping"):
    """Ask for a pong."""

    id: _Id | None = None


class Authenticate(Incoming, tag="authenticate"):
    """Sign in with an API token, where the client cannot send headers."""

    token: Annotated[str, Meta(max_length=200)]


class _Labelled(msgspec.Struct):
    id: str | None = None


AnyMessage = Subscribe | Unsubscribe | Ping | Authenticate
_decode = msgspec.json.Decoder(AnyMessage).decode


def read_message(text: str) -> AnyMessage:
    """A message of any kind. Raises BadMessage."""
    try:
        read: AnyMessage = _decode(text)
    except msgspec.ValidationError as wrong:
        detail, where = _WHERE.fullmatch(str(wrong)).groups()  # type: ignore[union-attr]
        raise BadMessage(f"{detail}.", where, _id_of(text)) from wrong
    except (msgspec.DecodeError, UnicodeError) as wrong:
        raise BadMessage("This is no JSON object with a `type`.") from wrong
    return read


def choice_of(filters: Filters, clusters: frozenset[str] | None) -> Choice:
    """The choice, within the clusters that its holder may see. Raises BadMessage."""
    if filters.host is not None and filters.hostname not in {None, filters.host}:
        raise BadMessage("`host` and `hostname` are the same filter; give one.", "filters.host")
    uuids = _list(filters.gpu_uuid)
    return Choice(
        cluster=filters.cluster,
        hostname=filters.host if filters.host is not None else filters.hostname,
        uuids=None if uuids is None else frozenset(uuids),
        columns=_columns(_list(filters.metrics)),
        clusters=clusters,
    )


def cursor_of(text: str | None) -> Cursor | None:
    """The cursor to resume from. Raises BadMessage."""
    try:
        return None if text is None else Cursor.read(text)
    except ValueError as wrong:
        raise BadMessage(f"{wrong}.", "cursor") from wrong


def _columns(names: list[str] | None) -> tuple[str, ...] | None:
    if names is None:
        return None
    for name in names:
        if name not in COLUMNS:
            raise BadMessage(
                f"There is no metric {name[:80]!r}; there are {', '.join(COLUMNS)}.",
                "filters.metrics",
            )
    return columns_of(names)


def _list(value: str | list[str] | None) -> list[str] | None:
    return [value] if isinstance(value, str) else value


def _id_of(text: str) -> str | None:
    """The id in a message that is wrong otherwise."""
    try:
        return msgspec.json.decode(text, type=_Labelled).id
    except msgspec.DecodeError:
        return None
