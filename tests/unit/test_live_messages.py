"""Messages of WebSocket clients: what is taken, what is refused and how it is named; choices."""

import json

import pytest

from apps.gateway.live.choice import Choice, columns_of
from apps.gateway.ws.messages import (
    Authenticate,
    BadMessage,
    Filters,
    Ping,
    Subscribe,
    Unsubscribe,
    choice_of,
    cursor_of,
    read_message,
)
from apps.telemetry.queries import COLUMNS
from apps.telemetry.queries.changes import Change

LINE = json.dumps(
    {"uuid": "GPU-1", "cluster": "lab", "hostname": "h", "gpu_id": 1, "timestamp": "t"}
    | dict.fromkeys(COLUMNS)
    | {"power_draw": 1.5}
)
ROW = Change("GPU-1", "lab", "h", 7, LINE)


def test_each_kind_of_message_is_read_with_its_defaults():
    assert read_message('{"type":"subscribe"}') == Subscribe()
    assert read_message('{"type":"unsubscribe","id":"x"}') == Unsubscribe(id="x")
    assert read_message('{"type":"ping"}') == Ping()
    assert read_message('{"type":"authenticate","token":"egt_1"}') == Authenticate(token="egt_1")


@pytest.mark.parametrize(
    ("text", "parameter"),
    [
        ("", None),
        ("[]", None),
        ('{"type":"subscribe"', None),
        ("{}", None),
        ('{"type":"shout"}', "type"),
        ('{"type":"subscribe","filter":{}}', None),
        ('{"type":"subscribe","interval_ms":-1}', "interval_ms"),
        ('{"type":"subscribe","interval_ms":60001}', "interval_ms"),
        ('{"type":"subscribe","interval_ms":"1"}', "interval_ms"),
        ('{"type":"subscribe","filters":{"gpu_uuid":7}}', "filters.gpu_uuid"),
        ('{"type":"subscribe","filters":{"metrics":["a",null]}}', "filters.metrics[1]"),
        ('{"type":"subscribe","id":""}', "id"),
        ('{"type":"authenticate"}', None),
    ],
)
def test_what_cannot_be_used_is_refused_with_the_member_at_fault(text, parameter):
    with pytest.raises(BadMessage) as caught:
        read_message(text)
    assert caught.value.parameter == (parameter or caught.value.parameter)
    assert caught.value.detail.endswith(".")


def test_a_refusal_says_whose_message_it_was():
    with pytest.raises(BadMessage) as caught:
        read_message('{"type":"subscribe","id":"mine","interval_ms":-1}')
    assert caught.value.id == "mine"


def test_host_and_hostname_are_one_filter():
    assert choice_of(Filters(host="a"), None) == choice_of(Filters(hostname="a"), None)
    with pytest.raises(BadMessage, match="same filter"):
        choice_of(Filters(host="a", hostname="b"), None)


def test_a_uuid_may_be_a_text_or_a_list():
    assert choice_of(Filters(gpu_uuid="a"), None) == choice_of(Filters(gpu_uuid=["a", "a"]), None)


def test_only_metrics_of_the_registry_are_taken_and_their_order_does_not_matter():
    first = choice_of(Filters(metrics=["temperature", "power_draw"]), None)
    assert first == choice_of(Filters(metrics=["power_draw", "temperature"]), None)
    with pytest.raises(BadMessage, match="no metric 'power_draw; DROP") as caught:
        choice_of(Filters(metrics=["power_draw; DROP TABLE x"]), None)
    assert caught.value.parameter == "filters.metrics"
    assert columns_of(COLUMNS) is None


def test_a_cursor_that_is_none_is_refused_by_name():
    with pytest.raises(BadMessage, match="no cursor") as caught:
        cursor_of("yesterday")
    assert caught.value.parameter == "cursor"


@pytest.mark.parametrize(
    ("choice", "matches"),
    [
        (Choice(), True),
        (Choice(cluster="lab", hostname="h", uuids=frozenset({"GPU-1"})), True),
        (Choice(cluster="other"), False),
        (Choice(hostname="other"), False),
        (Choice(uuids=frozenset({"GPU-2"})), False),
        (Choice(uuids=frozenset()), False),
        (Choice(clusters=frozenset({"other"})), False),
        (Choice(uuids=frozenset({"GPU-1"}), clusters=frozenset({"other"})), False),
        (Choice(uuids=frozenset({"GPU-1"}), clusters=frozenset({"lab"})), True),
    ],
)
def test_a_choice_has_what_matches_every_filter_and_the_holders_clusters(choice, matches):
    other = Change("GPU-9", "elsewhere", "elsewhere", 7, LINE)
    assert (ROW in choice.of({"GPU-1": ROW, "GPU-9": other})) is matches


def test_a_choice_of_metrics_leaves_the_others_out():
    chosen = json.loads(Choice(columns=("power_draw",)).lines([ROW]))
    assert chosen == {
        "uuid": "GPU-1", "cluster": "lab", "hostname": "h", "gpu_id": 1, "timestamp": "t",
        "power_draw": 1.5,
    }  # fmt: skip
    assert Choice().lines([ROW, ROW]) == f"{LINE},{LINE}"
