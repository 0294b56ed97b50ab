"""Relay connections over the inventory lists: `first` and `after`, or `last` and `before`.

A cursor is a place in the order of the list, so that what registers meanwhile makes no page skip
or repeat anything. The names of the envelope are Relay's, hence their capitals.
"""

import binascii
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import cache, partial
from typing import Any

import graphene
import msgspec
from graphene.types.resolver import dict_resolver
from graphql import GraphQLResolveInfo

from apps.gateway.graphql.peers import Peers, Reader, Row
from apps.gateway.graphql.refusals import refusal
from apps.gateway.graphql.scalars import Count
from apps.telemetry.queries.slices import (
    FLEET,
    Key,
    Listing,
    Parent,
    Selection,
    Span,
    counts,
    key_of,
    slices,
)

MAX_ROWS = 1_000
DEFAULT_ROWS = 100
DEFAULT_CLUSTERS = 10
# Of each parent where the list is below others: eight GPUs make a host.
DEFAULT_NESTED_ROWS = 32

ARGUMENTS: dict[str, graphene.Argument] = {
    "first": graphene.Int(description="At most this many, from the start; 1 to 1000."),
    "after": graphene.String(description="Only what comes after this cursor."),
    "last": graphene.Int(description="At most this many, from the end; 1 to 1000."),
    "before": graphene.String(description="Only what comes before this cursor."),
}


class Connection(graphene.relay.Connection):
    """A connection that also has its nodes without edges, and their number."""

    class Meta:
        abstract = True

    @classmethod
    def __init_subclass_with_meta__(cls, node: Any = None, **options: Any) -> None:
        """Add the field `nodes`, whose type is known only here."""
        cls.nodes = graphene.List(
            graphene.NonNull(node), required=True, description="The nodes of `edges`."
        )
        super().__init_subclass_with_meta__(
            node=node, strict_types=True, default_resolver=dict_resolver, **options
        )

    totalCount = graphene.Field(  # noqa: N815, the name is Relay's custom
        Count, required=True, description="How many there are on all pages together."
    )

    @staticmethod
    def resolve_edges(page: Row, _info: GraphQLResolveInfo) -> list[Row]:
        """The nodes with their cursors."""
        listing = page["_listing"]
        return [{"node": row, "cursor": write_key(key_of(listing, row))} for row in page["nodes"]]

    @staticmethod
    def resolve_totalCount(page: Row, _info: GraphQLResolveInfo) -> int:  # noqa: N802
        """Counted only where it is asked for, and once for all parents."""
        count: int = page["_count"]()
        return count


def connect(
    reader: Reader, selection: Selection, arguments: dict[str, Any], parents: Iterable[int] = FLEET
) -> dict[int, Row]:
    """A connection for each parent, by its identifier; all their nodes are peers."""
    parents = tuple(parents)
    selection = replace(selection, clusters=reader.clusters)
    span = _span(selection.listing, arguments, _default_rows(selection))
    found = reader.read(slices, selection, span, parents)
    count_all = cache(lambda: reader.read(counts, selection, parents))
    pages = {
        parent: _page(selection.listing, rows, span, partial(_count_of, count_all, parent))
        for parent, rows in found.items()
    }
    Peers(row for page in pages.values() for row in page["nodes"])
    return pages


def _default_rows(selection: Selection) -> int:
    if selection.parent is not Parent.FLEET:
        return DEFAULT_NESTED_ROWS
    return DEFAULT_CLUSTERS if selection.listing is Listing.CLUSTERS else DEFAULT_ROWS


def _count_of(count_all: Callable[[], dict[int, int]], parent: int) -> int:
    return count_all()[parent]


def _page(listing: Listing, rows: list[Row], span: Span, count: Callable[[], int]) -> Row:
    more = len(rows) > span.limit
    if more:
        rows = rows[1:] if span.from_end else rows[: span.limit]
    return {
        "nodes": rows,
        "page_info": {
            "has_next_page": span.before is not None if span.from_end else more,
            "has_previous_page": more if span.from_end else span.after is not None,
            "start_cursor": write_key(key_of(listing, rows[0])) if rows else None,
            "end_cursor": write_key(key_of(listing, rows[-1])) if rows else None,
        },
        "_listing": listing,
        "_count": count,
    }


def _span(listing: Listing, arguments: dict[str, Any], default: int) -> Span:
    """The span that the arguments mean; how many rows there may be is checked before."""
    first, last = arguments.get("first"), arguments.get("last")
    if first is not None and last is not None:
        raise refusal(400, "last: give `first` or `last`, not both.", "last")
    places = {
        name: read_key(arguments[name], listing, name)
        for name in ("after", "before")
        if arguments.get(name) is not None
    }
    limit = first or last or default
    return Span(limit, from_end=last is not None, **places)


def write_key(key: Key) -> str:
    """A place in a list as a cursor."""
    return urlsafe_b64encode(msgspec.json.encode(key)).rstrip(b"=").decode()


def read_key(text: str, listing: Listing, parameter: str) -> Key:
    """The place that a cursor of this list means; raises a refusal."""
    types = tuple(int if type_ == "integer" else str for type_ in listing.key.values())
    try:
        data = urlsafe_b64decode(text.encode() + b"=" * (-len(text) % 4))
        key: Key = msgspec.json.decode(data, type=tuple[types])  # type: ignore[valid-type]
    except (ValueError, binascii.Error, msgspec.MsgspecError):
        raise refusal(400, f"{parameter}: copy it from `pageInfo`.", parameter) from None
    return key
