"""Which GPU a series of dcgm-exporter is about, by its labels. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from apps.telemetry.records import InvalidRecord, is_blank
from workers.live.exposition import read_labels
from workers.sources.cells import identity

# Labels that are a fact of the GPU, in every spelling that the exporter has had.
_FACTS = {
    "gpu": "gpu_id",
    "UUID": "uuid",
    "device": "device",
    "modelName": "model_name",
    "Hostname": "hostname",
    "pci_bus_id": "pci_bus_id",
    "DCGM_FI_DEV_PCI_BUSID": "pci_bus_id",
    "DCGM_FI_DEV_PCI_BUS_ID": "pci_bus_id",
    "DCGM_FI_DRIVER_VERSION": "driver_version",
    "DCGM_FI_SYSTEM_DRIVER_VERSION": "driver_version",
}
# Labels that tell series of one metric and one GPU apart: they belong to the metric's name.
_SERIES = frozenset(
    ("xid", "window_size_in_ms", "clock_event", "health_watch", "health_error_code", "nvlink")
)
_IGNORED = frozenset(_FACTS) | _SERIES | {"__name__"}


@dataclass(frozen=True, slots=True, eq=False)
class Series:
    """`identity` is validated; `labels` are all others; `suffix` goes behind the metric's name."""

    identity: Mapping[str, Any]
    labels: Mapping[str, str]
    suffix: str

    @property
    def uuid(self) -> str:
        """Who it is: a MIG instance is a GPU of its own."""
        uuid: str = self.identity["uuid"]
        return uuid


def read_series(text: str, host: str, defaults: Mapping[str, str]) -> Series | None:
    """The GPU that these labels mean; None for what is no GPU.

    `defaults` stand in for labels that are missing, and `host` for the host's name. Raises
    InvalidRecord.
    """
    labels = {**defaults, **read_labels(text)}
    if is_blank(labels.get("UUID")):
        return None
    if any("\0" in value for value in labels.values()):
        raise InvalidRecord("a label holds a NUL character")
    facts = {_FACTS[name]: value for name, value in labels.items() if name in _FACTS and value}
    facts.setdefault("hostname", host)
    facts["uuid"] = instance_uuid(facts["uuid"], labels.get("GPU_I_ID", ""))
    others = {
        name: value
        for name, value in labels.items()
        if name not in _IGNORED and not is_blank(value)
    }
    which = ",".join(f'{name}="{labels[name]}"' for name in sorted(_SERIES & labels.keys()))
    return Series(identity(facts), others, f"{{{which}}}" if which else "")


def instance_uuid(uuid: str, instance: str) -> str:
    """The identity of a MIG instance: the GPU's with the instance's number behind it."""
    if is_blank(instance) or uuid.startswith("MIG-"):
        return uuid
    return f"{uuid}.gi{instance}"
