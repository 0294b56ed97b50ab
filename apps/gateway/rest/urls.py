"""The REST routes under /api/v1/; none ends with a slash."""

from django.urls import URLPattern

urlpatterns: list[URLPattern] = []
