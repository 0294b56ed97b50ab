"""/health and /ready, for load balancers and orchestrators: open to all, and cheap."""

from functools import cache

from django.conf import settings
from django.db import DatabaseError, connection
from django.http import HttpResponse, JsonResponse
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.authentication import BaseAuthentication
from rest_framework.permissions import BasePermission
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.gateway.openapi import problem_response
from apps.gateway.problems import problem
from apps.telemetry.schema_version import WrongSchema, require_schema


class HealthSerializer(serializers.Serializer[None]):
    """The process runs."""

    status = serializers.CharField(help_text="`ok`.")
    version = serializers.CharField(help_text="Version of the gateway.")


class Probe(APIView):
    """A route without authentication."""

    authentication_classes: list[type[BaseAuthentication]] = []
    permission_classes: list[type[BasePermission]] = []


class HealthView(Probe):
    """Liveness: asks no other server, so that their failure restarts no gateway."""

    @extend_schema(
        operation_id="health",
        summary="Whether the gateway's process answers",
        tags=["operation"],
        responses=HealthSerializer,
        examples=[OpenApiExample("ok", {"status": "ok", "version": settings.VERSION})],
    )
    def get(self, _request: Request) -> HttpResponse:
        """The process and its version."""
        return JsonResponse({"status": "ok", "version": settings.VERSION})


class ReadySerializer(serializers.Serializer[None]):
    """Requests can be answered."""

    status = serializers.CharField(help_text="`ready`.")


class ReadyView(Probe):
    """Readiness: PostgreSQL answers and has this version's tables."""

    @extend_schema(
        operation_id="ready",
        summary="Whether the gateway can answer requests",
        tags=["operation"],
        responses={
            200: ReadySerializer,
            **problem_response(503, "Not ready; `detail` says why."),
        },
        examples=[OpenApiExample("ready", {"status": "ready"}, status_codes=["200"])],
    )
    def get(self, request: Request) -> HttpResponse:
        """200 when ready, 503 with the reason when not."""
        reason = not_ready_reason()
        if reason is None:
            return JsonResponse({"status": "ready"})
        return problem(request, 503, reason)


def not_ready_reason() -> str | None:
    """Why requests cannot be answered, or None."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        _require_migrations()
    except DatabaseError:
        return "PostgreSQL does not answer; see DATABASE_URL and the gateway's log."
    except WrongSchema as error:
        return str(error)
    return None


@cache
def _require_migrations() -> None:
    """Looked up until they are there, and no more after that: an exception is not cached."""
    require_schema()
