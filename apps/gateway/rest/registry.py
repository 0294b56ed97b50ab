"""The metric registry: what each metric is."""

from functools import cache

import msgspec
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.gateway.parameters import Parameters, read_parameters
from apps.gateway.rest.examples import METRIC, list_example
from apps.gateway.rest.pages import list_body
from apps.gateway.rest.schemas import MetricPageSerializer
from apps.telemetry.metrics import METRICS, Metric


class MetricListView(APIView):
    """The metrics."""

    @extend_schema(
        operation_id="list_metrics",
        summary="List the metrics",
        description=(
            "Every metric that has a field of its own, with its DCGM field and the names that "
            "DCGM has given it, before and since 4.6. All other fields are kept in `extra`."
        ),
        tags=["telemetry"],
        responses={200: MetricPageSerializer},
        examples=[list_example("metrics", len(METRICS), METRIC)],
    )
    def get(self, request: Request) -> HttpResponse:
        """Answer all of them."""
        read_parameters(request.query_params, Parameters)
        response = HttpResponse(_body(), content_type="application/json")
        # Another release may have others.
        response["Cache-Control"] = "private, max-age=300"
        return response


@cache
def _body() -> bytes:
    metrics = [_describe(metric) for metric in METRICS]
    return list_body(len(metrics), None, None, msgspec.json.encode(metrics))


def _describe(metric: Metric) -> dict[str, object]:
    return {
        "name": metric.name,
        "dcgm_id": metric.dcgm_id,
        "dcgm_names": list(metric.dcgm_names),
        "unit": metric.unit,
        "kind": metric.kind.value,
        "is_integer": metric.is_integer,
        "minimum": metric.minimum,
        "maximum": metric.maximum,
        "description": metric.description,
    }
