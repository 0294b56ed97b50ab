"""Uploads through the real server: streamed to disk, and refused before they have all arrived."""

import http.client
import json
import socket
import subprocess
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.contract.uploading import BOUNDARY, CSV, form, make_sender, stored_files
from tests.integration.test_gateway_server import DEADLINE_S, gateway

pytestmark = pytest.mark.django_db(transaction=True)
MIB = 1 << 20
LIMIT = 64 * MIB


@pytest.fixture
def media(tmp_path):
    return tmp_path / "media"


@pytest.fixture
def server(environment, media):
    """Host and port, the process, and how to sign in."""
    sender = make_sender()
    settings = {"MEDIA_ROOT": str(media), "UPLOAD_MAX_BYTES": str(LIMIT)}
    with gateway(environment | settings) as (process, address):
        yield urlsplit(address).netloc, process, sender


def headers(sender, **more):
    return {**sender, "Content-Type": f"multipart/form-data; boundary={BOUNDARY}", **more}


def parts(size):
    """A form with a file of about `size` bytes, in pieces."""
    start, end = form(CSV, end=False), f"\r\n--{BOUNDARY}--\r\n".encode()
    yield start
    for _ in range(size // MIB):
        yield b"2025-07-18T20:42:34Z,0,node-7,GPU-a,97\n" * (MIB // 39)
    yield end


def chunked(address, sender, size):
    """POST without Content-Length; the status and the answer."""
    connection = http.client.HTTPConnection(address, timeout=DEADLINE_S)
    try:
        connection.request(
            "POST", "/api/v1/csv/upload", parts(size), headers(sender), encode_chunked=True
        )
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def resident_bytes(process):
    """Of all processes of the gateway."""
    listed = subprocess.run(
        ["ps", "-o", "rss=", "--ppid", str(process.pid)], capture_output=True, check=True, text=True
    )
    return max(int(line) for line in listed.stdout.split()) * 1024


def test_a_body_without_a_length_is_stored_and_never_held_in_memory(server, media):
    address, process, sender = server
    assert chunked(address, sender, MIB)[0] == 202
    before = resident_bytes(process)
    highest, over = [0], threading.Event()

    def look():
        while not over.wait(0.02):
            highest[0] = max(highest[0], resident_bytes(process))

    thread = threading.Thread(target=look)
    thread.start()
    status, body = chunked(address, sender, 60 * MIB)
    over.set()
    thread.join()
    assert (status, body["state"]) == (202, "waiting")
    assert sum(file.stat().st_size for file in stored_files(media)) > 60 * MIB
    assert highest[0] - before < 16 * MIB


def test_a_body_without_a_length_is_refused_where_it_passes_the_limit(server, media):
    address, _, sender = server
    try:
        status, body = chunked(address, sender, 4 * LIMIT)
    except (BrokenPipeError, ConnectionResetError):
        pass  # the server closed before the client looked for an answer
    else:
        assert (status, body["status"]) == (413, 413)
    _nothing_is_left(media)


def test_a_body_that_announces_too_much_is_refused_before_it_is_sent(server, media):
    address, _, sender = server
    connection = http.client.HTTPConnection(address, timeout=DEADLINE_S)
    connection.putrequest("POST", "/api/v1/csv/upload")
    for name, value in headers(sender, **{"Content-Length": str(10 * LIMIT)}).items():
        connection.putheader(name, value)
    connection.endheaders()
    answer = connection.getresponse()
    assert answer.status == 413
    assert "UPLOAD_MAX_BYTES" in json.loads(answer.read())["detail"]
    connection.close()
    _nothing_is_left(media)


@pytest.mark.parametrize("length", [10 * MIB, None])
def test_a_sender_that_goes_away_leaves_nothing(server, media, length):
    address, _, sender = server
    host, port = address.split(":")
    lines = ["POST /api/v1/csv/upload HTTP/1.1", f"Host: {address}"]
    framing = {"Content-Length": str(length)} if length else {"Transfer-Encoding": "chunked"}
    lines += [f"{name}: {value}" for name, value in headers(sender, **framing).items()]
    start = form(CSV * 20_000, end=False)
    body = start if length else b"%x\r\n%s\r\n" % (len(start), start)
    with socket.create_connection((host, int(port))) as plain:
        plain.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + body)
        _wait(lambda: stored_files(media))
    _nothing_is_left(media)


def _nothing_is_left(media: Path):
    _wait(lambda: not stored_files(media))


def _wait(condition):
    deadline = time.monotonic() + DEADLINE_S
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.05)
