"""Pages as dcgm-exporter serves them, of both generations of field names."""

OLD = {  # name -> (kind, value by GPU index)
    "DCGM_FI_DEV_SM_CLOCK": ("gauge", lambda gpu: 1980 - gpu),
    "DCGM_FI_DEV_MEM_CLOCK": ("gauge", lambda gpu: 2619),
    "DCGM_FI_DEV_MEMORY_TEMP": ("gauge", lambda gpu: 40 + gpu),
    "DCGM_FI_DEV_GPU_TEMP": ("gauge", lambda gpu: 30 + gpu),
    "DCGM_FI_DEV_POWER_USAGE": ("gauge", lambda gpu: f"{400 + gpu}.125000"),
    "DCGM_FI_DEV_TOTAL_ENERGY_CONSUMPTION": ("counter", lambda gpu: 2952390434 + gpu),
    "DCGM_FI_DEV_PCIE_REPLAY_COUNTER": ("counter", lambda gpu: 0),
    "DCGM_FI_DEV_GPU_UTIL": ("gauge", lambda gpu: 90 + gpu),
    "DCGM_FI_DEV_MEM_COPY_UTIL": ("gauge", lambda gpu: 50 + gpu),
    "DCGM_FI_DEV_ENC_UTIL": ("gauge", lambda gpu: 0),
    "DCGM_FI_DEV_DEC_UTIL": ("gauge", lambda gpu: 0),
    "DCGM_FI_DEV_XID_ERRORS": ("gauge", lambda gpu: 0),
    "DCGM_FI_DEV_FB_FREE": ("gauge", lambda gpu: 20000),
    "DCGM_FI_DEV_FB_USED": ("gauge", lambda gpu: 61007),
    "DCGM_FI_DEV_UNCORRECTABLE_REMAPPED_ROWS": ("counter", lambda gpu: 0),
    "DCGM_FI_DEV_CORRECTABLE_REMAPPED_ROWS": ("counter", lambda gpu: 0),
    "DCGM_FI_DEV_ROW_REMAP_FAILURE": ("gauge", lambda gpu: 0),
    "DCGM_FI_DEV_VGPU_LICENSE_STATUS": ("gauge", lambda gpu: 0),
    "DCGM_FI_DEV_NVLINK_BANDWIDTH_TOTAL": ("counter", lambda gpu: 0),
    "DCGM_FI_PROF_GR_ENGINE_ACTIVE": ("gauge", lambda gpu: "0.987654"),
    "DCGM_FI_PROF_PCIE_TX_BYTES": ("gauge", lambda gpu: 1234567890),
}
NEW_NAMES = {
    "DCGM_FI_DEV_GPU_TEMP": "DCGM_FI_DEV_GPU_TEMP_CELSIUS",
    "DCGM_FI_DEV_MEMORY_TEMP": "DCGM_FI_DEV_MEMORY_TEMP_CELSIUS",
    "DCGM_FI_DEV_POWER_USAGE": "DCGM_FI_DEV_BOARD_POWER_WATTS",
    "DCGM_FI_DEV_GPU_UTIL": "DCGM_FI_DEV_GPU_UTIL_RATIO",
    "DCGM_FI_DEV_XID_ERRORS": "DCGM_FI_DEV_XID_ERROR",
    "DCGM_FI_DEV_PCIE_REPLAY_COUNTER": "DCGM_FI_DEV_PCIE_REPLAY_TOTAL",
}
OTHERS = """\
# HELP go_goroutines Number of goroutines that currently exist.
# TYPE go_goroutines gauge
go_goroutines 12
process_cpu_seconds_total 1.5e+02
DCGM_FI_DEV_CPU_UTIL_TOTAL{cpu="0",Hostname="node-1"} 0.25
DCGM_FI_DEV_NVSWITCH_TEMPERATURE_CURRENT{nvswitch="nvswitch0",Hostname="node-1"} 41
"""


def uuid_of(gpu, host="node-1"):
    return f"GPU-{host}-{gpu}aaa-bbbb-cccc-dddddddddddd"


def labels_of(gpu, host="node-1", **more):
    """The exporter's labels, in its order; `None` leaves one out."""
    labels = {
        "gpu": gpu, "UUID": uuid_of(gpu, host), "pci_bus_id": f"00000000:1{gpu}:00.0",
        "device": f"nvidia{gpu}", "modelName": "NVIDIA H100 80GB HBM3", "Hostname": host,
        "DCGM_FI_DRIVER_VERSION": "550.54.15", **more,
    }  # fmt: skip
    return ",".join(f'{name}="{value}"' for name, value in labels.items() if value is not None)


def page(gpus=8, host="node-1", *, renamed=False, more=lambda gpu: {}, blank=(), extra=""):
    """A page of `gpus` GPUs; `more` gives further labels, `blank` names what is not supported."""
    lines = []
    for name, (kind, value) in OLD.items():
        shown = NEW_NAMES.get(name, name) if renamed else name
        lines += [f"# HELP {shown} Text, with {{braces}} in it.", f"# TYPE {shown} {kind}"]
        for gpu in range(gpus):
            text = "9223372036854775794" if name in blank else value(gpu)
            lines.append(f"{shown}{{{labels_of(gpu, host, **more(gpu))}}} {text}")
    return "\n".join(lines) + "\n" + OTHERS + extra
