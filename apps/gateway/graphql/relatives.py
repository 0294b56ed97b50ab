"""From a row up to its host and cluster, and down to the rows that are its own."""

from functools import partial
from typing import Any

from graphql import GraphQLResolveInfo

from apps.gateway.graphql.connections import connect
from apps.gateway.graphql.peers import Peers, Row
from apps.telemetry.queries.slices import Listing, Parent, Selection, Span, slices


def below(
    listing: Listing, parent: Parent, row: Row, info: GraphQLResolveInfo, **arguments: Any
) -> Row:
    """The connection of the rows of `listing` that belong to a row."""

    def read(rows: list[Row]) -> dict[int, Row]:
        filters = tuple(
            (name, arguments[name])
            for name in ("gpu_id", "model", "hostname")
            if arguments.get(name) is not None
        )
        selection = Selection(listing, parent, filters)
        return connect(info.context, selection, arguments, [one["_id"] for one in rows])

    page: Row = row["_peers"].load(info, read)[row["_id"]]
    return page


def _above(listing: Listing, parent: Parent, row: Row, info: GraphQLResolveInfo) -> Row:
    """The host or cluster of a row; rows of the same one share it."""
    reader = info.context
    column = f"_{parent.name.lower()}"

    def read(rows: list[Row]) -> dict[int, Row]:
        selection = Selection(listing, parent, clusters=reader.clusters)
        identifiers = sorted({one[column] for one in rows})
        found = reader.read(slices, selection, Span(1), identifiers)
        return {one["_id"]: one for one in Peers(one for (one,) in found.values()).rows}

    above: Row = row["_peers"].load(info, read)[row[column]]
    return above


host_of = partial(_above, Listing.HOSTS, Parent.HOST)
cluster_of = partial(_above, Listing.CLUSTERS, Parent.CLUSTER)
