"""The metric registry: what each metric is, its unit and its names in DCGM."""

from typing import Any

import graphene
from graphene.types.resolver import dict_resolver

from apps.gateway.graphql.scalars import MetricName, Number
from apps.telemetry.metrics import METRICS


class Metric(graphene.ObjectType):
    """One metric of the registry."""

    class Meta:
        default_resolver = dict_resolver

    name = graphene.Field(MetricName, required=True)
    unit = graphene.String(required=True, description="Empty where there is none.")
    kind = graphene.String(required=True, description="gauge, counter, bitmask, code or flag.")
    description = graphene.String(required=True)
    dcgm_id = graphene.Int(required=True, description="Id of the DCGM field.")
    dcgm_names = graphene.List(
        graphene.NonNull(graphene.String), required=True, description="Its names, old and new."
    )
    minimum = graphene.Field(Number, required=True, description="Less is refused.")
    maximum = graphene.Field(Number, required=True, description="More is refused.")


ROWS: list[dict[str, Any]] = [
    {name: getattr(metric, name) for name in Metric._meta.fields} for metric in METRICS
]
