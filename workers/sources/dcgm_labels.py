"""The labels that dcgm-exporter puts on a series, as text: `name="value",name="value"`."""

import re

# Possessive, so that no text takes longer than its length: anybody may write this column.
_LABEL = re.compile(r'(?<!\w)([A-Za-z_]\w*+)="((?:[^"\\]|\\.)*+)"')

# Labels that tell something about the GPU which has no column of its own, in both generations.
_FIELDS = {
    "DCGM_FI_DRIVER_VERSION": "driver_version",
    "DCGM_FI_SYSTEM_DRIVER_VERSION": "driver_version",
    "DCGM_FI_DEV_PCI_BUSID": "pci_bus_id",
    "DCGM_FI_DEV_PCI_BUS_ID": "pci_bus_id",
    "pci_bus_id": "pci_bus_id",
}


def gpu_facts(labels: str) -> dict[str, str]:
    """`driver_version` and `pci_bus_id`, where the labels have them."""
    return {
        _FIELDS[name]: value for name, value in _LABEL.findall(labels) if name in _FIELDS and value
    }
