"""What a metric of a GPU was over a window."""

from typing import Any

import graphene
from graphene.types.resolver import dict_resolver

from apps.gateway.graphql.scalars import Count, MetricName, Number
from apps.telemetry.metrics import BY_NAME
from apps.telemetry.queries.summary import Summary

_GAUGES_ONLY = "Null for counters, codes and masks."


class MetricSummary(graphene.ObjectType):
    """A metric over a window; a sample that did not report it is not counted."""

    class Meta:
        default_resolver = dict_resolver

    metric = graphene.Field(MetricName, required=True)
    unit = graphene.String(required=True, description="Empty where there is none.")
    min = graphene.Field(Number)
    avg = graphene.Field(Number, description=_GAUGES_ONLY)
    max = graphene.Field(Number)
    p50 = graphene.Field(Number, description=_GAUGES_ONLY)
    p95 = graphene.Field(Number, description=_GAUGES_ONLY)
    p99 = graphene.Field(Number, description=_GAUGES_ONLY)
    last = graphene.Field(Number, description="The newest value of the window.")
    count = graphene.Field(Count, required=True, description="Samples that reported it.")


def as_rows(summaries: dict[str, Summary]) -> list[dict[str, Any]]:
    """One row for each metric of a GPU."""
    return [
        {"metric": name, "unit": BY_NAME[name].unit, **summary}
        for name, summary in summaries.items()
    ]
