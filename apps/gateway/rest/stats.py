"""What the fleet amounts to now."""

from django.http import HttpResponseBase
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.gateway.access.principal import principal_of
from apps.gateway.openapi import document_parameters
from apps.gateway.parameters import Cluster, Parameters, read_parameters
from apps.gateway.rest.examples import STATS
from apps.gateway.rest.kept import Answer, kept_response
from apps.gateway.rest.schemas import StatsSerializer
from apps.telemetry import queries


class StatsParameters(Parameters):
    """Of which cluster; of all if left out."""

    cluster: Cluster | None = None


class StatsView(APIView):
    """Totals of the fleet."""

    @extend_schema(
        operation_id="get_stats",
        summary="Get the totals of the fleet",
        description=(
            "Out of the newest sample of each GPU. Power, memory and utilisation are of the GPUs "
            f"that report: whose {queries.REPORTING_MEANS}."
        ),
        tags=["fleet"],
        parameters=document_parameters(StatsParameters),
        responses={200: StatsSerializer},
        examples=[OpenApiExample("totals", STATS, status_codes=["200"])],
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Answer the totals."""
        given = read_parameters(request.query_params, StatsParameters)
        clusters = principal_of(request).clusters

        def make() -> Answer:
            stats = queries.stats_json(cluster=given.cluster, clusters=clusters)
            return Answer(stats.body.encode(), stats.same_until)

        return kept_response(request, make)
