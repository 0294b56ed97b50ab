"""Samples: one GPU at one instant, with a field for each metric of the registry."""

from typing import Any

import graphene
from graphene.types.resolver import dict_resolver
from graphql import GraphQLResolveInfo

from apps.gateway.cursors import write_cursor
from apps.gateway.graphql.scalars import JSON, Count, DateTime, MetricName, Number
from apps.gateway.graphql.selection import selected_fields
from apps.gateway.times import StartTime
from apps.telemetry.metrics import BY_NAME, METRICS, Metric, Storage
from apps.telemetry.queries import COLUMNS, Cursor

Row = dict[str, Any]
_TYPES = {Storage.BIGINT: Count, Storage.SMALLINT: graphene.Int}


class MetricValue(graphene.ObjectType):
    """A metric and its value, for callers that learn the names at run time."""

    class Meta:
        default_resolver = dict_resolver

    metric = graphene.Field(MetricName, required=True)
    value = graphene.Field(Number, description="Null if it was not reported.")
    unit = graphene.String(required=True, description="Empty where there is none.")


def _metric_field(metric: Metric) -> graphene.Field:
    unit = f" in {metric.unit}" if metric.unit else ""
    return graphene.Field(
        _TYPES.get(metric.storage, Number),
        description=f"{metric.description}{unit}. A {metric.kind}; DCGM field {metric.dcgm_id}.",
    )


def _cursor(row: Row, _info: GraphQLResolveInfo) -> str:
    return write_cursor(Cursor(StartTime(row["timestamp"]).at))


def _values(row: Row, _info: GraphQLResolveInfo) -> list[Row]:
    return [
        {"metric": name, "value": value, "unit": BY_NAME[name].unit}
        for name, value in row.items()
        if name in row.get("_listed", BY_NAME) and name in BY_NAME
    ]


class _SampleOptions:
    default_resolver = dict_resolver
    description = "One GPU at one instant; a metric that is null was not reported."


Sample = type(
    "Sample",
    (graphene.ObjectType,),
    {
        "Meta": _SampleOptions,
        "timestamp": graphene.Field(DateTime, required=True),
        **{metric.name: _metric_field(metric) for metric in METRICS},
        "extra": graphene.Field(JSON, description="Every other field, under its DCGM name."),
        "values": graphene.List(
            graphene.NonNull(MetricValue),
            required=True,
            description="The metrics as a list: those of `metrics`, all if it was left out.",
        ),
        "count": graphene.Field(
            Count, required=True, description="Samples it stands for: 1 in `raw` resolution."
        ),
        "cursor": graphene.String(
            required=True, description="Its place, for the argument `after` of `telemetry`."
        ),
        "resolve_values": staticmethod(_values),
        "resolve_count": staticmethod(lambda row, _info: row.get("count", 1)),
        "resolve_cursor": staticmethod(_cursor),
    },
)


def columns(info: GraphQLResolveInfo, listed: tuple[str, ...] | None = None) -> tuple[str, ...]:
    """The columns that the selected fields of a sample need; `listed` are those of `values`."""
    fields = selected_fields(info)
    if "values" not in fields:
        listed = ()
    elif listed is None:
        listed = tuple(BY_NAME)
    return tuple(name for name in COLUMNS if name in fields or name in listed)
