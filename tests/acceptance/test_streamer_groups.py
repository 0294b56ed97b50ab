"""Streamers that share files, and files that grow: real processes on a real queue."""

import json
import signal
import time
from collections import Counter
from itertools import pairwise

import pytest

from tests.acceptance.streaming import WAIT_S, Streamer, end, write_csv
from tests.unit.csv_samples import WIDE_ROW, row_bytes

FILES, ROWS = 12, 400
LEASE_S = "2"


@pytest.fixture
def streamer(etcd_endpoints, cluster_id):
    streamer = Streamer(etcd_endpoints, cluster_id)
    yield streamer
    streamer.kill()


@pytest.fixture
def folder(tmp_path):
    """Files of GPUs of their own, so that a row that is read twice shows."""
    for number in range(FILES):
        write_csv(tmp_path / f"{number:02}.csv", ROWS, hostname=f"h{number}")
    return tmp_path


def published(output):
    return json.loads(output.splitlines()[-1])["records_published"]


def deliveries(streamer):
    """How often each row waits in the queue."""
    return Counter((record.hostname, record.uuid) for record in streamer.records())


def start(streamer, folder, *arguments):
    return streamer.start(
        "--path", folder, "--group", "g", "--json", *arguments, MEMBER_LEASE_S=LEASE_S
    )


def test_a_group_streams_every_row_once_and_each_of_it_has_a_share(streamer, folder):
    processes = [start(streamer, folder, "--rate", 800) for _ in range(2)]
    ended = [end(process) for process in processes]
    assert [code for code, _, _ in ended] == [0, 0]
    shares = [published(output) for _, output, _ in ended]
    assert min(shares) > 0
    assert len(deliveries(streamer)) == FILES * ROWS


def test_a_group_that_is_started_again_streams_only_what_is_new(streamer, folder):
    assert published(end(start(streamer, folder))[1]) == FILES * ROWS
    write_csv(folder / "new.csv", 7, hostname="new")
    assert published(end(start(streamer, folder))[1]) == 7
    assert max(deliveries(streamer).values()) == 1


def test_what_a_killed_streamer_of_a_group_had_left_is_streamed_by_the_others(streamer, folder):
    victim, heir = (start(streamer, folder, "--rate", 600) for _ in range(2))
    streamer.wait_for(ROWS)
    victim.send_signal(signal.SIGKILL)
    assert end(heir)[0] == 0
    assert len(deliveries(streamer)) == FILES * ROWS


def test_a_watched_file_is_read_on_as_it_grows_and_never_past_its_last_whole_line(
    streamer, tmp_path
):
    path = write_csv(tmp_path / "a.csv", 5)
    process = streamer.start("--path", tmp_path, "--watch")
    streamer.wait_for(5)
    row = row_bytes(WIDE_ROW | {"uuid": "GPU-grown"})
    with path.open("ab") as file:
        file.write(row[:40])
        file.flush()
        time.sleep(1.5)
        assert len(streamer.records()) == 5
        file.write(row[40:])
    streamer.wait_for(6)
    write_csv(tmp_path / "b.csv", 3, hostname="other")
    streamer.wait_for(9)
    process.terminate()
    code, _, errors = end(process)
    assert (code, "rejected" in errors) == (0, False)
    assert max(deliveries(streamer).values()) == 1


def test_a_file_is_replayed_at_the_pace_of_its_times(streamer, tmp_path):
    lines = [row_bytes(WIDE_ROW | {"timestamp": f"2025-07-18T20:42:{n:02}Z"}) for n in range(40)]
    path = tmp_path / "a.csv"
    path.write_bytes(",".join(WIDE_ROW).encode() + b"\n" + b"".join(lines))
    began = time.time()
    code, _, _ = streamer.run("--path", path, "--speed", 20, "--restamp")
    assert code == 0
    times = sorted(record.timestamp.timestamp() for record in streamer.records())
    assert began <= times[0] <= began + WAIT_S
    spacings = {round(after - before, 6) for before, after in pairwise(times)}
    assert spacings == {0.05}
