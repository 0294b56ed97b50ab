"""/api/schema/: the OpenAPI document, in YAML or JSON."""

from functools import cache

from django.http import HttpResponse
from drf_spectacular.generators import SchemaGenerator
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.gateway.parameters import Parameters, read_parameters


class SchemaView(APIView):
    """The same for everybody, and made once: it takes half a second of a core."""

    renderer_classes = SpectacularAPIView.renderer_classes

    @extend_schema(exclude=True)
    def get(self, request: Request) -> HttpResponse:
        """Answer the document in the form that is accepted."""
        read_parameters(request.query_params, Parameters)
        media_type = request.accepted_renderer.media_type
        body = _document(media_type)
        return HttpResponse(body, content_type=f"{media_type}; charset=utf-8")


@cache
def _document(media_type: str) -> str | bytes:
    renderer = next(one for one in SchemaView.renderer_classes if one.media_type == media_type)
    document = SchemaGenerator().get_schema(public=True)  # type: ignore[no-untyped-call]
    text: str | bytes = renderer().render(document, renderer_context={})
    return text
