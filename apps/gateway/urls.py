"""Every URL of the gateway."""

from django.urls import include, path, re_path
from django.views.generic import RedirectView
from drf_spectacular.views import SpectacularAPIView, SpectacularRedocView, SpectacularSwaggerView

from apps.gateway.error_pages import api_not_found
from apps.gateway.probes import HealthView, ReadyView

urlpatterns = [
    path("", RedirectView.as_view(url="/api/docs/")),
    path("health", HealthView.as_view(), name="health"),
    path("ready", ReadyView.as_view(), name="ready"),
    path("api/v1/", include("apps.gateway.rest.urls")),
    path("api/schema/", SpectacularAPIView.as_view(permission_classes=[]), name="schema"),
    path("api/docs/", SpectacularSwaggerView.as_view(permission_classes=[]), name="docs"),
    path("api/redoc/", SpectacularRedocView.as_view(permission_classes=[]), name="redoc"),
    re_path("^(?:api|health|ready)/", api_not_found),
]
