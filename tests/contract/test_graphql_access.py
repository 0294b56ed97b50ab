"""Who may ask GraphQL, what exists for them, and what a failed PostgreSQL answers."""

import json

import pytest
from django.contrib.auth.models import User
from django.core.management import call_command
from django.test import Client

from apps.gateway.problems import CONTENT_TYPE
from tests.fleet_rows import make_gpu, make_samples

pytestmark = pytest.mark.django_db

QUERY = "{ clusters { totalCount nodes { slug } } }"


@pytest.fixture
def closed(settings):
    """Nobody reads without signing in."""
    settings.PUBLIC_READ = False


@pytest.fixture
def fleet(closed):
    """A GPU with samples in each of two clusters."""
    for cluster in ("annex", "lab"):
        make_samples(make_gpu(f"{cluster}-host", 0, cluster, uuid=f"GPU-{cluster}"), 2)


def post(client, query=QUERY, **headers):
    return client.post("/graphql", {"query": query}, content_type="application/json", **headers)


def token(capsys, *options):
    call_command("createtoken", "--name", "test", *options)
    text = capsys.readouterr().out.split()[0]
    return {"HTTP_AUTHORIZATION": f"Bearer {text}"}


def test_nobody_is_answered_without_signing_in(client, closed):
    for response in (post(client), client.get("/graphql", {"query": QUERY})):
        assert response.status_code == 401
        assert response.headers["Content-Type"] == CONTENT_TYPE
        assert "WWW-Authenticate" in response.headers


def test_a_session_asks_by_get_and_by_post_with_its_token(closed):
    client = Client(enforce_csrf_checks=True)
    client.force_login(User.objects.create_user("reader"))
    assert client.get("/graphql", {"query": QUERY}).status_code == 200
    assert post(client).status_code == 403
    client.cookies["csrftoken"] = "a" * 32
    assert post(client, HTTP_X_CSRFTOKEN="a" * 32).status_code == 200


def test_a_viewers_token_asks(client, capsys, fleet):
    answer = post(client, **token(capsys, "--role", "viewer")).json()
    assert answer["data"]["clusters"]["totalCount"] == 2


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        (QUERY, {"clusters": {"totalCount": 1, "nodes": [{"slug": "lab"}]}}),
        ("{ hosts { nodes { hostname } } }", {"hosts": {"nodes": [{"hostname": "lab-host"}]}}),
        ("{ gpus { totalCount } }", {"gpus": {"totalCount": 1}}),
        ('{ gpus(cluster: "annex") { totalCount } }', {"gpus": {"totalCount": 0}}),
        ("{ stats { gpus } }", {"stats": {"gpus": 1}}),
        ("{ models { gpu_count } }", {"models": [{"gpu_count": 1}]}),
        ('{ gpu(uuid: "GPU-annex") { latest { power_draw } } }', {"gpu": None}),
        ('{ host(hostname: "annex-host") { gpus { totalCount } } }', {"host": None}),
        ('{ cluster(slug: "annex") { gpu_count } }', {"cluster": None}),
        (
            '{ gpu(uuid: "GPU-lab") { latest { power_draw } telemetry { power_draw }'
            " summary(metrics: [power_draw]) { count } } }",
            {
                "gpu": {
                    "latest": {"power_draw": 1},
                    "telemetry": [{"power_draw": 0}, {"power_draw": 1}],
                    "summary": [{"count": 2}],
                }
            },
        ),
    ],
)
def test_other_clusters_do_not_exist_for_a_token_of_one(client, capsys, fleet, query, expected):
    headers = token(capsys, "--role", "viewer", "--cluster", "lab")
    assert post(client, query, **headers).json()["data"] == expected


def test_a_failed_postgresql_is_a_503_that_says_when_to_come_back(client, public, no_postgresql):
    response = post(client, '{ a: gpu(uuid: "x") { uuid } gpus { nodes { uuid } } }')
    assert response.status_code == 503
    assert response.headers["Content-Type"] == CONTENT_TYPE
    assert "Retry-After" in response.headers


def test_a_bug_shows_no_traceback(client, public, monkeypatch, caplog):
    def fail(*_args, **_options):
        raise RuntimeError("secret")

    monkeypatch.setattr("apps.gateway.graphql.connections.slices", fail)
    answer = post(client, '{ gpu(uuid: "x") { uuid } }').json()
    assert "secret" not in json.dumps(answer)
    assert answer["errors"][0]["extensions"]["status"] == 500
    assert "secret" in caplog.text
