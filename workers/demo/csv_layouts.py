"""Simulated readings as CSV lines, in the two layouts that the streamer reads.

`dcgm` is the layout of a DCGM export: one line per metric, every field quoted. `wide` is one line
per GPU and instant under the names of the message format.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from apps.telemetry.metrics import BY_NAME
from workers.demo.simulated_gpu import Reading, SimulatedGpu

DCGM_HEADER = (
    "timestamp,metric_name,gpu_id,device,uuid,modelName,Hostname,"
    "container,pod,namespace,value,labels_raw"
)
DCGM_NAMES = tuple(BY_NAME[name].dcgm_names[0] for name in Reading._fields)
POWER = Reading._fields.index("power_draw")


class Layout(StrEnum):
    """A CSV layout."""

    DCGM = "dcgm"
    WIDE = "wide"


WIDE_IDENTITY = ("timestamp", "gpu_id", "hostname", "uuid", "device", "model_name",
                 "driver_version", "pci_bus_id")  # fmt: skip
HEADERS = {
    Layout.DCGM: DCGM_HEADER,
    Layout.WIDE: ",".join((*WIDE_IDENTITY, *Reading._fields)),
}
LINES_PER_READING = {Layout.DCGM: len(DCGM_NAMES), Layout.WIDE: 1}

Writer = Callable[[str, Reading], str]


def instants(start: datetime, seconds: float, interval_s: float) -> Iterator[tuple[float, str]]:
    """Every (seconds since the start, time as text) of the half-open range."""
    tick = 0
    while (at_s := tick * interval_s) < seconds:
        yield at_s, _iso(start + timedelta(seconds=at_s))
        tick += 1


def count_instants(seconds: float, interval_s: float) -> int:
    """How many instants there are, by the same arithmetic."""
    count = int(seconds / interval_s)
    while count * interval_s < seconds:
        count += 1
    while count and (count - 1) * interval_s >= seconds:
        count -= 1
    return count


def blocks(
    fleet: list[list[SimulatedGpu]],
    times: Iterator[tuple[float, str]],
    interval_s: float,
    layout: Layout,
) -> Iterator[str]:
    """The lines of one host at one instant at a time, by time, host and index."""
    make = dcgm_writer if layout is Layout.DCGM else wide_writer
    writers = [[(gpu, make(gpu)) for gpu in host] for host in fleet]
    for at_s, timestamp in times:
        for host in writers:
            yield "".join(write(timestamp, gpu.read(at_s, interval_s)) for gpu, write in host)


def dcgm_writer(gpu: SimulatedGpu) -> Writer:
    """A function from (time, reading) to the lines of one DCGM export."""
    identity, model = gpu.identity, gpu.model
    template = "".join(
        f'"{{time}}","{name}","{identity.gpu_id}","nvidia{identity.gpu_id}","{identity.uuid}",'
        f'"{model.name}","{identity.hostname}","","","",'
        f'"{{values[{index}]{":.3f" if index == POWER else ""}}}","{_labels(gpu, name)}"\n'
        for index, name in enumerate(DCGM_NAMES)
    )
    return lambda timestamp, reading: template.format(time=timestamp, values=reading)


def wide_writer(gpu: SimulatedGpu) -> Writer:
    """A function from (time, reading) to one line of the wide layout."""
    identity, model = gpu.identity, gpu.model
    fixed = ",".join(
        (str(identity.gpu_id), identity.hostname, identity.uuid, f"nvidia{identity.gpu_id}",
         model.name, model.driver_version, identity.pci_bus_id)
    )  # fmt: skip
    values = ",".join("%.3f" if index == POWER else "%d" for index in range(len(Reading._fields)))
    template = f"%s,{fixed},{values}\n"
    return lambda timestamp, reading: template % (timestamp, *reading)


def _labels(gpu: SimulatedGpu, metric_name: str) -> str:
    """The exporter's labels, in its order, with quotes doubled as CSV wants."""
    identity, model = gpu.identity, gpu.model
    labels = {
        "DCGM_FI_DRIVER_VERSION": model.driver_version,
        "Hostname": identity.hostname,
        "UUID": identity.uuid,
        "__name__": metric_name,
        "device": f"nvidia{identity.gpu_id}",
        "gpu": str(identity.gpu_id),
        "instance": f"{identity.hostname}:9400",
        "job": "dgx_dcgm_exporter",
        "modelName": model.name,
        "pci_bus_id": identity.pci_bus_id,
    }
    return ",".join(f'{name}=""{value}""' for name, value in labels.items())


def _iso(time: datetime) -> str:
    return time.astimezone(UTC).isoformat().replace("+00:00", "Z")
