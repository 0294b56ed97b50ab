"""Slices of the inventory lists, each of many parents at once: the GPUs of hosts, and so on.

A list is ordered by a key that is unique, and a slice lies after or before a place of that key, so
that what registers meanwhile makes no slice skip or repeat anything.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any

import msgspec

from apps.telemetry.queries.prepared import fetch_one
from apps.telemetry.queries.reporting import IS_REPORTING, LIVELIEST, STATE

Row = dict[str, Any]
Key = tuple[str | int, ...]

_TIME = """to_char({} AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')"""
_CLUSTERS = "telemetry_cluster cluster"
_HOSTS = "telemetry_host host JOIN telemetry_cluster cluster ON cluster.id = host.cluster_id"
_GPUS = f"telemetry_gpu gpu JOIN ({_HOSTS}) ON host.id = gpu.host_id"


class Listing(Enum):
    """A list: where its rows are, the key that orders them, and the fields of a row.

    `_id`, `_host` and `_cluster` are the identifiers that relations go by; the rest is the API's.
    """

    CLUSTERS = (
        _CLUSTERS,
        {"cluster.slug": "text"},
        f"""cluster.id AS _id, cluster.slug, cluster.name, seen.host_count, seen.gpu_count,
            {_TIME.format("cluster.first_seen_at")} AS first_seen_at,
            {_TIME.format("seen.at")} AS last_seen_at
       FROM (SELECT count(DISTINCT host.id) AS host_count, count(gpu.id) AS gpu_count,
                    max(latest.timestamp) AS at
               FROM telemetry_host host
               LEFT JOIN telemetry_gpu gpu ON gpu.host_id = host.id
               LEFT JOIN telemetry_latestsample latest ON latest.gpu_id = gpu.id
              WHERE host.cluster_id = cluster.id) seen""",
    )
    HOSTS = (
        _HOSTS,
        {"cluster.slug": "text", "host.hostname": "text"},
        f"""host.id AS _id, host.cluster_id AS _cluster, host.hostname, cluster.slug AS cluster,
            seen.gpu_count, seen.reporting_count,
            {_TIME.format("host.first_seen_at")} AS first_seen_at,
            {_TIME.format("seen.at")} AS last_seen_at, coalesce(seen.state, 'never_seen') AS state
       FROM (SELECT count(*) AS gpu_count, max(latest.timestamp) AS at,
                    count(*) FILTER (WHERE {IS_REPORTING}) AS reporting_count,
                    {LIVELIEST} AS state
               FROM telemetry_gpu gpu
               LEFT JOIN telemetry_latestsample latest ON latest.gpu_id = gpu.id
              WHERE gpu.host_id = host.id) seen""",
    )
    GPUS = (
        _GPUS,
        {
            "cluster.slug": "text",
            "host.hostname": "text",
            "gpu.gpu_index": "integer",
            "gpu.uuid": "text",
        },
        f"""gpu.id AS _id, gpu.host_id AS _host, host.cluster_id AS _cluster, gpu.uuid,
            cluster.slug AS cluster, host.hostname, gpu.gpu_index AS gpu_id, gpu.device,
            gpu.model_name, gpu.driver_version, gpu.pci_bus_id,
            {_TIME.format("gpu.first_seen_at")} AS first_seen_at,
            seen.at AS last_seen_at, coalesce(seen.state, 'never_seen') AS state
       FROM (SELECT max({_TIME.format("latest.timestamp")}) AS at, max({STATE}) AS state
               FROM telemetry_latestsample latest WHERE latest.gpu_id = gpu.id) seen""",
    )

    def __init__(self, source: str, key: dict[str, str], fields: str) -> None:
        self.source = source
        self.key = key
        self.fields = fields


class Parent(Enum):
    """Whose rows: of everything, or of each cluster or host, which may be the row itself."""

    FLEET = "true"
    CLUSTER = "cluster.id = parent.id"
    HOST = "host.id = parent.id"


# The one parent of a list of the whole fleet.
FLEET = (0,)
_FILTERS = {
    "cluster": "cluster.slug = %(cluster)s::text",
    "hostname": "host.hostname = %(hostname)s::text",
    "gpu_id": "gpu.gpu_index = %(gpu_id)s::integer",
    "uuid": "gpu.uuid = %(uuid)s::text",
    "model": "strpos(lower(gpu.model_name), lower(%(model)s::text)) > 0",
}


@dataclass(frozen=True, slots=True)
class Selection:
    """Which rows of a list: `filters` may be cluster, hostname, gpu_id, uuid and model.

    `clusters` are the slugs that may be seen, None for all.
    """

    listing: Listing
    parent: Parent = Parent.FLEET
    filters: tuple[tuple[str, str | int], ...] = ()
    clusters: frozenset[str] | None = None


@dataclass(frozen=True, slots=True)
class Span:
    """Up to `limit` rows between two places, from the start or, with `from_end`, the end."""

    limit: int
    after: Key | None = None
    before: Key | None = None
    from_end: bool = False


_SLICE = """
SELECT json_object_agg(parent.id, slice.rows)::text
  FROM unnest(%(parents)s::bigint[]) AS parent(id),
       LATERAL (
         SELECT coalesce(json_agg(line.line), '[]') AS rows
           FROM (SELECT (SELECT row_to_json(fields) FROM (SELECT {fields}) fields) AS line
                   FROM {source} WHERE {where} ORDER BY {order} LIMIT %(limit)s::integer) line
       ) slice
"""
_COUNT = """
SELECT json_object_agg(parent.id, (SELECT count(*) FROM {source} WHERE {where}))::text
  FROM unnest(%(parents)s::bigint[]) AS parent(id)
"""


def slices(chosen: Selection, span: Span, parents: Iterable[int] = FLEET) -> dict[int, list[Row]]:
    """The span of each parent's rows, by the parent's identifier, in the order of the list.

    One row more than `span.limit`, at the end that the span goes to, shows that others follow.
    """
    where, parameters = _conditions(chosen)
    key = chosen.listing.key
    for name, place, sign in (("after", span.after, ">"), ("before", span.before, "<")):
        if place is not None:
            where.append(f"({', '.join(key)}) {sign} ({_place(name, key)})")
            parameters[name] = [str(part) for part in place]
    direction = "DESC" if span.from_end else "ASC"
    statement = _SLICE.format(
        fields=chosen.listing.fields,
        source=chosen.listing.source,
        where=" AND ".join(where),
        order=", ".join(f"{column} {direction}" for column in key),
    )
    found = _by_parent(
        statement, {**parameters, "limit": span.limit + 1}, parents, dict[int, list[Row]]
    )
    return {parent: rows[::-1] for parent, rows in found.items()} if span.from_end else found


def counts(chosen: Selection, parents: Iterable[int] = FLEET) -> dict[int, int]:
    """How many rows each parent has, by the parent's identifier."""
    where, parameters = _conditions(chosen)
    statement = _COUNT.format(source=chosen.listing.source, where=" AND ".join(where))
    found: dict[int, int] = _by_parent(statement, parameters, parents, dict[int, int])
    return found


def key_of(listing: Listing, row: Row) -> Key:
    """The place of a row in its list."""
    names = {"cluster.slug": "slug" if listing is Listing.CLUSTERS else "cluster"}
    names |= {"host.hostname": "hostname", "gpu.gpu_index": "gpu_id", "gpu.uuid": "uuid"}
    return tuple(row[names[column]] for column in listing.key)


def _conditions(chosen: Selection) -> tuple[list[str], dict[str, Any]]:
    """Only the filters that were given: a plan that allows for all of them would use no index."""
    where = [chosen.parent.value, *(_FILTERS[name] for name, _ in chosen.filters)]
    parameters: dict[str, Any] = dict(chosen.filters)
    if chosen.clusters is not None:
        where.append("cluster.slug = ANY(%(clusters)s::text[])")
        parameters["clusters"] = sorted(chosen.clusters)
    return where, parameters


def _place(name: str, key: dict[str, str]) -> str:
    parts = enumerate(key.values(), start=1)
    return ", ".join(f"(%({name})s::text[])[{place}]::{type_}" for place, type_ in parts)


def _by_parent(
    statement: str, parameters: dict[str, Any], parents: Iterable[int], type_: Any
) -> Any:
    """What a statement answers for each parent; without parents it answers NULL."""
    row = fetch_one(statement, {**parameters, "parents": list(parents)})
    text: str = row[0] if row and row[0] else "{}"
    return msgspec.json.decode(text, type=type_, strict=False)
