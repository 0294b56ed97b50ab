"""Every URL of the project."""

from django.contrib import admin
from django.urls import URLPattern, URLResolver, include, path

from apps.gateway.urls import urlpatterns as gateway_urls

urlpatterns: list[URLPattern | URLResolver] = [
    # First what is asked for most: patterns are tried one after the other.
    *gateway_urls,
    path("", include("apps.dashboard.urls")),
    path("admin/", admin.site.urls),
]

handler400 = "apps.gateway.error_pages.bad_request"
handler403 = "apps.gateway.error_pages.permission_denied"
handler404 = "apps.gateway.error_pages.not_found"
handler500 = "apps.gateway.error_pages.server_error"
