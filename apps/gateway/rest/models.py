"""The models of GPUs that the fleet has, and how many of each."""

from django.http import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.gateway.access.principal import principal_of
from apps.gateway.openapi import document_parameters
from apps.gateway.parameters import Cluster, Limit, Offset, Parameters, read_parameters
from apps.gateway.rest.examples import MODEL, page_example
from apps.gateway.rest.kept import kept_response
from apps.gateway.rest.pages import offset_answer
from apps.gateway.rest.schemas import ModelPageSerializer
from apps.telemetry import queries

MODEL_FIELDS = {
    "model_name": "model_name",
    "gpu_count": "gpu_count",
    "last_seen_at": "last_seen_at",
}


class ModelListParameters(Parameters):
    """Of which cluster, and which part of the list."""

    cluster: Cluster | None = None
    limit: Limit = 100
    offset: Offset = 0


class ModelListView(APIView):
    """The models."""

    @extend_schema(
        operation_id="list_models",
        summary="List models",
        description='By name. GPUs that never said what they are have the name `""`.',
        tags=["fleet"],
        parameters=document_parameters(ModelListParameters),
        responses={200: ModelPageSerializer},
        examples=[page_example("models", 2, "models?limit=1&offset=1", MODEL)],
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Answer one page."""
        given = read_parameters(request.query_params, ModelListParameters)
        found = queries.models(clusters=principal_of(request).clusters)
        if given.cluster is not None:
            found = found.filter(host__cluster__slug=given.cluster)
        return kept_response(
            request, lambda: offset_answer(request, found, MODEL_FIELDS, given.limit, given.offset)
        )
