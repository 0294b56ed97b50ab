"""What the tests of uploads and of ingestion share."""

from pathlib import Path

from tests.signing_in import basic, make_operator

CSV = (
    b"timestamp,gpu_id,hostname,uuid,gpu_utilization\n"
    b"2025-07-18T20:42:34Z,0,node-7,GPU-a,97\n"
    b"2025-07-18T20:42:35Z,0,node-7,GPU-a,98\n"
)
BOUNDARY = "a1b2c3"


def make_sender():
    """The Authorization header of somebody who may send."""
    make_operator()
    return basic("sender")


def form(content=CSV, filename="fleet.csv", field="file", *, end=True):
    """A multipart body with one file."""
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{field}"; filename="{filename}"\r\n'
    )
    tail = f"\r\n--{BOUNDARY}--\r\n" if end else ""
    return head.encode() + b"Content-Type: text/csv\r\n\r\n" + content + tail.encode()


def send(client, headers, body, query=""):
    """POST a multipart body."""
    return client.post(
        f"/api/v1/csv/upload{query}",
        body,
        content_type=f"multipart/form-data; boundary={BOUNDARY}",
        headers=headers,
    )


def stored_files(media_root):
    """Every file below MEDIA_ROOT."""
    return [path for path in Path(media_root).rglob("*") if path.is_file()]
