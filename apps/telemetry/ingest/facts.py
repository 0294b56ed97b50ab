"""What a record says about its GPU, apart from measurements. Pure."""

from operator import attrgetter
from typing import NamedTuple

from apps.telemetry.models import Gpu
from apps.telemetry.records import Record


class Facts(NamedTuple):
    """Where a GPU is and what it is; an empty text means that the source did not say."""

    hostname: str
    gpu_index: int
    device: str
    model_name: str
    driver_version: str
    pci_bus_id: str

    @classmethod
    def of_gpu(cls, gpu: Gpu) -> "Facts":
        """The facts that are registered; the GPU's host is loaded."""
        return cls(gpu.host.hostname, gpu.gpu_index, *(getattr(gpu, name) for name in TEXTS))

    def adds_nothing_to(self, known: "Facts") -> bool:
        """Whether every fact given is already known."""
        return all(mine in ("", theirs) for mine, theirs in zip(self, known, strict=True))

    def over(self, known: "Facts") -> "Facts":
        """These facts, with the known ones where nothing was said."""
        pairs = zip(self, known, strict=True)
        return Facts._make(theirs if mine == "" else mine for mine, theirs in pairs)


# The facts that are a column of the GPU under their own name.
TEXTS = Facts._fields[2:]

# As a plain tuple: it equals a Facts of the same values, at a third of the cost of making one.
raw_facts_of = attrgetter(
    "hostname", "gpu_id", "device", "model_name", "driver_version", "pci_bus_id"
)


def facts_of(record: Record) -> Facts:
    """The facts of one record."""
    return Facts._make(raw_facts_of(record))
