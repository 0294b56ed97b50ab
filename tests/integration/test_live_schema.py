"""docs/asyncapi.yaml says what live messages hold: real ones are held against it."""

import json
from typing import Any

import jsonschema
import pytest
import yaml

from apps.gateway.live import hub as hubs
from apps.gateway.live.message import message
from apps.gateway.ws import messages
from tests.contract.settings_source import ROOT
from tests.integration.live_sockets import DEADLINE_S, asynchronous, socket, tick

DOCUMENT = yaml.safe_load((ROOT / "docs/asyncapi.yaml").read_text())
MESSAGES: dict[str, Any] = DOCUMENT["components"]["messages"]


def check(one):
    """Hold a message against the schema of its type; its type."""
    schema = MESSAGES[one["type"]]["payload"] | {"components": DOCUMENT["components"]}
    jsonschema.validate(one, schema)
    return one["type"]


@pytest.mark.parametrize("name", sorted(MESSAGES))
def test_every_schema_is_one_and_refuses_what_is_not_of_its_type(name):
    schema = MESSAGES[name]["payload"] | {"components": DOCUMENT["components"]}
    jsonschema.Draft202012Validator.check_schema(schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"type": "nonsense"}, schema)


def test_every_reference_of_a_channel_or_operation_leads_somewhere():
    for part in ("channels", "operations"):
        references = list(_references(DOCUMENT[part]))
        assert references
        for reference in references:
            found = DOCUMENT
            for step in reference.removeprefix("#/").split("/"):
                assert step in found, reference
                found = found[step]


def test_what_clients_may_send_has_the_members_of_the_code():
    for kind in (messages.Subscribe, messages.Unsubscribe, messages.Ping, messages.Authenticate):
        properties = MESSAGES[str(kind.__struct_config__.tag)]["payload"]["properties"]
        assert set(properties) == {"type", *kind.__struct_fields__}
    filters = MESSAGES["subscribe"]["payload"]["properties"]["filters"]["properties"]
    assert set(filters) == set(messages.Filters.__struct_fields__)


def test_the_end_of_a_stream_is_as_described():
    assert check(json.loads(message("end", detail="why").text)) == "end"


@pytest.mark.django_db(transaction=True)
def test_every_message_that_is_sent_is_as_described(
    fresh_process, settings, monkeypatch, etcd_endpoints, cluster_id
):
    settings.PUBLIC_READ = True
    settings.CLUSTER_ID = cluster_id
    monkeypatch.setattr(hubs, "CATCH_UP_S", 0.1)

    @asynchronous
    async def scenario():
        await tick(0, 0, extra={"DCGM_FI_DEV_FAN_SPEED": 30})
        heard: set[str] = set()
        async with socket() as client:

            async def say(*sent):
                for one in sent:
                    assert check(one) == one["type"]
                    await client.say_text(json.dumps(one))

            async def hear(*kinds):
                while not heard >= set(kinds):
                    heard.add(check(await _next(client)))

            await say(
                {"type": "subscribe", "filters": {"gpu_uuid": ["GPU-0000"]}, "interval_ms": 0},
                {"type": "subscribe", "id": "b", "cursor": "99999999999:99999999999:"},
            )
            await hear("authenticated", "snapshot", "missed")
            await say(
                {"type": "unsubscribe", "id": "b"},
                {"type": "ping", "id": "1"},
                {"type": "subscribe", "id": "c", "filters": {"metrics": "nope"}},
            )
            await tick(1, 0)
            await hear("unsubscribed", "pong", "error", "update")
        async with socket("/ws/pipeline/") as client:
            assert check(await _next(client)) == "authenticated"
            assert check(await _next(client)) == "pipeline"

    scenario()


async def _next(client):
    event = await client.receive_output(timeout=DEADLINE_S)
    return json.loads(event["text"])


def _references(value):
    if isinstance(value, dict):
        if "$ref" in value:
            yield value["$ref"]
        for one in value.values():
            yield from _references(one)
    elif isinstance(value, list):
        for one in value:
            yield from _references(one)
