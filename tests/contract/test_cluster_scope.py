"""A token of one cluster: what is in the others exists for it in no list, total, detail or file."""

import pytest

from apps.gateway.access.roles import Role
from apps.telemetry.models import Upload
from tests.contract.access_table import LIST, TABLE
from tests.fleet_rows import START, make_gpu, make_samples
from tests.signing_in import bearer, make_token

# Every text that could only come from cluster `secret`.
SECRETS = ("secret", "Hidden H1", "GPU-host-secret-0")
FORMS = ["json", "csv", "ndjson"]
WINDOW = {"start_time": START.isoformat(), "end_time": "2025-07-19"}

pytestmark = pytest.mark.django_db


@pytest.fixture
def scoped(settings):
    """Headers of a viewer of `open` alone, where `secret` holds one GPU and `open` two."""
    settings.PUBLIC_READ, settings.CLUSTER_ID = False, "open"
    make_samples(make_gpu("host-secret", cluster="secret", model_name="Hidden H1"), 5)
    for index in range(2):
        make_samples(make_gpu("host-open", index, cluster="open", model_name="Shown A1"), 3)
    for cluster in ("secret", "open"):
        Upload.objects.create(
            cluster=cluster, filename=f"{cluster}.csv", storage_name=cluster, size_bytes=1,
            sha256=cluster[0] * 64,
        )  # fmt: skip
    return bearer(make_token(Role.VIEWER, ["open"]))


LISTS = [name for name, route in TABLE.items() if route.kind is LIST or name.endswith("uploads")]


@pytest.mark.parametrize("route", LISTS)
def test_no_list_shows_another_cluster_whoever_asked_before(client, scoped, route):
    all_seeing = bearer(make_token(Role.ADMIN))
    everything = client.get(f"/{route}", headers=all_seeing)
    response = client.get(f"/{route}", headers=scoped)
    assert everything.status_code == response.status_code == 200, response.content
    assert not [text for text in SECRETS if text in body(response)]
    assert client.get(f"/{route}", headers=all_seeing).status_code == 200


@pytest.mark.parametrize("route", ["clusters", "hosts", "gpus", "csv/uploads"])
def test_totals_count_no_other_cluster(client, scoped, route):
    expected = {"clusters": 1, "hosts": 1, "gpus": 2, "csv/uploads": 1}[route]
    assert client.get(f"/api/v1/{route}", headers=scoped).json()["count"] == expected


def test_the_totals_of_the_fleet_are_those_of_its_cluster(client, scoped):
    everything = client.get("/api/v1/stats", headers=bearer(make_token())).json()
    of_its_own = client.get("/api/v1/stats", headers=scoped).json()
    assert (everything["gpus"], of_its_own["gpus"]) == (3, 2)


@pytest.mark.parametrize("filters", ["cluster=secret", "hostname=host-secret", "model=Hidden"])
@pytest.mark.parametrize("route", ["gpus", "telemetry", "telemetry/latest"])
def test_no_filter_reaches_into_another_cluster(client, scoped, route, filters):
    response = client.get(f"/api/v1/{route}?{filters}", headers=scoped)
    if response.status_code == 200:
        assert not response.json()["results"]
    else:
        assert response.status_code in {400, 404}


@pytest.mark.parametrize(
    "path",
    [
        "clusters/secret",
        "hosts/host-secret",
        "hosts/host-secret/gpus",
        "gpus/GPU-host-secret-0",
        "gpus/GPU-host-secret-0/telemetry",
        "gpus/GPU-host-secret-0/telemetry/summary",
    ],
)
def test_what_is_in_another_cluster_is_missing_exactly_as_what_never_was(client, scoped, path):
    hidden = client.get(f"/api/v1/{path}", headers=scoped)
    unknown = client.get(f"/api/v1/{path.replace('secret', 'absent')}", headers=scoped)
    assert hidden.status_code == unknown.status_code == 404
    assert hidden.content.replace(b"secret", b"absent") == unknown.content


def test_an_upload_of_another_cluster_is_missing(client, scoped):
    upload = Upload.objects.get(cluster="secret")
    assert client.get(f"/api/v1/csv/uploads/{upload.pk}", headers=scoped).status_code == 404
    operator = bearer(make_token(Role.OPERATOR, ["open"]))
    for step in ("cancel", "retry"):
        path = f"/api/v1/csv/uploads/{upload.pk}/{step}"
        assert client.post(path, headers=operator).status_code == 404


@pytest.mark.parametrize("form", FORMS)
def test_no_file_holds_another_cluster(client, scoped, form):
    query = {**WINDOW, "format": form}
    everything = client.get("/api/v1/telemetry", query, headers=bearer(make_token()))
    response = client.get("/api/v1/telemetry", query, headers=scoped)
    assert "GPU-host-secret-0" in body(everything)
    assert "GPU-host-open-0" in body(response)
    assert not [text for text in SECRETS if text in body(response)]


def test_things_of_its_own_cluster_exist(client, scoped):
    for path in ("clusters/open", "hosts/host-open", "gpus/GPU-host-open-0/telemetry"):
        assert client.get(f"/api/v1/{path}", headers=scoped).status_code == 200


def body(response):
    """The text of an answer, also of one that is streamed."""
    if response.streaming:
        response_bytes = b"".join(response.streaming_content)
        response.streaming_content = [response_bytes]
        return response_bytes.decode()
    return response.content.decode()
