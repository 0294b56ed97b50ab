"""Every URL of the gateway."""

from typing import Any

from csp.decorators import csp_update
from django.urls import URLPattern, URLResolver, include, path, re_path
from drf_spectacular.views import SpectacularRedocView, SpectacularSwaggerView

from apps.gateway.error_pages import api_not_found
from apps.gateway.favicon import favicon
from apps.gateway.graphql.view import graphql_view
from apps.gateway.metrics.page import MetricsView
from apps.gateway.openapi_view import SchemaView
from apps.gateway.probes import HealthView, ReadyView

# The documentation tells nothing about the fleet, so it is open to all.
OPEN: dict[str, Any] = {
    "authentication_classes": [],
    "permission_classes": [],
    "metadata_class": None,  # OPTIONS would describe the view by a template that there is not
}
REDOC_STYLES = [
    "'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='",
    "'sha256-QMIg+bpjm3JdElJ388KYke01izlUW0UoNOeKjpMxdgc='",
]
SWAGGER = SpectacularSwaggerView.as_view(template_name="gateway/swagger.html", **OPEN)
# Redoc searches in a worker that it makes, and two of its styles have no nonce.
REDOC = csp_update({"worker-src": ["blob:"], "style-src": REDOC_STYLES})(
    SpectacularRedocView.as_view(template_name="gateway/redoc.html", **OPEN)
)

urlpatterns: list[URLPattern | URLResolver] = [
    path("api/v1/", include("apps.gateway.rest.urls")),
    path("favicon.ico", favicon, name="favicon"),
    path("health", HealthView.as_view(), name="health"),
    path("ready", ReadyView.as_view(), name="ready"),
    path("metrics", MetricsView.as_view(), name="metrics"),
    path("graphql", graphql_view, name="graphql"),
    path("api/schema/", SchemaView.as_view(**OPEN), name="schema"),
    path("api/docs/", SWAGGER, name="docs"),
    path("api/redoc/", REDOC, name="redoc"),
    re_path("^(?:api|graphql|health|ready|metrics|ws)/", api_not_found),
]
