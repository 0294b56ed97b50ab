"""The check of a whole file: it passes on good and bad input, and fails on a wrong result."""

import json
import os
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.comparison import compare
from tests.acceptance.expected import FIELDS, read

ROOT = Path(__file__).parents[2]
EXPORT = Path(
    os.environ.get(
        "DCGM_EXPORT_CSV", ROOT.parent / "shared" / "data" / "dcgm_metrics_20250718_134233.csv"
    )
)
KEY = ("GPU-1", datetime(2025, 7, 18, tzinfo=UTC))
BAD_ROWS = """\
2025-07-18T20:42:34Z,0,host,GPU-b,101
2025-07-18T20:42:34Z,0,host,GPU-b,nan
2025-07-18T20:42:34Z,0,host,GPU-b,many
2025-07-18T20:42:34,0,host,GPU-b,1
1970-01-01T00:00:00Z,0,host,GPU-b,1
2100-01-01T00:00:00Z,0,host,GPU-b,1
2025-07-18T20:42:34Z,0,ho/st,GPU-b,1
2025-07-18T20:42:34Z,0,host,,1
2025-07-18T20:42:34Z,0,host,GPU-b
"""


def e2e(path: Path) -> tuple[int, dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-m", "tests.acceptance.e2e", str(path)],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    return done.returncode, json.loads(done.stdout.splitlines()[-1])


def sample(**values: Any) -> dict[str, Any]:
    return dict.fromkeys(FIELDS) | {"extra": None} | values


def test_a_file_with_bad_rows_is_accounted_for(tmp_path):
    path = tmp_path / "mixed.csv"
    good = "".join(
        f"2025-07-18T20:42:{second:02d}Z,{gpu},host_{gpu % 2},GPU-{gpu},{gpu + second}\n"
        for second in range(20)
        for gpu in range(8)
    )
    path.write_text(f"timestamp,gpu_id,hostname,uuid,gpu_utilization\n{BAD_ROWS}{good}")
    code, result = e2e(path)
    seconds = result.pop("seconds")
    assert (code, seconds > 0) == (0, True)
    assert result == {
        "rows_read": 169, "rows_rejected": 9, "records_published": 160, "records_stored": 160,
        "lost": 0, "duplicated": 0, "hosts": 2, "gpus": 8, "queue_left": 0,
    }  # fmt: skip


@pytest.mark.skipif(not EXPORT.is_file(), reason="the DCGM export is not here (DCGM_EXPORT_CSV)")
def test_every_value_of_a_real_export_comes_back_through_the_api():
    assert sum(map(len, read(EXPORT).records.values())) == 2470
    code, result = e2e(EXPORT)
    result.pop("seconds")
    assert code == 0
    assert result == {
        "rows_read": 2470, "rows_rejected": 0, "records_published": 988, "records_stored": 988,
        "lost": 0, "duplicated": 0, "hosts": 31, "gpus": 247, "queue_left": 0,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("found", "lost", "duplicated"),
    [
        ([(KEY, sample(power_draw=65.5))], 0, 0),
        ([(KEY, sample(power_draw=65.51))], 1, 0),
        ([(KEY, sample())], 1, 0),
        ([(KEY, sample(power_draw=65.5, temperature=0.0))], 1, 0),
        ([(KEY, sample(power_draw=65.5, extra={"pod": "p"}))], 1, 0),
        ([(KEY, sample(power_draw=65.5))] * 2, 0, 1),
        ([(KEY, sample(power_draw=65.5)), (("GPU-2", KEY[1]), sample())], 0, 1),
        ([], 1, 0),
    ],
)
def test_the_comparison_sees_what_is_wrong_missing_doubled_or_invented(found, lost, duplicated):
    difference = compare({KEY: {"power_draw": 65.5}}, found)
    assert (difference.lost, difference.duplicated) == (lost, duplicated)
    assert bool(difference.examples) == bool(lost or duplicated)
