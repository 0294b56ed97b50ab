"""The pipeline at work: what waits, who is live, how fast, what was decided and why."""

from typing import Any

import msgspec
from django.http import HttpResponse
from drf_spectacular.utils import OpenApiExample, extend_schema
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.views import APIView

from apps.gateway.openapi import problem_response
from apps.gateway.parameters import Parameters, read_parameters
from apps.gateway.rest.pipeline_past import remembered
from apps.gateway.rest.pipeline_state import pipeline_state
from apps.telemetry import queries
from telemetry_project.queue import queue_config

EXAMPLE: dict[str, Any] = {
    "backlog": 412_804,
    "published_per_s": 39_120.5,
    "stored_per_s": 46_377.2,
    "seconds_to_drain": 56.9,
    "instances": {
        "collectors": [{"name": "node-1-4711-a1b2c3", "stored": 1_204_332}],
        "streamers": [{"name": "site:node-1-4712-d4e5f6", "published": 1_617_136}],
        "supervisors": [
            {
                "name": "node-1-4700-0a1b2c",
                "collectors": 1,
                "streamers": 1,
                "targets": {"collectors": 2, "streamers": 1},
                "limits": {"collectors": [1, 10], "streamers": [1, 4]},
                "restarts": 0,
            }
        ],
    },
    "decisions": [
        {
            "at": "2026-01-31T12:00:04.120+00:00",
            "collectors": 2,
            "streamers": 1,
            "reason": "collectors 1 → 2: 51210 messages wait and do not get fewer",
        }
    ],
    "advice": [],
    "tasks": [
        {
            "name": "telemetry.make_partitions",
            "state": "done",
            "every_s": 3600.0,
            "due_at": "2026-01-31T12:59:58.120000Z",
            "started_at": "2026-01-31T11:59:58.120000Z",
            "finished_at": "2026-01-31T11:59:58.160000Z",
            "succeeded_at": "2026-01-31T11:59:58.160000Z",
            "failed_at": None,
            "error": "",
        }
    ],
    "queue_history": [
        {
            "at": "2026-01-31T12:00:00.000000Z",
            "messages": 401_220,
            "oldest_age_s": 11.4,
            "collectors": 1,
            "streamers": 1,
        }
    ],
    "dead_letters": 0,
}


class CollectorInstanceSerializer(serializers.Serializer[None]):
    """A live collector."""

    name = serializers.CharField(help_text="Host, process id and a random part.")
    stored = serializers.IntegerField(allow_null=True, help_text="Records since its start.")


class StreamerInstanceSerializer(serializers.Serializer[None]):
    """A live streamer."""

    name = serializers.CharField(help_text="Group, `:`, host, process id, a random part.")
    published = serializers.IntegerField(allow_null=True, help_text="Records since its start.")


class RolesSerializer(serializers.Serializer[None]):
    """A number for each role."""

    collectors = serializers.IntegerField()
    streamers = serializers.IntegerField()


class LimitsSerializer(serializers.Serializer[None]):
    """The fewest and the most of each role."""

    collectors = serializers.ListField(child=serializers.IntegerField(), min_length=2, max_length=2)
    streamers = serializers.ListField(child=serializers.IntegerField(), min_length=2, max_length=2)


class SupervisorInstanceSerializer(serializers.Serializer[None]):
    """A live supervisor."""

    name = serializers.CharField(help_text="Host, process id and a random part.")
    collectors = serializers.IntegerField(help_text="Collectors that it runs.")
    streamers = serializers.IntegerField(help_text="Streamers that it runs.")
    targets = RolesSerializer(help_text="How many all machines together shall run.")
    limits = LimitsSerializer(help_text="What its machine must and may run.")
    restarts = serializers.IntegerField(help_text="Workers that died and were started again.")


class InstancesSerializer(serializers.Serializer[None]):
    """Who is live, by role."""

    collectors = CollectorInstanceSerializer(many=True)
    streamers = StreamerInstanceSerializer(many=True)
    supervisors = SupervisorInstanceSerializer(many=True)


class ScalingDecisionSerializer(serializers.Serializer[None]):
    """One change of how many shall run."""

    at = serializers.DateTimeField()
    collectors = serializers.IntegerField(help_text="From then on, on all machines together.")
    streamers = serializers.IntegerField(help_text="From then on, on all machines together.")
    reason = serializers.CharField()


class PeriodicTaskSerializer(serializers.Serializer[None]):
    """A periodic task and how it went last; a time is null where that never happened."""

    name = serializers.CharField()
    state = serializers.ChoiceField(
        choices=[state.value for state in queries.TaskState],
        help_text=(
            "`failed` and `interrupted` (killed) are of the last run, which is repeated within a"
            " minute; `overdue` and `never_run`: no worker of the periodic tasks is at work."
        ),
    )
    every_s = serializers.FloatField(help_text="How often it is due.")
    due_at = serializers.DateTimeField(
        allow_null=True, help_text="When it is due next; null is at once."
    )
    started_at = serializers.DateTimeField(allow_null=True)
    finished_at = serializers.DateTimeField(allow_null=True)
    succeeded_at = serializers.DateTimeField(allow_null=True)
    failed_at = serializers.DateTimeField(allow_null=True)
    error = serializers.CharField(
        allow_blank=True, help_text="Of the failure at `failed_at`, also after a later success."
    )


class QueueSnapshotSerializer(serializers.Serializer[None]):
    """The queue at one moment."""

    at = serializers.DateTimeField()
    messages = serializers.IntegerField(help_text="Messages that waited.")
    oldest_age_s = serializers.FloatField(help_text="How long the first of them had waited.")
    collectors = serializers.IntegerField(help_text="Live ones.")
    streamers = serializers.IntegerField(help_text="Live ones.")


class PipelineSerializer(serializers.Serializer[None]):
    """The pipeline at this moment."""

    backlog = serializers.IntegerField(help_text="Messages that wait in the queue.")
    published_per_s = serializers.FloatField(
        allow_null=True, help_text="Records per second of all live streamers; null: not known yet."
    )
    stored_per_s = serializers.FloatField(
        allow_null=True, help_text="Records per second of all live collectors; null: not known yet."
    )
    seconds_to_drain = serializers.FloatField(
        allow_null=True, help_text="At these rates; null while the backlog does not shrink."
    )
    instances = InstancesSerializer()
    decisions = ScalingDecisionSerializer(many=True, help_text="Of the supervisors, newest first.")
    advice = serializers.ListField(
        child=serializers.CharField(), help_text="What a person can do; empty when all is well."
    )
    tasks = PeriodicTaskSerializer(
        many=True, allow_null=True, help_text="By name; null while PostgreSQL does not answer."
    )
    queue_history = QueueSnapshotSerializer(
        many=True,
        allow_null=True,
        help_text="The last hour, oldest first; null while PostgreSQL does not answer.",
    )
    dead_letters = serializers.IntegerField(
        allow_null=True,
        help_text=(
            f"Messages that could not be stored and are kept, counted up to {queries.MAX_LETTERS};"
            " null while PostgreSQL does not answer."
        ),
    )


class PipelineView(APIView):
    """The state of streamers, queue and collectors."""

    own_cluster = True

    @extend_schema(
        operation_id="get_pipeline",
        summary="The pipeline at work",
        description=(
            "Backlog, rates, live instances, what the supervisors decided and why, and how the "
            "periodic tasks go. etcd is looked at once a second at most. Members refresh their "
            "figures every third of MEMBER_LEASE_S."
        ),
        tags=["operation"],
        responses={
            200: PipelineSerializer,
            **problem_response(503, "etcd does not answer; try again soon."),
        },
        examples=[OpenApiExample("at work", EXAMPLE, status_codes=["200"])],
    )
    def get(self, request: Request) -> HttpResponse:
        """Answer the state."""
        read_parameters(request.query_params, Parameters)
        config = queue_config()
        state = pipeline_state(config).read() | remembered(config.cluster)
        return HttpResponse(msgspec.json.encode(state), content_type="application/json")
