"""The metrics' names keep Prometheus's rules, and documents, alerts and code agree about them."""

import re
from collections.abc import Iterator
from itertools import chain

import pytest
import yaml
from prometheus_client import CollectorRegistry, Metric, generate_latest
from prometheus_client.metrics import MetricWrapperBase
from prometheus_client.parser import text_string_to_metric_families

from apps.gateway.metrics.live import LIVE
from apps.gateway.metrics.pipeline import Look, families
from apps.gateway.metrics.requests import REQUEST_S
from apps.mq.queue import Backlog, Store
from telemetry_project.queue import queue_config
from tests.contract.settings_source import ROOT
from workers.observability import metrics
from workers.supervisor import metrics as scaling

DOCUMENT = (ROOT / "docs/metrics.md").read_text()
ALERTS = yaml.safe_load((ROOT / "docker/prometheus/alerts.yml").read_text())
RULES = [rule for group in ALERTS["groups"] for rule in group["rules"]]
ROW = re.compile(r"^\| `(gpu_telemetry_\w+)` \| (\w+) \| (.*?) \| (.+) \|$", re.MULTILINE)
NAME = re.compile(r"\bgpu_telemetry_\w+")
LABELS = {
    "error",
    "fault",
    "role",
    "route",
    "method",
    "status",
    "version",
    "python",
    "le",
    "face",
    "reason",
}
LOOK = Look(Backlog(3, 1), Store(1, "3.4.23"), {"collector": 1})


def wrappers() -> list[MetricWrapperBase]:
    defined = chain(vars(metrics).values(), vars(scaling).values())
    return [one for one in defined if isinstance(one, MetricWrapperBase)] + [REQUEST_S, *LIVE]


def defined() -> Iterator[Metric]:
    """Every family that a worker or the gateway may show."""
    yield from chain.from_iterable(one.collect() for one in wrappers())
    yield from families(LOOK, 2.0)


FAMILIES = list(defined())


def exposed(family: Metric) -> str:
    """Its name on the page."""
    suffix = {"counter": "_total", "info": "_info"}.get(family.type, "")
    return family.name + suffix


def labels() -> dict[str, set[str]]:
    """The labels of each, of those that have no series yet too."""
    found: dict[str, set[str]] = {exposed(family): set() for family in FAMILIES}
    for one in wrappers():
        for family in one.collect():
            found[exposed(family)] |= {*one._labelnames}
    for family in FAMILIES:
        for sample in family.samples:
            found[exposed(family)] |= {*sample.labels} - {"le"}
    return found


@pytest.mark.parametrize("family", FAMILIES, ids=exposed)
def test_a_name_says_what_it_is_and_its_unit(family):
    name = exposed(family)
    assert re.fullmatch(r"gpu_telemetry_[a-z]+(_[a-z]+)*", name)
    assert not re.search(r"_(ms|millis|milliseconds|mb|kb|mib|percent|time)(_|$)", name)
    assert name.endswith("_total") == (family.type == "counter")
    assert name.endswith("_seconds") or family.type != "histogram"
    assert ("duration" in name or "_lag" in name or "_age" in name) <= ("_seconds" in name)
    assert family.documentation.endswith(".")


@pytest.mark.parametrize(("name", "names"), sorted(labels().items()))
def test_labels_are_of_the_few_that_have_few_values(name, names):
    assert names <= LABELS


def test_the_document_lists_every_metric_with_its_type_and_labels_and_no_other():
    listed = {name: (kind, set(re.findall(r"`(\w+)`", cell))) for name, kind, cell, _ in rows()}
    kinds = {exposed(family): family.type for family in FAMILIES}
    shown = {
        name: (kinds[name].replace("info", "gauge"), names) for name, names in labels().items()
    }
    assert listed == shown


def rows() -> list[tuple[str, ...]]:
    return ROW.findall(DOCUMENT.replace("| |", "|  |"))


def series() -> set[str]:
    """Every name that a query may use."""
    names = set()
    for family in FAMILIES:
        names.add(exposed(family))
        if family.type == "histogram":
            names |= {family.name + suffix for suffix in ("_bucket", "_sum", "_count")}
    return names


def test_queries_in_the_document_use_names_that_there_are():
    assert {name.rstrip("_") for name in NAME.findall(DOCUMENT)} - {"gpu_telemetry"} <= series()


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule["alert"])
def test_an_alert_uses_names_that_there_are_and_says_what_to_do(rule):
    used = set(NAME.findall(rule["expr"]))
    assert used <= series()
    assert used or "up{" in rule["expr"]
    assert rule["annotations"]["summary"]
    assert rule["annotations"]["action"]
    assert rule["labels"]["severity"] in {"warning", "critical"}
    assert rule["expr"].count("(") == rule["expr"].count(")")


def test_a_name_in_an_annotation_is_one_that_there_is():
    texts = " ".join(str(rule["annotations"]) for rule in RULES)
    assert set(NAME.findall(texts)) <= series()


def test_scrape_configuration_names_what_the_processes_serve():
    config = yaml.safe_load((ROOT / "docker/prometheus/prometheus.yml").read_text())
    assert {job["job_name"] for job in config["scrape_configs"]} == {
        "gateway", "collector", "streamer",
    }  # fmt: skip
    assert all((ROOT / "docker/prometheus" / file).is_file() for file in config["rule_files"])
    services = yaml.safe_load((ROOT / "docker/compose.yml").read_text())["services"]
    assert {job["job_name"] for job in config["scrape_configs"]} <= set(services)


def test_prometheus_client_reads_its_own_page_back():
    registry = CollectorRegistry()
    for one in wrappers():
        registry.register(one)
    read = {
        family.name for family in text_string_to_metric_families(generate_latest(registry).decode())
    }
    assert {family.name for one in wrappers() for family in one.collect()} <= {
        n.removesuffix("_info") for n in read
    }


def test_without_etcd_only_what_is_known_is_told(settings):
    shown = {family.name: family.samples[0].value for family in families(None, 2.0)}
    assert shown == {
        "gpu_telemetry_etcd_up": 0.0,
        "gpu_telemetry_etcd_quota_bytes": float(settings.ETCD_QUOTA_BYTES),
    }


@pytest.mark.parametrize(
    ("oldest_at_ns", "age_s"), [(0, 0.0), (1_500_000_000, 0.5), (9 * 10**9, 0)]
)
def test_the_age_of_the_oldest_message_is_never_negative(oldest_at_ns, age_s):
    look = Look(Backlog(1, oldest_at_ns), LOOK.store, {})
    shown = {family.name: family.samples for family in families(look, 2.0)}
    assert shown["gpu_telemetry_queue_oldest_message_age_seconds"][0].value == age_s


def test_the_queue_s_settings_reach_its_configuration(settings):
    settings.ETCD_QUOTA_BYTES = 123 << 20
    config = queue_config("other")
    assert (config.cluster, config.quota_bytes) == ("other", 123 << 20)
    assert queue_config().cluster == settings.CLUSTER_ID
