"""The GPUs: the list and one of them."""

import msgspec
from django.http import HttpResponseBase
from drf_spectacular.utils import extend_schema
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.gateway.access.principal import principal_of
from apps.gateway.openapi import (
    document_parameters,
    invalid_parameter_response,
    path_parameter,
    problem_response,
)
from apps.gateway.parameters import (
    Cluster,
    GpuState,
    Hostname,
    Index,
    Limit,
    Model,
    Offset,
    Parameters,
    Uuid,
    read_parameters,
)
from apps.gateway.problems import InvalidParameter
from apps.gateway.rest.examples import GPU, GPU_EXAMPLE, UUID, page_example
from apps.gateway.rest.kept import Answer, for_now, kept_response
from apps.gateway.rest.pages import object_answer, offset_answer
from apps.gateway.rest.schemas import GpuDetailSerializer, GpuPageSerializer
from apps.telemetry import queries

UUID_PARAMETER = path_parameter("uuid", "The GPU's UUID, complete.", UUID)
INDEX_NEEDS_HOST = "an index repeats from host to host; give `hostname` with it."
GPU_FIELDS = {
    "uuid": "uuid",
    "cluster": "host__cluster__slug",
    "hostname": "host__hostname",
    "gpu_id": "gpu_index",
    "device": "device",
    "model_name": "model_name",
    "driver_version": "driver_version",
    "pci_bus_id": "pci_bus_id",
    "first_seen_at": "first_seen_at",
    "last_seen_at": "last_seen_at",
    "state": "state",
}
UNKNOWN_GPU = problem_response(404, "No GPU of this UUID has ever reported.")


class GpuListParameters(Parameters):
    """Filters of the list; all of them must match."""

    cluster: Cluster | None = None
    hostname: Hostname | None = None
    gpu_id: Index | None = None
    uuid: Uuid | None = None
    model: Model | None = None
    state: GpuState | None = None
    limit: Limit = 100
    offset: Offset = 0


class GpuListView(APIView):
    """The GPUs of the fleet."""

    @extend_schema(
        operation_id="list_gpus",
        summary="List GPUs",
        description="By cluster, host, index and UUID, each with its state.",
        tags=["fleet"],
        parameters=document_parameters(GpuListParameters),
        responses={
            200: GpuPageSerializer,
            **invalid_parameter_response("gpu_id", INDEX_NEEDS_HOST, "/api/v1/gpus?gpu_id=0"),
        },
        examples=[page_example("GPUs", 247, "gpus?limit=1&offset=1", GPU)],
    )
    def get(self, request: Request) -> HttpResponseBase:
        """Answer one page."""
        given = read_parameters(request.query_params, GpuListParameters)
        if given.gpu_id is not None and given.hostname is None:
            raise InvalidParameter("gpu_id", INDEX_NEEDS_HOST)
        found = queries.gpus(clusters=principal_of(request).clusters).filter(**_filters(given))
        return kept_response(
            request,
            lambda: for_now(offset_answer(request, found, GPU_FIELDS, given.limit, given.offset)),
        )


class GpuView(APIView):
    """One GPU."""

    @extend_schema(
        operation_id="get_gpu",
        summary="Get a GPU",
        description=(
            "What it is, where it is, whether it reports, which metrics, and what was refused."
        ),
        tags=["fleet"],
        parameters=[UUID_PARAMETER],
        responses={200: GpuDetailSerializer, **UNKNOWN_GPU},
        examples=[GPU_EXAMPLE],
    )
    def get(self, request: Request, uuid: str) -> HttpResponseBase:
        """Answer the GPU."""
        read_parameters(request.query_params, Parameters)
        found = queries.gpus(clusters=principal_of(request).clusters).filter(uuid=uuid)

        def make() -> Answer:
            gpu = object_answer(found, GPU_FIELDS, unknown_gpu(uuid)).body
            rest = {
                "metrics": queries.presence(uuid),
                "quarantined": queries.quarantined([uuid])[uuid],
            }
            return for_now(Answer(gpu[:-1] + b"," + msgspec.json.encode(rest)[1:]))

        return kept_response(request, make)


def unknown_gpu(uuid: str) -> str:
    """Why there is no such GPU, and where there are some."""
    return f"No GPU {uuid} has reported; /api/v1/gpus lists those that have."


def _filters(given: GpuListParameters) -> dict[str, object]:
    """The parameters that were given, as filters of the query."""
    filters = {
        "host__cluster__slug": given.cluster,
        "host__hostname": given.hostname,
        "gpu_index": given.gpu_id,
        "uuid": given.uuid,
        "model_name__icontains": given.model,
        "state": given.state,
    }
    return {name: value for name, value in filters.items() if value is not None}
