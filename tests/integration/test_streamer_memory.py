"""A streamer's memory is bounded, whatever is in the files."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from backports import zstd

from apps.telemetry.compression import MAX_WINDOW_LOG
from tests.unit.csv_samples import DCGM_ROW, WIDE_ROW, row_bytes

ROOT = Path(__file__).parents[2]
LIMIT_BYTES = 200_000_000
FIELDS = 480
WAIT4 = """
import json, os, subprocess, sys
process = subprocess.Popen(sys.argv[1:], stdout=sys.stderr)
_, status, usage = os.wait4(process.pid, 0)
print(json.dumps([os.waitstatus_to_exitcode(status), usage.ru_maxrss * 1024]))
"""


def rows_of_57_kb(path: Path) -> int:
    """Nearly as long as a row may be: a batch of a thousand of them is 57 MB."""
    names = [f"field_{number}" for number in range(FIELDS)]
    with path.open("wb") as file:
        file.write(",".join([*WIDE_ROW, *names]).encode() + b"\n")
        for row in range(1500):
            values = {name: f"{row}-{number}".ljust(117, "x") for number, name in enumerate(names)}
            file.write(row_bytes({**WIDE_ROW, "uuid": f"GPU-{row % 50}", **values}))
    return 1500


def labels_of_57_kb(path: Path) -> int:
    """Of one metric each, so that the next rows are read while these are put together."""
    with path.open("wb") as file:
        file.write(",".join(DCGM_ROW).encode() + b"\n")
        for row in range(600):
            labels = f"pod={row},".ljust(57_000, "x")
            file.write(row_bytes({**DCGM_ROW, "uuid": f"GPU-{row}", "labels_raw": labels}))
    return 600


def an_archive_with_the_largest_window(path: Path) -> int:
    """Of rows that are one GPU each, so that the reader puts nothing together and forgets much."""
    options: dict[int, int] = {
        zstd.CompressionParameter.compression_level: 1,
        zstd.CompressionParameter.window_log: MAX_WINDOW_LOG,
    }
    with zstd.ZstdFile(path, "wb", options=options) as file:
        file.write(",".join(DCGM_ROW).encode() + b"\n")
        for row in range(60_000):
            file.write(row_bytes({**DCGM_ROW, "uuid": f"GPU-{row}", "Hostname": f"host-{row}"}))
    return 60_000


@pytest.mark.parametrize(
    "write", [rows_of_57_kb, labels_of_57_kb, an_archive_with_the_largest_window]
)
@pytest.mark.skipif(not hasattr(os, "wait4"), reason="only Unix tells the peak")
def test_files_that_ask_for_much_are_streamed_in_200_mb(
    tmp_path: Path, environment: dict[str, str], write: Callable[[Path], int]
) -> None:
    rows = write(path := tmp_path / "hard.csv")
    command = [
        sys.executable, "manage.py", "runstreamer", "--path", str(path), "--once", "--no-restamp",
    ]  # fmt: skip
    # By a small process: the peak of one that was forked from a large one counts that one's memory.
    done = subprocess.run(
        [sys.executable, "-c", WAIT4, *command], cwd=ROOT, env={**os.environ, **environment},
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    exit_code, peak_bytes = json.loads(done.stdout)
    assert exit_code == 0, done.stderr
    assert f"records published  {rows}" in done.stderr
    assert peak_bytes < LIMIT_BYTES
