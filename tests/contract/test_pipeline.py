"""GET /api/v1/pipeline: what waits, who is live, what was decided."""

from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta
from typing import Any

import pytest
from django.db import OperationalError
from django.utils import timezone

from apps.embedded.ports import free_port
from apps.embedded.processes import wait_until
from apps.gateway.rest import pipeline_state
from apps.gateway.rest.pipeline import EXAMPLE
from apps.gateway.rest.pipeline_past import remembered
from apps.gateway.rest.pipeline_state import describe
from apps.mq import Message, Publisher, QueueConfig
from apps.mq.etcd.client import EtcdClient
from apps.mq.keys import Keys
from apps.mq.membership import Membership
from apps.mq.statistics import Member, Snapshot, Statistics
from apps.telemetry import queries
from apps.telemetry.models import QueueSnapshot, TaskRun
from apps.telemetry.periodic import run

PATH = "/api/v1/pipeline"
PATIENCE_S = 30
SUPERVISOR: dict[str, Any] = {
    "collectors": 2, "streamers": 0, "restarts": 1,
    "targets": {"collectors": 2, "streamers": 0},
    "limits": {"collectors": [1, 10], "streamers": [0, 0]},
    "decisions": [{"at": "2026-01-31T12:00:00.000+00:00", "collectors": 2, "streamers": 0,
                   "reason": "collectors 1 → 2: 20000 messages wait and do not get fewer"}],
    "advice": ["All 2 collectors fall behind: raise --collectors or add a machine."],
}  # fmt: skip


@pytest.fixture
def config(settings: Any, cluster_id: str, etcd_endpoints: list[str]) -> QueueConfig:
    settings.CLUSTER_ID, settings.MEMBER_LEASE_S = cluster_id, 2
    return QueueConfig(tuple(etcd_endpoints), cluster_id, lease_s=2)


@pytest.fixture
def join(config: QueueConfig) -> Iterator[Callable[..., None]]:
    client = EtcdClient(config)
    joined: list[Membership] = []

    def one(role: str, name: str, figures: Callable[[], Mapping[str, Any]]) -> None:
        joined.append(Membership(client, Keys(config.cluster), role, name, 2, figures))
        joined[-1].step()
        joined[-1].start()

    yield one
    for membership in joined:
        membership.leave()
    client.close()


def test_without_anybody_it_is_empty_and_calm(get, config, settings):
    state = get(PATH)
    tasks = state.pop("tasks")
    assert [task["name"] for task in tasks] == sorted(settings.PERIODIC_TASKS)
    assert {task["state"] for task in tasks} == {"never_run"}
    assert state == {
        "backlog": 0,
        "published_per_s": 0.0,
        "stored_per_s": 0.0,
        "seconds_to_drain": 0.0,
        "instances": {"collectors": [], "streamers": [], "supervisors": []},
        "decisions": [],
        "advice": [],
        "queue_history": [],
        "dead_letters": 0,
    }


def test_tasks_are_shown_with_their_state_and_last_error(get, config, settings):
    def fail() -> None:
        raise OSError("no space left")

    settings.PERIODIC_TASKS = {
        name: timedelta(hours=1) for name in ("t.good", "t.bad", "t.killed", "t.left", "t.new")
    }
    run("t.good", lambda: None)
    with pytest.raises(OSError, match="no space"):
        run("t.bad", fail)
    long_ago = timezone.now() - timedelta(days=1)
    TaskRun.objects.create(name="t.killed", host="node", started_at=long_ago)
    TaskRun.objects.create(
        name="t.left", host="node", started_at=long_ago, finished_at=long_ago,
        succeeded_at=long_ago, due_at=long_ago + timedelta(hours=1),
    )  # fmt: skip
    tasks = {task["name"]: task for task in get(PATH)["tasks"]}
    assert {name: task["state"] for name, task in tasks.items()} == {
        "t.good": "done", "t.bad": "failed", "t.killed": "interrupted", "t.left": "overdue",
        "t.new": "never_run",
    }  # fmt: skip
    assert tasks["t.bad"]["error"] == "OSError: no space left"
    assert tasks["t.bad"]["due_at"] is None
    assert tasks["t.good"]["due_at"] > tasks["t.good"]["started_at"]
    assert tasks["t.good"]["every_s"] == 3600


def test_the_past_of_this_clusters_queue_is_told_oldest_first(get, config):
    for cluster, messages in ((config.cluster, 1), ("another", 2), (config.cluster, 3)):
        QueueSnapshot.objects.create(
            cluster=cluster, messages=messages, oldest_age_s=0.5, collectors=1, streamers=2
        )
    first, second = get(PATH)["queue_history"]
    assert (first["messages"], second["messages"]) == (1, 3)
    assert (first["oldest_age_s"], first["collectors"], first["streamers"]) == (0.5, 1, 2)


def test_without_postgresql_what_etcd_knows_is_still_told(config, monkeypatch):
    def away() -> None:
        raise OperationalError("the server is away")

    monkeypatch.setattr(queries, "tasks", away)
    assert remembered(config.cluster) == {
        "tasks": None, "queue_history": None, "dead_letters": None
    }  # fmt: skip


def test_members_are_shown_with_their_figures_and_decisions_with_their_reasons(get, config, join):
    join("collector", "node-1", lambda: {"stored": 4711})
    join("streamer", "site:node-2", lambda: {"published": 815})
    join("supervisor", "node-3", lambda: SUPERVISOR)
    state = get(PATH)
    assert state["instances"]["collectors"] == [{"name": "node-1", "stored": 4711}]
    assert state["instances"]["streamers"] == [{"name": "site:node-2", "published": 815}]
    (supervisor,) = state["instances"]["supervisors"]
    assert (supervisor["name"], supervisor["restarts"]) == ("node-3", 1)
    assert supervisor["targets"] == {"collectors": 2, "streamers": 0}
    assert state["decisions"] == SUPERVISOR["decisions"]
    assert state["advice"] == SUPERVISOR["advice"]


def test_the_backlog_is_counted_and_without_a_collector_it_says_what_to_start(get, config):
    publisher = Publisher(config)
    publisher.publish([Message("host", "0", b"{}")] * 300)
    publisher.flush()
    publisher.close()
    state = get(PATH)
    assert state["backlog"] == 300
    assert state["seconds_to_drain"] is None
    assert "manage.py runpipeline" in state["advice"][0]


def test_rates_are_measured_between_what_members_tell(get, config, join):
    stored = iter(range(0, 10**9, 1000))
    join("collector", "node-1", lambda: {"stored": next(stored)})
    assert wait_until(lambda: (get(PATH)["stored_per_s"] or 0) > 0, PATIENCE_S)


def test_within_a_second_etcd_is_asked_once(get, config, monkeypatch):
    monkeypatch.setattr(pipeline_state, "CACHE_S", 3600.0)
    looks = []
    look = Statistics.look

    def counted(statistics: Statistics) -> Snapshot:
        looks.append(statistics)
        return look(statistics)

    monkeypatch.setattr(Statistics, "look", counted)
    assert [get(PATH)["backlog"] for _ in range(5)] == [0] * 5
    assert len(looks) == 1


def test_without_etcd_it_is_a_503_that_names_the_setting(client, public, db, settings):
    settings.ETCD_ENDPOINTS = [f"127.0.0.1:{free_port()}"]
    response = client.get(PATH)
    assert response.status_code == 503
    assert response.headers["Content-Type"] == "application/problem+json"
    assert settings.ETCD_ENDPOINTS[0] in response.json()["detail"]
    assert "ETCD_ENDPOINTS" in response.json()["detail"]
    assert response.headers["Retry-After"]


@pytest.mark.django_db
def test_it_is_not_for_strangers(client, settings):
    settings.PUBLIC_READ = False
    assert client.get(PATH).status_code == 401


@pytest.mark.parametrize(
    ("published", "stored", "seconds"),
    [(0.0, 100.0, 10.0), (50.0, 100.0, 20.0), (100.0, 100.0, None), (None, 100.0, None)],
)
def test_the_time_to_drain_follows_the_rates(published, stored, seconds):
    assert describe(Snapshot(0.0, 1000, stored, published, {}))["seconds_to_drain"] == seconds


def test_rates_that_this_process_has_not_measured_are_those_of_a_supervisor():
    figures = SUPERVISOR | {"stored_per_s": 7.0, "published_per_s": 5.0}
    members = {"supervisor": {"node-3": Member(figures, 1)}}
    state = describe(Snapshot(0.0, 10, None, None, members))
    assert (state["stored_per_s"], state["published_per_s"]) == (7.0, 5.0)


def test_decisions_of_several_supervisors_are_in_the_order_of_time():
    def made(*times: str) -> Member:
        return Member({"decisions": [{"at": at} for at in times]}, 1)

    members = {"supervisor": {"a": made("t4", "t1"), "b": made("t3", "t2")}}
    state = describe(Snapshot(0.0, 0, 0.0, 0.0, members))
    assert [one["at"] for one in state["decisions"]] == ["t4", "t3", "t2", "t1"]


def test_the_example_has_the_shape_of_an_answer(get, config, join):
    join("supervisor", "node-3", lambda: SUPERVISOR)
    state = get(PATH)
    assert state.keys() == EXAMPLE.keys()
    assert state["instances"]["supervisors"][0].keys() == (
        EXAMPLE["instances"]["supervisors"][0].keys()
    )
