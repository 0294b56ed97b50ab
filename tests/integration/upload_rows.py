"""Uploads as a gateway makes them, for tests of what streamers do with them."""

from datetime import UTC, datetime, timedelta

from apps.telemetry import uploads
from apps.telemetry.models import Upload
from apps.telemetry.upload_files import IncomingFile

HEADER = b"timestamp,gpu_id,hostname,uuid,gpu_utilization\n"
START = datetime(2026, 1, 1, tzinfo=UTC)


def csv_of(records: int, gpus: int = 4) -> bytes:
    """A file in the wide layout, each record of another GPU or time."""
    lines = [
        b"%s,%d,node-7,GPU-%d,%d\n"
        % ((START + timedelta(seconds=n // gpus)).isoformat().encode(), n % gpus, n % gpus, n % 100)
        for n in range(records)
    ]
    return HEADER + b"".join(lines)


def make_upload(cluster: str, content: bytes, filename: str = "fleet.csv") -> Upload:
    """An upload that waits."""
    file = IncomingFile(filename)
    file.write(content)
    arrived = uploads.Arrived(
        file.id, filename, file.keep(), file.size_bytes, file.sha256, "sender"
    )
    return uploads.register(cluster, arrived, force=False)[0]
