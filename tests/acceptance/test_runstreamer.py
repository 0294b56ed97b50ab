"""`manage.py runstreamer` as a process: arguments in, messages, exit code and words out."""

import json
import os
import pty
import re
import signal
import subprocess
import time
from pathlib import Path

import pytest

from apps.embedded.processes import wait_until
from tests.acceptance.streaming import WAIT_S, Streamer, end, write_csv
from tests.unit.csv_samples import WIDE_ROW, row_bytes

NOWHERE = "127.0.0.1:1"


@pytest.fixture
def streamer(etcd_endpoints, cluster_id):
    streamer = Streamer(etcd_endpoints, cluster_id)
    yield streamer
    streamer.kill()


def test_a_file_is_streamed_once_and_the_counts_are_the_last_line(streamer, tmp_path):
    path = write_csv(tmp_path / "a.csv", 2500)
    code, output, _ = streamer.run("--path", path, "--json")
    assert code == 0
    counts = json.loads(output.splitlines()[-1])
    assert counts.pop("seconds") >= 0
    assert counts == {"rows_read": 2500, "rows_rejected": 0, "records_published": 2500}
    assert len({record.uuid for record in streamer.records()}) == 2500


def test_paths_may_be_files_globs_and_directories(streamer, tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    write_csv(folder / "a.csv", 2, hostname="in-folder")
    write_csv(tmp_path / "b1.txt", 2, hostname="by-glob")
    file = write_csv(tmp_path / "c.csv", 2, hostname="by-name")
    code, _, _ = streamer.run("--path", folder, "--path", tmp_path / "b*.txt", "--path", file)
    assert code == 0
    assert {record.hostname for record in streamer.records()} == {
        "in-folder",
        "by-glob",
        "by-name",
    }


def test_bad_rows_are_reported_and_do_not_change_the_exit_code(streamer, tmp_path):
    path = write_csv(tmp_path / "a.csv", 50)
    with path.open("ab") as file:
        file.write(b"too,few\n" * 30 + row_bytes({**WIDE_ROW, "uuid": "GPU-last"}))
    code, output, errors = streamer.run("--path", path, "--json")
    assert code == 0
    assert len(streamer.records()) == 51
    assert json.loads(output.splitlines()[-1])["rows_rejected"] == 30
    assert f"{path}:52: 2 fields, the header has {len(WIDE_ROW)}" in output
    assert "and 10 more" in output
    assert errors.count("rejected " + str(path)) == 20


def test_a_source_that_cannot_be_read_is_an_error_and_the_others_are_streamed(streamer, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "binary.csv").write_bytes(bytes(range(256)))
    good = write_csv(tmp_path / "good.csv", 3)
    bad = [tmp_path / "missing.csv", tmp_path / "empty", tmp_path / "binary.csv"]
    code, output, errors = streamer.run(
        *(word for path in [*bad, good] for word in ("--path", path))
    )
    assert code == 1
    assert len(streamer.records()) == 3
    for path in bad:
        assert f"{path}: " in output
        assert errors.count(f"{path}: ") == 1
    assert "Traceback" not in errors


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--path", "a.csv", "--once", "--loop"],
        ["--path", "a.csv", "--dry-run", "--loop"],
        ["--path", "a.csv", "--rate", "0"],
        ["--path", "a.csv", "--rate", "nan"],
        ["--path", "a.csv", "--batch-size", "0"],
        ["--path", "a.csv", "--cluster", "not_allowed"],
    ],
)
def test_wrong_arguments_have_an_exit_code_of_their_own(streamer, arguments):
    code, _, errors = streamer.run(*arguments)
    assert code == 2
    assert "Traceback" not in errors


def test_a_message_that_etcd_refuses_ends_it_with_a_code_of_its_own(streamer, tmp_path):
    path = write_csv(tmp_path / "a.csv", 2000)
    code, _, errors = streamer.run("--path", path, "--batch-size", 2000, ETCD_MAX_TXN_OPS="100000")
    assert code == 4
    assert "too many operations" in errors
    assert "Traceback" not in errors


def test_a_dry_run_checks_without_etcd(streamer, tmp_path):
    path = write_csv(tmp_path / "a.csv", 10)
    code, output, _ = streamer.run("--path", path, "--dry-run", "--json", ETCD_ENDPOINTS=NOWHERE)
    assert code == 0
    counts = json.loads(output.splitlines()[-1])
    assert (counts["rows_read"], counts["records_published"]) == (10, 0)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_loop_ends_in_order_when_told_to(streamer, tmp_path, number):
    path = write_csv(tmp_path / "a.csv", 40)
    process = streamer.start("--path", path, "--loop", "--rate", 400, "--json")
    streamer.wait_for(100)
    process.send_signal(number)
    code, output, errors = end(process)
    found = streamer.records()
    assert code == 0, errors
    assert json.loads(output.splitlines()[-1])["records_published"] == len(found)
    assert len({(record.uuid, record.timestamp) for record in found}) == len(found)


def test_a_pass_that_is_interrupted_has_an_exit_code_of_its_own(streamer, tmp_path):
    path = write_csv(tmp_path / "a.csv", 100_000)
    process = streamer.start("--path", path, "--rate", 500, "--json")
    streamer.wait_for(100)
    process.send_signal(signal.SIGTERM)
    code, output, errors = end(process)
    assert code == 3, errors
    published = json.loads(output.splitlines()[-1])["records_published"]
    assert 100 <= published == len(streamer.records()) < 100_000


def test_files_that_appear_are_streamed_in_the_next_pass(streamer, tmp_path):
    write_csv(tmp_path / "a.csv", 2)
    process = streamer.start("--path", tmp_path, "--loop", "--rate", 200)
    streamer.wait_for(4)
    write_csv(tmp_path / "b.csv", 2, hostname="newcomer")
    assert wait_until(
        lambda: "newcomer" in {record.hostname for record in streamer.records()}, WAIT_S
    )
    process.terminate()
    assert end(process)[0] == 0


def test_without_etcd_a_stop_waits_for_a_moment_only(streamer, tmp_path):
    path = write_csv(tmp_path / "a.csv", 10)
    process = streamer.start("--path", path, ETCD_ENDPOINTS=NOWHERE, ETCD_TIMEOUT_S="1")
    line = next(line for line in process.stderr if " publishing: etcd" in line)
    assert "cannot be reached" in line
    assert "is it running" in line
    process.terminate()
    code, _, errors = end(process)
    assert code == 3
    assert "were not acknowledged" in errors
    assert " publishing: " not in errors  # an outage is told once


def test_a_second_signal_kills(streamer, tmp_path):
    path = write_csv(tmp_path / "a.csv", 10)
    process = streamer.start("--path", path, ETCD_ENDPOINTS=NOWHERE, ETCD_TIMEOUT_S="1")
    next(line for line in process.stderr if "cannot be reached" in line)
    process.terminate()
    assert wait_until(lambda: not catches(process.pid, signal.SIGTERM), WAIT_S)
    process.terminate()
    assert end(process)[0] == -signal.SIGTERM


def catches(pid, number):
    """Whether a process has a handler of its own for a signal (proc(5), SigCgt)."""
    status = Path(f"/proc/{pid}/status").read_text()
    mask = int(status.partition("SigCgt:")[2].split()[0], 16)
    return bool(mask >> (number - 1) & 1)


def test_etcd_may_die_and_come_back_and_nothing_is_lost(stack, cluster_id, tmp_path):
    path = write_csv(tmp_path / "a.csv", 6000)
    streamer = Streamer(stack.etcd_endpoints, cluster_id)
    process = streamer.start("--path", path, "--rate", 2000, "--json")
    try:
        streamer.wait_for(500)
        stack.etcd.child.kill()
        next(line for line in process.stderr if "trying again" in line)
        stack.etcd.restart()
        code, output, errors = end(process)
    finally:
        process.kill()
    assert code == 0, errors
    assert json.loads(output.splitlines()[-1])["records_published"] == 6000
    assert len({record.uuid for record in streamer.records()}) == 6000


def test_a_terminal_shows_a_bar_and_the_log_above_it(streamer, tmp_path):
    path = write_csv(tmp_path / "a.csv", 1000)
    with path.open("ab") as file:
        file.write(b"too,few\n")
    ours, theirs = pty.openpty()
    process = streamer.start("--path", path, "--dry-run", stderr=theirs, TERM="xterm")
    os.close(theirs)
    shown = b""
    try:
        while piece := os.read(ours, 65536):
            shown += piece
    except OSError:  # the end of a terminal
        pass
    os.close(ours)
    assert end(process)[0] == 0
    assert b"records/s" in shown
    assert b"1 rejected" in shown
    assert b"WARNING workers.streamer.report: rejected" in shown


@pytest.mark.parametrize(
    ("garbage", "megabytes"), [(b"x", 50), (b"\0", 50), (b'"\n', 1), (b'"a,b\n', 1)]
)
def test_memory_stays_small_whatever_is_in_the_file(streamer, tmp_path, garbage, megabytes):
    path = write_csv(tmp_path / "a.csv", 10)
    with path.open("ab") as file:
        for _ in range(megabytes):
            file.write(garbage * (1_000_000 // len(garbage)))
    process = streamer.start("--path", path, "--dry-run", stderr=subprocess.DEVNULL)
    peak_kib = 0
    while process.poll() is None:
        peak_kib = max(peak_kib, peak_memory_kib(process.pid))
        time.sleep(0.02)
    assert process.returncode == 0
    assert 0 < peak_kib < 200 * 1024


def peak_memory_kib(pid: int) -> int:
    """The peak since the program was executed; 0 when it has ended.

    Not `ru_maxrss`: that begins with what this test process occupied when it forked.
    """
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    return int(found[1]) if found else 0
