"""The image and the compose file name what exists, pin what they use and run without root."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from django.core.management import get_commands, load_command_class
from django.urls import resolve
from kombu import Connection

from tests.contract.settings_source import ROOT, environment_settings

DOCKER = ROOT / "docker"
COMPOSE: dict[str, Any] = yaml.safe_load((DOCKER / "compose.yml").read_text())
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
DOCKERFILE = (DOCKER / "Dockerfile").read_text()
OURS = sorted(name for name, service in SERVICES.items() if "build" in service)
THEIRS = sorted(name for name in SERVICES if name not in OURS)
BY_COMMAND = sorted(name for name in OURS if "entrypoint" not in SERVICES[name])
SECRETS = {"SECRET_KEY": "x" * 64, "POSTGRES_PASSWORD": "y" * 64}
# What compose.yml asks of docker/.env; the settings among them are passed on under their own name.
ONLY_COMPOSE_READS = {"POSTGRES_PASSWORD", "GATEWAY_PORT", "TELEMETRY_DATA"}


def _interpolated() -> set[str]:
    return set(re.findall(r"\$\{(\w+)", (DOCKER / "compose.yml").read_text()))


def test_every_role_of_the_pipeline_is_a_service():
    assert set(OURS) == {
        "migrate", "gateway", "streamer", "uploads", "collector", "worker", "beat",
    }  # fmt: skip
    assert set(THEIRS) == {"etcd", "postgres", "redis"}


@pytest.mark.parametrize("name", sorted(SERVICES))
def test_a_service_is_locked_down(name):
    service = SERVICES[name]

    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert not service.get("privileged", False)
    assert service["restart"] in {"unless-stopped", "on-failure:3"}
    assert service["deploy"]["resources"]["limits"]["memory"]


@pytest.mark.parametrize("name", [*THEIRS, "gateway"])
def test_a_server_has_a_health_check(name):
    test = SERVICES[name].get("healthcheck", {}).get("test")

    assert test or (name == "gateway" and "HEALTHCHECK" in DOCKERFILE)


def test_the_check_of_etcd_needs_no_shell():
    assert SERVICES["etcd"]["healthcheck"]["test"][:2] == ["CMD", "/usr/local/bin/etcdctl"]


def test_postgres_keeps_its_data_where_version_18_puts_it():
    assert SERVICES["postgres"]["volumes"] == ["postgres:/var/lib/postgresql"]


@pytest.mark.parametrize("name", THEIRS)
def test_a_foreign_image_is_pinned_to_one_version(name):
    assert re.search(r":v?\d+\.\d+(\.\d+)?(-\w+)?$", SERVICES[name]["image"])


def test_the_base_image_is_pinned_to_one_version():
    (version,) = re.findall(r"^ARG PYTHON_IMAGE=(\S+)$", DOCKERFILE, re.MULTILINE)
    bases = set(re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE))

    assert re.fullmatch(r"python:3\.11\.\d+-slim-\w+", version)
    assert bases == {"${PYTHON_IMAGE}"}


def test_the_image_runs_as_an_unprivileged_user():
    uid = re.findall(r"^USER (\d+):\d+$", DOCKERFILE, re.MULTILINE)[-1]

    assert int(uid) > 0
    assert all("user" not in SERVICES[name] for name in OURS)


def test_the_builder_gets_everything_that_the_image_copies():
    copied = re.findall(r"^COPY (?!--from)(\S+)", DOCKERFILE, re.MULTILINE)
    allowed = {
        line[1:]
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }

    assert set(copied) == allowed
    assert all((ROOT / path).exists() for path in copied)


def test_the_packages_left_out_of_the_image_are_ones_we_require():
    (alternatives,) = re.findall(r"grep -vE '\^\(([\w|-]+)\)=='", DOCKERFILE)
    required = {
        line.split("==")[0] for line in (ROOT / "requirements.txt").read_text().splitlines()
    }

    assert set(alternatives.split("|")) <= required


@pytest.mark.parametrize("name", OURS)
def test_every_variable_given_to_a_service_is_a_setting(name):
    assert set(SERVICES[name]["environment"]) <= set(environment_settings())


def test_every_variable_asked_of_the_environment_file_is_in_its_example():
    example = (DOCKER / ".env.example").read_text()
    offered = set(re.findall(r"^(?:# )?([A-Z_]+)=", example, re.MULTILINE))

    assert _interpolated() == offered
    assert _interpolated() - ONLY_COMPOSE_READS <= set(environment_settings())


@pytest.mark.parametrize("name", BY_COMMAND)
def test_every_command_exists_and_takes_its_arguments(name):
    command, *arguments = SERVICES[name]["command"]
    parser = load_command_class(get_commands()[command], command).create_parser(
        "manage.py", command
    )

    assert parser.parse_args(arguments)


@pytest.mark.parametrize("name", ["worker", "beat"])
def test_the_celery_services_name_an_application_that_exists(name):
    from telemetry_project.celery import app  # noqa: PLC0415

    assert SERVICES[name]["entrypoint"] == ["celery", "--app", app.main]


def test_the_broker_that_the_services_use_is_installed():
    broker = SERVICES["worker"]["environment"]["CELERY_BROKER_URL"]

    # This imports the transport and what it needs, and connects to nothing.
    assert Connection(broker).get_transport_cls()


def test_the_health_check_of_the_image_asks_a_route_that_exists():
    (path,) = re.findall(r"http://127\.0\.0\.1:8000(/\S*?)'", DOCKERFILE)

    assert resolve(path)


def test_nothing_is_published_beyond_loopback():
    published = [port for service in SERVICES.values() for port in service.get("ports", [])]

    assert published
    assert all(port.startswith("127.0.0.1:") for port in published)


def test_the_quota_that_publishers_respect_is_the_one_etcd_has():
    (quota,) = [
        flag.split("=")[1]
        for flag in SERVICES["etcd"]["command"]
        if flag.startswith("--quota-backend-bytes")
    ]

    assert all(SERVICES[name]["environment"]["ETCD_QUOTA_BYTES"] == quota for name in OURS)


@pytest.fixture(scope="module")
def compose() -> str:
    """The docker program, when it has the compose plugin."""
    docker = shutil.which("docker")
    if docker is None:
        pytest.skip("the docker program is not installed")
    if subprocess.run([docker, "compose", "version"], capture_output=True, check=False).returncode:
        pytest.skip("docker has no compose plugin here")
    return docker


def _config(docker: str, directory: Path, variables: dict[str, str]):
    """`docker compose config`, seeing neither this shell's settings nor a docker/.env."""
    empty = directory / "empty.env"
    empty.touch()
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return subprocess.run(
        [docker, "compose", "--env-file", str(empty), "-f", str(DOCKER / "compose.yml"), "config"],
        env=kept | variables,
        capture_output=True,
        text=True,
        check=False,
    )


def test_docker_compose_accepts_the_file(compose, tmp_path):
    result = _config(compose, tmp_path, SECRETS)

    assert result.returncode == 0, result.stderr
    assert set(yaml.safe_load(result.stdout)["services"]) == set(SERVICES)


def test_without_secrets_the_file_is_accepted_and_each_of_them_reported(compose, tmp_path):
    result = _config(compose, tmp_path, {})

    assert result.returncode == 0, result.stderr
    for name in SECRETS:
        assert f'"{name}\\" variable is not set' in result.stderr
