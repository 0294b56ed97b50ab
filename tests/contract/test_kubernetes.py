"""The Kubernetes manifests name what exists, and run locked down."""

import re
from typing import Any

import pytest
import yaml
from django.core.management import get_commands, load_command_class
from django.urls import resolve

from apps.gateway.metrics import pipeline
from apps.mq.queue import Backlog, Store
from tests.contract.settings_source import ROOT, environment_settings

FOLDER = ROOT / "docker" / "kubernetes"
VALUES = FOLDER / "prometheus-adapter.yaml"
OBJECTS: dict[tuple[str, str], dict[str, Any]] = {
    (one["kind"], one["metadata"]["name"]): one
    for path in sorted(FOLDER.glob("*.yaml"))
    if path != VALUES
    for one in yaml.safe_load_all(path.read_text())
}
WORKLOADS = sorted(name for kind, name in OBJECTS if kind in {"Deployment", "Job"})
AUTOSCALER = OBJECTS["HorizontalPodAutoscaler", "gpu-telemetry-collector"]["spec"]


def workload(name: str) -> dict[str, Any]:
    return next(
        one for (kind, key), one in OBJECTS.items() if key == name and kind in {"Deployment", "Job"}
    )


def pod(name: str) -> dict[str, Any]:
    spec: dict[str, Any] = workload(name)["spec"]["template"]["spec"]
    return spec


def container(name: str) -> dict[str, Any]:
    (only,) = pod(name)["containers"]
    assert isinstance(only, dict)
    return only


def test_every_role_that_needs_no_operator_of_its_own_is_there():
    assert set(OBJECTS) == {
        ("ConfigMap", "gpu-telemetry"),
        ("Secret", "gpu-telemetry"),
        ("Job", "gpu-telemetry-migrate"),
        ("Deployment", "gpu-telemetry-collector"),
        ("Deployment", "gpu-telemetry-streamer"),
        ("Deployment", "gpu-telemetry-gateway"),
        ("Service", "gpu-telemetry-gateway"),
        ("HorizontalPodAutoscaler", "gpu-telemetry-collector"),
    }


@pytest.mark.parametrize("key", sorted(OBJECTS))
def test_names_and_labels_are_what_kubernetes_takes(key):
    metadata = OBJECTS[key]["metadata"]
    assert re.fullmatch(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?", metadata["name"])
    assert metadata["labels"]["app.kubernetes.io/part-of"] == "gpu-telemetry"


@pytest.mark.parametrize("name", WORKLOADS)
def test_every_command_exists_and_takes_its_arguments(name):
    command, *arguments = container(name)["args"]
    loaded = load_command_class(get_commands()[command], command)
    assert loaded.create_parser("manage.py", command).parse_args(arguments)


def test_every_variable_is_a_setting():
    given = {
        *OBJECTS["ConfigMap", "gpu-telemetry"]["data"],
        *OBJECTS["Secret", "gpu-telemetry"]["stringData"],
    }
    assert given <= set(environment_settings())


def test_no_secret_is_in_the_repository_and_no_setting_is_a_number():
    assert set(OBJECTS["Secret", "gpu-telemetry"]["stringData"].values()) == {""}
    values = OBJECTS["ConfigMap", "gpu-telemetry"]["data"].values()
    assert all(isinstance(value, str) for value in values)


@pytest.mark.parametrize("name", WORKLOADS)
def test_settings_come_from_objects_that_exist(name):
    for source in container(name)["envFrom"]:
        ((kind, reference),) = source.items()
        known = {"configMapRef": "ConfigMap", "secretRef": "Secret"}[kind]
        assert (known, reference["name"]) in OBJECTS


@pytest.mark.parametrize("name", WORKLOADS)
def test_a_container_is_locked_down(name):
    assert pod(name)["securityContext"]["runAsNonRoot"] is True
    assert pod(name)["automountServiceAccountToken"] is False
    context = container(name)["securityContext"]
    assert context["readOnlyRootFilesystem"] is True
    assert context["allowPrivilegeEscalation"] is False
    assert context["capabilities"] == {"drop": ["ALL"]}
    assert container(name)["resources"]["limits"]["memory"]


@pytest.mark.parametrize("name", WORKLOADS)
def test_the_user_is_the_image_s_and_the_image_is_pinned_to_one_version(name):
    dockerfile = (ROOT / "docker/Dockerfile").read_text()
    uid = re.findall(r"^USER (\d+):\d+$", dockerfile, re.MULTILINE)[-1]
    assert pod(name)["securityContext"]["runAsUser"] == int(uid)
    assert re.fullmatch(r"gpu-telemetry:\d+\.\d+\.\d+", container(name)["image"])


@pytest.mark.parametrize("name", WORKLOADS)
def test_every_volume_that_is_mounted_is_there(name):
    mounted = {mount["name"] for mount in container(name)["volumeMounts"]}
    assert mounted == {volume["name"] for volume in pod(name)["volumes"]}


@pytest.mark.parametrize("name", [name for name in WORKLOADS if "migrate" not in name])
def test_selectors_find_the_pods_and_what_is_scraped_is_a_port_of_theirs(name):
    spec = workload(name)["spec"]
    template = spec["template"]["metadata"]
    assert spec["selector"]["matchLabels"] == template["labels"]
    ports = {str(port["containerPort"]) for port in container(name)["ports"]}
    assert template["annotations"]["prometheus.io/port"] in ports


def test_the_service_finds_the_gateway_and_its_port():
    service = OBJECTS["Service", "gpu-telemetry-gateway"]["spec"]
    template = workload("gpu-telemetry-gateway")["spec"]["template"]
    assert service["selector"] == template["metadata"]["labels"]
    names = {port["name"] for port in container("gpu-telemetry-gateway")["ports"]}
    assert {port["targetPort"] for port in service["ports"]} <= names


def test_probes_ask_routes_that_exist():
    gateway = container("gpu-telemetry-gateway")
    for probe in ("livenessProbe", "readinessProbe"):
        assert resolve(gateway[probe]["httpGet"]["path"])


def test_the_autoscaler_scales_a_deployment_that_leaves_the_number_to_it():
    target = AUTOSCALER["scaleTargetRef"]
    assert "replicas" not in OBJECTS[target["kind"], target["name"]]["spec"]
    assert (AUTOSCALER["minReplicas"], AUTOSCALER["maxReplicas"]) == (1, 10)


def test_the_autoscaler_follows_the_metric_that_gateways_export_and_the_adapter_passes_on():
    (metric,) = AUTOSCALER["metrics"]
    name = metric["external"]["metric"]["name"]
    assert name == "gpu_telemetry_queue_backlog"
    look = pipeline.Look(Backlog(7, 1), Store(1, "3.4.23"), {})
    exported = {family.name: family for family in pipeline.families(look, 2.0)}
    assert [sample.value for sample in exported[name].samples] == [7.0]
    (rule,) = yaml.safe_load(VALUES.read_text())["rules"]["external"]
    assert rule["name"]["as"] == name
    assert f'__name__="{name}"' in rule["seriesQuery"]
