"""The only writer of the inventory: clusters, hosts and GPUs as records describe them.

Safe for any number of processes at once. Rows are inserted in sorted order and only where missing,
so nobody deadlocks and no sequence number is spent on a known row; a GPU's facts change under its
row lock, and only by a record that is newer than what is known.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from operator import attrgetter

from django.db import transaction

from apps.telemetry.ingest.facts import TEXTS, Facts, facts_of
from apps.telemetry.models import Cluster, Gpu, Host
from apps.telemetry.records import Record


@dataclass(frozen=True, slots=True)
class Report:
    """What a batch says about one GPU: the facts of its newest record, completed by older ones."""

    uuid: str
    timestamp: datetime
    facts: Facts


def reports_of(records: Iterable[Record]) -> dict[str, Report]:
    """One report per GPU, by UUID."""
    reports: dict[str, Report] = {}
    for record in sorted(records, key=attrgetter("timestamp")):
        facts = facts_of(record)
        if earlier := reports.get(record.uuid):
            facts = facts.over(earlier.facts)
        reports[record.uuid] = Report(record.uuid, record.timestamp, facts)
    return reports


def register(cluster: str, records: Iterable[Record]) -> tuple[Sequence[Gpu], int]:
    """Bring the inventory up to date; the GPUs as they are now, and how many were new or changed.

    One transaction. An older record changes nothing: it may be a replay from before a move.
    """
    reports = reports_of(records)
    with transaction.atomic():
        hosts = _hosts(cluster, {report.facts.hostname for report in reports.values()})
        created = _create_missing(hosts, reports)
        gpus = _load(reports)
        outdated = [gpu.pk for gpu in gpus if _is_outdated(gpu, cluster, reports[gpu.uuid])]
        if outdated:
            _update(outdated, cluster, hosts, reports)
            gpus = _load(reports)
    return gpus, created + len(outdated)


def _hosts(slug: str, names: Collection[str]) -> Mapping[str, Host]:
    cluster, _ = Cluster.objects.get_or_create(slug=slug)
    known = Host.objects.filter(cluster=cluster, hostname__in=names)
    hosts = {host.hostname: host for host in known}
    if missing := sorted(set(names) - hosts.keys()):
        new = [Host(cluster=cluster, hostname=name) for name in missing]
        Host.objects.bulk_create(new, ignore_conflicts=True)
        hosts = {host.hostname: host for host in known.all()}
    return hosts


def _create_missing(hosts: Mapping[str, Host], reports: Mapping[str, Report]) -> int:
    known = Gpu.objects.filter(uuid__in=reports.keys()).values_list("uuid", flat=True)
    new = []
    for uuid in sorted(reports.keys() - set(known)):
        gpu = Gpu(uuid=uuid)
        _describe(gpu, hosts, reports[uuid])
        new.append(gpu)
    Gpu.objects.bulk_create(new, ignore_conflicts=True)
    return len(new)


def _load(uuids: Iterable[str]) -> Sequence[Gpu]:
    return list(Gpu.objects.filter(uuid__in=uuids).select_related("host__cluster", "latest"))


def _is_outdated(gpu: Gpu, cluster: str, report: Report) -> bool:
    if report.timestamp < gpu.described_at:
        return False
    if (latest := getattr(gpu, "latest", None)) and report.timestamp < latest.timestamp:
        return False
    return gpu.host.cluster.slug != cluster or not report.facts.adds_nothing_to(Facts.of_gpu(gpu))


def _update(
    ids: Sequence[int], cluster: str, hosts: Mapping[str, Host], reports: Mapping[str, Report]
) -> None:
    # Locked first, then read: another collector may just have applied a newer record.
    locked = Gpu.objects.select_for_update(no_key=True).filter(pk__in=ids).order_by("pk")
    uuids = [gpu.uuid for gpu in locked]
    gpus = [gpu for gpu in _load(uuids) if _is_outdated(gpu, cluster, reports[gpu.uuid])]
    for gpu in gpus:
        _describe(gpu, hosts, reports[gpu.uuid])
    Gpu.objects.bulk_update(gpus, ["host", "gpu_index", "described_at", *TEXTS])


def _describe(gpu: Gpu, hosts: Mapping[str, Host], report: Report) -> None:
    """Set the reported facts; what was not said keeps its value."""
    gpu.host = hosts[report.facts.hostname]
    gpu.gpu_index = report.facts.gpu_index
    gpu.described_at = report.timestamp
    for name in TEXTS:
        if text := getattr(report.facts, name):
            setattr(gpu, name, text)
