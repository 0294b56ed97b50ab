"""CSV files for tests: rows that can be changed field by field, and reading them back."""

from datetime import UTC, datetime
from functools import partial

from apps.telemetry.records import check_time, decode
from workers.sources.csv_file import CsvFile
from workers.sources.draft import messages_of

EARLIEST = datetime(2015, 1, 1, tzinfo=UTC)
NOW = datetime(2025, 7, 19, tzinfo=UTC)
CHECK_TIME = partial(check_time, earliest=EARLIEST, now=NOW)
UUID = "GPU-5fd4f087-86f3-7a43-b711-4771313afc50"

DCGM_ROW = {
    "timestamp": "2025-07-18T20:42:34Z",
    "metric_name": "DCGM_FI_DEV_GPU_UTIL",
    "gpu_id": "0",
    "device": "nvidia0",
    "uuid": UUID,
    "modelName": "NVIDIA H100 80GB HBM3",
    "Hostname": "mtv5-dgx1-hgpu-031",
    "container": "",
    "pod": "",
    "namespace": "",
    "value": "97",
    "labels_raw": 'DCGM_FI_DRIVER_VERSION=""535.129.03"",pci_bus_id=""00000000:1A:00.0""',
}
WIDE_ROW = {
    "timestamp": "2025-07-18T20:42:34Z",
    "gpu_id": "0",
    "hostname": "mtv5-dgx1-hgpu-031",
    "uuid": UUID,
    "device": "nvidia0",
    "model_name": "NVIDIA H100 80GB HBM3",
    "gpu_utilization": "97",
    "power_draw": "65.123",
    "temperature": "41",
    "memory_used_mib": "1024",
    "xid_error": "0",
    "energy_consumption_mj": "7564135881550",
}


def record_of(draft):
    """What a collector makes of the message."""
    (message,) = messages_of([draft])
    record = decode(message.value)
    assert (message.hostname, message.gpu_id) == (record.hostname, str(record.gpu_id))
    return record


def row_bytes(row):
    return ",".join(f'"{value}"' for value in row.values()).encode() + b"\n"


def read_rows(tmp_path, *rows):
    """The chunks of a file of these rows (mappings with the same keys, or bytes), as one."""
    named = next(row for row in rows if isinstance(row, dict))
    lines = [row if isinstance(row, bytes) else row_bytes(row) for row in rows]
    return read_bytes(tmp_path, ",".join(named).encode() + b"\n" + b"".join(lines))


def read_bytes(tmp_path, data):
    """(records, rejections as (line, reason), number of rows) of a file of these bytes."""
    path = tmp_path / "telemetry.csv"
    path.write_bytes(data)
    chunks = list(CsvFile(path, CHECK_TIME).chunks())
    assert chunks[-1].bytes_done == len(data)
    return (
        [record_of(draft) for chunk in chunks for draft in chunk.drafts],
        [(item.line, item.reason) for chunk in chunks for item in chunk.rejections],
        sum(chunk.rows for chunk in chunks),
    )
