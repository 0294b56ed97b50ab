"""The benchmarks run and put a limit beside each figure; how fast is not a matter of a test."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
NAMES = [
    "queue_publish", "queue_consume",
    "latency_p50", "latency_p99", "parse_dcgm", "parse_wide", "publish", "collect", "pipeline",
    "scale_2", "scale_share",  # more collectors only drain a larger backlog
    "storage_raw_bytes", "storage_archive_bytes",
    "http_health", "http_gpu_telemetry", "http_gpu_telemetry_p99", "http_with_token", "http_latest",
    "http_gpus", "graphql_gpu", "http_beside_ingest", "live_500",
]  # fmt: skip
IN_A_BROWSER = (
    ["fleet_page_ready", "fleet_page_tick", "fleet_page_memory"]
    if shutil.which("chromedriver")
    else []
)


def test_every_figure_has_its_limit_and_their_ratio(tmp_path):
    sizes = ["--records", "4000", "--latency-s", "2", "--rounds", "1"]
    subprocess.run(
        [sys.executable, "-m", "benchmarks", *sizes],
        cwd=ROOT,
        env={**os.environ, "VAR_DIR": str(tmp_path)},
        check=True,
    )
    figures = json.loads((tmp_path / "bench.json").read_text())
    assert [figure["name"] for figure in figures] == NAMES + IN_A_BROWSER
    for figure in figures:
        assert set(figure) == {"name", "value", "unit", "limit", "ratio"}
        assert figure["value"] > 0
        assert figure["ratio"] == pytest.approx(figure["value"] / figure["limit"], abs=0.001)


def test_an_unknown_benchmark_is_named():
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "nonsense"],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "nonsense" in done.stderr


def test_more_history_than_there_is_room_for_is_refused_before_anything_starts(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.scale_of_history", "--samples", str(10**13),
         "--directory", str(tmp_path)],
        cwd=ROOT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert "--samples" in done.stdout
    assert not list(tmp_path.iterdir())
